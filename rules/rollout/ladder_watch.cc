// Whether what was done has helped.

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/sanitize.h"
#include "rules/rollout/ladder.h"
#include "rules/rollout/restored_baseline.h"

namespace belay::rules {
namespace {

/// How long a later rung waits for a shared cause to go away.
constexpr Duration kSharedMax = std::chrono::minutes{10};

/// A sentence says "candidate" of whatever it is asked of: after a rollback of what was put back.
std::vector<Evidence> told_after(const Order& done, const JudgedRule& rule,
                                 const std::string& restored) {
  constexpr std::string_view kCandidate = "candidate ";
  std::vector<Evidence> evidence = rule.status().evidence;
  if (!std::holds_alternative<RollBack>(done.action) || restored.empty()) return evidence;
  for (Evidence& one : evidence)
    if (one.what.starts_with(kCandidate))
      one.what = restored + " " + one.what.substr(kCandidate.size());
  return evidence;
}

}  // namespace

void Ladder::watch(Instant now) {
  const Cause& cause = attempt_->cause;
  attempt_->done_at = now;
  Binding binding;
  const bool is_back = std::holds_alternative<RollBack>(attempt_->order.action);
  const bool is_restored = attempt_->is_restored();
  const auto may_lack = [](const Rule* rule) { return may_lack_versions(rule->sentence.when); };
  // Where the version stays, or is not named, nobody can tell what still came from before the
  // change.
  const bool settles =
      !is_back || std::any_of(cause.watching.begin(), cause.watching.end(), may_lack);
  const Instant second = std::chrono::floor<std::chrono::seconds>(now);
  binding.since = is_back ? second : second + kSettles;
  if (!cause.candidate.empty()) {
    // What is restored is measured against itself: nothing else runs any more.
    const VersionFilter watched{
        .all = false, .version = names_.id(is_restored ? cause.baseline : cause.candidate)};
    binding.unscoped = watched;
    binding.candidate = watched;
    binding.baseline = watched;
  }
  Binding of_service;
  of_service.since = second + kSettles;
  Binding settled = binding;
  settled.since = of_service.since;
  watch_.emplace();
  watch_->until = now + (settles ? kSettles : Duration::zero()) + service_.plan.verify_for;
  if (is_back && !cause.candidate.empty()) watch_->drain = drain(now);
  if (watch_->drain) {
    const MisnamedRequests::Versions versions{.asked = names_.id(cause.baseline),
                                              .other = names_.id(cause.candidate),
                                              .was_other_well = false};
    service_.evidence.misnamed_of_restored.emplace(versions, of_service.since)
        .are_usual(service_.evidence.usual_misnamed);
    watch_->restored_before = service_.series.requests_of(versions.asked);
  }
  if (cause.began) watch_->excused = probes_failing_from(*cause.began, now);
  const std::vector<Rule>& always = service_.plan.rules;
  const bool asks_baseline = !is_restored && !cause.candidate.empty() && !cause.baseline.empty();
  watch_->asked = cause.watching.size();
  std::vector<const Rule*> rules = cause.watching;
  // A candidate that stays is asked what it was judged by.
  if (is_restored || service_.plan.rollout.is_judged_by_default)
    rules.insert(rules.end(), cause.beside.begin(), cause.beside.end());
  for (const Rule* rule : rules) {
    // What is on its way while the traffic is switched fails, whatever is put back.
    const bool is_beside = watch_->rules.size() >= watch_->asked;
    const bool is_of_guard = cause.guard != nullptr && rule == cause.rule;
    Service& on = is_of_guard ? *cause.guard : service_;
    const bool is_always = is_of_guard || (!always.empty() && rule >= always.data() &&
                                           rule < always.data() + always.size());
    Binding bound = is_always ? of_service : is_beside || may_lack(rule) ? settled : binding;
    // While the version stays, an answer that names nobody may be the other's.
    if (!is_restored && !cause.candidate.empty() &&
        rule->name.starts_with(default_name(RolloutRule::probes)))
      bound.unscoped.is_strict = true;
    // Whichever version of the guard answers.
    if (is_of_guard) bound.candidate = VersionFilter{};
    watch_->rules.emplace_back(*rule, on.plan.name, bound, on.evidence, now);
    watch_->on.push_back(&on.evidence);
    if (is_of_guard) ++on.epoch;
    if (!asks_baseline) continue;
    if (is_of_guard) {
      watch_->blames.emplace_back(watch_->rules.back(),
                                  Blame::Before{.bad = std::nullopt, .was_fine = true},
                                  Blame::Versions{}, on.evidence, now);
      continue;
    }
    const Blame::Versions versions{
        .candidate = Binding::of_one_version(names_.id(cause.candidate), binding.since),
        .baseline = Binding::of_one_version(names_.id(cause.baseline), binding.since)};
    watch_->blames.emplace_back(watch_->rules.back(),
                                Blame::Before{.bad = std::nullopt, .was_fine = true}, versions,
                                service_.evidence, now);
  }
  if (!cause.rollout.empty())
    turns_.push_back({cause.rollout, RolloutState::verifying, words_of(attempt_->order)});
  ++service_.epoch;
}

void Ladder::unwatch() {
  watch_.reset();
  service_.evidence.misnamed_of_restored.reset();
  has_free_windows_ = true;
}

Drain Ladder::drain(Instant now) {
  const Drain::Versions versions{attempt_->cause.candidate, attempt_->cause.baseline};
  std::vector<const Rule*> rules;
  for (const Rule* rule : attempt_->cause.watching)
    if (attempt_->cause.guard == nullptr || rule != attempt_->cause.rule) rules.push_back(rule);
  rules.insert(rules.end(), attempt_->cause.beside.begin(), attempt_->cause.beside.end());
  return {versions,          names_, attempt_->before, service_.plan.verify_for, rules,
          service_.evidence, now};
}

bool Ladder::may_be_shared() const {
  const std::size_t next = attempt_->rung + 1;
  return !attempt_->forbidden && next < attempt_->cause.rungs.size() &&
         attempt_->cause.rungs[next].kind == Then::Kind::rollback &&
         service_.plan.rollout.holds_on_shared_cause;
}

bool Ladder::is_shared(std::size_t rule) const {
  return may_be_shared() && rule < watch_->blames.size() &&
         watch_->blames[rule].fault() == Blame::Fault::shared;
}

const JudgedRule* Ladder::bad_on_baseline() const {
  if (!may_be_shared()) return nullptr;
  for (std::size_t i = 0; i < std::min(watch_->asked, watch_->blames.size()); ++i)
    if (watch_->rules[i].status().truth == Truth::unknown && watch_->blames[i].is_baseline_bad())
      return &watch_->rules[i];
  return nullptr;
}

void Ladder::hold_shared(const JudgedRule& rule, Instant now, Step& out) {
  const std::string& baseline = attempt_->cause.baseline;
  const std::string& name = rule.rule().name;
  const bool is_unknown = rule.status().truth == Truth::unknown;
  if (!watch_->shared_since) {
    watch_->shared_since = now;
    const std::string headline =
        is_unknown ? name + " is bad on " + baseline + ", and not known of " +
                         attempt_->cause.candidate + "; not rolling back"
                   : "shared cause: " + name + " fires, but " + baseline + " is as bad as " +
                         attempt_->cause.candidate + "; not rolling back";
    teller(now, out).not_acted(
        rule.rule(), headline,
        is_unknown ? "what a rollback would go back to is bad; going on when it is fine"
                   : "both versions are bad at the same time; going on when the baseline is fine",
        rule.status().evidence, attempt_->order.intent);
  }
  if (now - *watch_->shared_since < kSharedMax) return;
  attempt_->rung = attempt_->cause.rungs.size();  // Nothing more is tried.
  attempt_->has_left_candidate = true;
  const std::string both = is_unknown ? baseline + " has" : "both versions have";
  end_watch(is_unknown ? Notice::Kind::inconclusive : Notice::Kind::not_recovered,
            both + " been bad for " + format_duration(kSharedMax), now, out);
}

void Ladder::judge(Instant now, Step& out) {
  if (!watch_) return;
  for (std::size_t i = 0; i < watch_->rules.size(); ++i) {
    watch_->rules[i].check(*watch_->on[i], now);
    if (i < watch_->blames.size())
      watch_->blames[i].look(watch_->rules[i], *watch_->on[i], now, true);
  }
  for (std::size_t i = 0; i < watch_->rules.size(); ++i) {
    const JudgedRule& rule = watch_->rules[i];
    const bool is_beside = i >= watch_->asked;
    if (!rule.is_firing() &&
        (is_beside || now < watch_->until || rule.status().truth != Truth::bad))
      continue;
    if (is_beside && i < watch_->blames.size() && watch_->blames[i].fault() == Blame::Fault::shared)
      continue;
    if (is_shared(i)) {
      hold_shared(rule, now, out);
      return;
    }
    attempt_->order.evidence = told_after(attempt_->order, rule, attempt_->cause.baseline);
    const bool is_back = std::holds_alternative<RollBack>(attempt_->order.action);
    std::string why = " is bad";
    if (rule.is_firing()) why = is_back ? " fires on what was restored" : " fires still";
    end_watch(Notice::Kind::not_recovered, rule.rule().name + why, now, out);
    return;
  }
  if (now >= watch_->until) judge_end(now, out);
}

/// What was failing before the rollout, and all through it, says nothing of what was put back.
std::set<std::uint32_t> Ladder::probes_failing_from(Instant began, Instant done) const {
  std::set<std::uint32_t> failing;
  for (const auto& [source, log] : service_.evidence.probes)
    if (log.was_failing_from(began, done)) failing.insert(source);
  return failing;
}

/// No rule asks them, but what was put back is not called well beside one that fails.
std::optional<std::string> Ladder::red_probe() const {
  const bool is_back = std::holds_alternative<RollBack>(attempt_->order.action);
  if (!is_back || !attempt_->cause.began || !service_.plan.rollout.is_judged_by_default)
    return std::nullopt;
  for (const auto& [source, log] : service_.evidence.probes) {
    const SourceRecord& record = service_.evidence.source(source);
    if (record.is_retired() || watch_->excused.contains(source)) continue;
    if (const auto failure = log.failure_in_row(attempt_->done_at + kSettles))
      return "the last three answers of probe " + sanitize(record.plan().name) + " failed (" +
             *failure + ")";
  }
  return std::nullopt;
}

/// One that fails now and then lets nothing pass either.
std::optional<std::string> Ladder::doubtful_probe(Instant now) const {
  if (!watch_->drain || !service_.plan.rollout.is_judged_by_default) return std::nullopt;
  const NameId candidate = names_.id(attempt_->cause.candidate);
  for (const auto& [source, log] : service_.evidence.probes) {
    const SourceRecord& record = service_.evidence.source(source);
    if (record.is_retired() || watch_->excused.contains(source)) continue;
    const bool was_so_before =
        attempt_->cause.began &&
        log.is_doubtful(*attempt_->cause.began - kRecent, *attempt_->cause.began, candidate);
    if (!was_so_before && log.is_doubtful(attempt_->done_at + kSettles, now, candidate))
      return "too many of the newest answers of probe " + sanitize(record.plan().name) +
             " are failures";
  }
  return std::nullopt;
}

std::optional<std::string> Ladder::misnamed(Instant now) const {
  const std::optional<MisnamedRequests>& misnamed = service_.evidence.misnamed_of_restored;
  if (!misnamed) return std::nullopt;
  const std::string& restored = attempt_->cause.baseline;
  const std::uint64_t total = service_.series.requests_of(names_.id(restored));
  StrayFailures::Counted counted{.in_step = total - std::min(total, watch_->restored_before)};
  for (const VersionRequests& one : service_.recent_requests(
           std::chrono::seconds{RecentFailures::kSecondsMax}, Duration::zero()))
    if (one.version == restored) counted.lately = one.requests;
  counted.as_of = now;
  return misnamed->doubt(restored, counted, service_.plan.rollout.limits.error_rate, now);
}

std::optional<std::string> Ladder::compared_with_itself() const {
  if (!attempt_->is_restored() || attempt_->cause.baseline.empty()) return std::nullopt;
  return doubt_of_restored(watch_->rules, watch_->asked, attempt_->cause.evidence,
                           attempt_->cause.baseline);
}

/// No rule is bad.
void Ladder::judge_end(Instant now, Step& out) {
  if (const JudgedRule* bad = bad_on_baseline()) return hold_shared(*bad, now, out);
  std::string why;
  Notice::Kind result = Notice::Kind::recovered;
  for (std::size_t i = 0; i < watch_->asked; ++i) {
    const JudgedRule& rule = watch_->rules[i];
    const Truth truth = rule.status().truth;
    if (truth == Truth::unknown) result = Notice::Kind::inconclusive;
    why += (why.empty() ? "" : "; ") + rule.rule().name + " is " + name_of(truth);
    if (rule.status().unknown) why += std::string(" (") + name_of(*rule.status().unknown) + ")";
  }
  // What is fine may have been fine all along, beside a candidate that is still there.
  if (result == Notice::Kind::recovered && watch_->drain) {
    const Drain::Finding left = watch_->drain->look(service_.evidence, now);
    if (left.is_objection) {
      result = Notice::Kind::inconclusive;
      why = left.words + "; " + why;
    } else if (!left.words.empty()) {
      why += "; " + left.words;
    }
  }
  const ActionStatus* action = log_.find(attempt_->order.intent);
  // A rollback that is known to be done is no rung that failed to help.
  const bool is_known_done = std::holds_alternative<RollBack>(attempt_->order.action) &&
                             action != nullptr && action->phase != ActionOutcome::Phase::abandoned;
  // Nor is one unseen after which all is fine, whoever did it.
  const bool is_unseen = result == Notice::Kind::inconclusive && !is_known_done;
  if (result == Notice::Kind::recovered && action != nullptr &&
      action->phase == ActionOutcome::Phase::abandoned) {
    result = Notice::Kind::inconclusive;
    why = "nobody knows whether it was done; " + why;
  }
  if (result == Notice::Kind::recovered) {
    if (const std::optional<std::string> red = red_probe()) {
      result = Notice::Kind::not_recovered;
      why = *red + "; " + why;
    } else {
      for (const std::optional<std::string>& doubt :
           {doubtful_probe(now), misnamed(now), compared_with_itself()}) {
        if (!doubt) continue;
        result = Notice::Kind::inconclusive;
        why = *doubt + "; " + why;
      }
    }
  }
  attempt_->order.evidence =
      told_after(attempt_->order, watch_->rules.front(), attempt_->cause.baseline);
  end_watch(result, why, now, out, is_unseen);
}

std::string Ladder::still_bad(Instant now) const {
  if (!attempt_->has_left_candidate) return ". Nothing else is tried: a person must decide";
  if (const auto failure = versions_.failure_of(attempt_->cause.baseline, now))
    return ". " + *failure + " as well: a person must decide";
  return ". The candidate is gone, so either it was not the deploy, or it has left something "
         "behind (a cache, a migration, messages in a queue)";
}

void Ladder::end_watch(Notice::Kind result, const std::string& why, Instant now, Step& out,
                       bool is_unseen) {
  const bool has_more = attempt_->rung + 1 < attempt_->cause.rungs.size();
  const bool is_bad = result == Notice::Kind::not_recovered;
  const bool goes_on = has_more && (is_bad || is_unseen);
  const std::string further = goes_on && !attempt_->forbidden ? "; going on" : "";
  const std::string words = words_of(attempt_->order);
  std::string headline = "recovered after: " + words;
  if (is_bad)
    headline = has_more ? "it did not help: " + words + further
                        : "still bad after: " + words + still_bad(now);
  if (result == Notice::Kind::inconclusive)
    headline = "cannot say whether it helped: " + words + further;
  teller(now, out).verified(result, attempt_->order, headline, why, attempt_->order.evidence);
  log_.verified(attempt_->order.intent, result);
  unwatch();
  attempt_->is_unseen = goes_on && !is_bad;
  if (is_bad || goes_on) {
    next_rung(why, now, out);
  } else if (result == Notice::Kind::recovered) {
    const bool stays = !attempt_->has_left_candidate && !attempt_->cause.candidate.empty();
    end(RolloutState::recovered, stays ? why + "; " + sanitize(attempt_->cause.candidate) +
                                             " was not rolled back, and nobody judges it any more"
                                       : why);
  } else {
    end(RolloutState::inconclusive, why);
  }
}

void Ladder::give_way(const std::string& why, Instant now, Step& out) {
  if (!attempt_ || attempt_->given_way) return;
  attempt_->given_way = why;
  if (watch_) end_watch(Notice::Kind::inconclusive, why, now, out);
}

void Ladder::keep(WindowStore& windows) const {
  if (!watch_) return;
  // Windows of a guard are kept when that releases its own.
  for (std::size_t i = 0; i < watch_->rules.size(); ++i)
    if (&watch_->on[i]->windows == &windows) watch_->rules[i].keep(windows);
  if (&service_.evidence.windows != &windows) return;
  if (watch_->drain) watch_->drain->keep(windows);
  for (const Blame& blame : watch_->blames) blame.keep(windows);
}

}  // namespace belay::rules
