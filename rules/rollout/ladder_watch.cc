// Whether what was done has helped.

#include <algorithm>
#include <chrono>

#include "base/sanitize.h"
#include "rules/rollout/ladder.h"

namespace belay::rules {
namespace {

/// How long a later rung waits for a shared cause to go away.
constexpr Duration kSharedMax = std::chrono::minutes{10};

}  // namespace

void Ladder::watch(Instant now) {
  const Cause& cause = attempt_->cause;
  Binding binding;
  const bool is_back = std::holds_alternative<RollBack>(attempt_->order.action);
  const auto may_lack = [](const Rule* rule) { return may_lack_versions(rule->sentence.when); };
  // Where the version stays, or is not named, nobody can tell what still came from before the
  // change.
  const bool settles =
      !is_back || std::any_of(cause.watching.begin(), cause.watching.end(), may_lack);
  const Instant second = std::chrono::floor<std::chrono::seconds>(now);
  binding.since = is_back ? second : second + kSettles;
  if (!cause.candidate.empty()) {
    // What is restored is measured against itself: nothing else runs any more.
    const VersionFilter watched{.all = false,
                                .version = names_.id(is_back ? cause.baseline : cause.candidate)};
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
  const std::vector<Rule>& always = service_.plan.rules;
  const bool asks_baseline = !is_back && !cause.candidate.empty() && !cause.baseline.empty();
  for (const Rule* rule : cause.watching) {
    const bool is_of_guard = cause.guard != nullptr && rule == cause.rule;
    Service& on = is_of_guard ? *cause.guard : service_;
    const bool is_always = is_of_guard || (!always.empty() && rule >= always.data() &&
                                           rule < always.data() + always.size());
    Binding bound = is_always ? of_service : may_lack(rule) ? settled : binding;
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

Drain Ladder::drain(Instant now) {
  const Drain::Versions versions{attempt_->cause.candidate, attempt_->cause.baseline};
  std::vector<const Rule*> rules;
  for (const Rule* rule : attempt_->cause.watching)
    if (attempt_->cause.guard == nullptr || rule != attempt_->cause.rule) rules.push_back(rule);
  return {versions,          names_, attempt_->before, service_.plan.verify_for, rules,
          service_.evidence, now};
}

bool Ladder::is_shared(std::size_t rule) const {
  const std::size_t next = attempt_->rung + 1;
  return !attempt_->forbidden && next < attempt_->cause.rungs.size() &&
         attempt_->cause.rungs[next].kind == Then::Kind::rollback &&
         service_.plan.rollout.holds_on_shared_cause && rule < watch_->blames.size() &&
         watch_->blames[rule].fault() == Blame::Fault::shared;
}

void Ladder::hold_shared(const JudgedRule& rule, Instant now, Step& out) {
  const std::string& baseline = attempt_->cause.baseline;
  if (!watch_->shared_since) {
    watch_->shared_since = now;
    teller(now, out).not_acted(
        rule.rule(),
        "shared cause: " + rule.rule().name + " fires, but " + baseline + " is as bad as " +
            attempt_->cause.candidate + "; not rolling back",
        "both versions are bad at the same time; going on when the baseline is fine",
        rule.status().evidence, attempt_->order.intent);
  }
  if (now - *watch_->shared_since < kSharedMax) return;
  attempt_->rung = attempt_->cause.rungs.size();  // Nothing more is tried.
  attempt_->has_left_candidate = true;
  end_watch(Notice::Kind::not_recovered,
            "both versions have been bad for " + format_duration(kSharedMax), now, out);
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
    if (!rule.is_firing() && (now < watch_->until || rule.status().truth != Truth::bad)) continue;
    if (is_shared(i)) {
      hold_shared(rule, now, out);
      return;
    }
    attempt_->order.evidence = rule.status().evidence;
    const bool is_back = std::holds_alternative<RollBack>(attempt_->order.action);
    std::string why = " is bad";
    if (rule.is_firing()) why = is_back ? " fires again on what was restored" : " fires still";
    end_watch(Notice::Kind::not_recovered, rule.rule().name + why, now, out);
    return;
  }
  if (now >= watch_->until) judge_end(now, out);
}

/// No rule is bad.
void Ladder::judge_end(Instant now, Step& out) {
  std::string why;
  Notice::Kind result = Notice::Kind::recovered;
  for (const JudgedRule& rule : watch_->rules) {
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
  if (result == Notice::Kind::recovered && action != nullptr &&
      action->phase == ActionOutcome::Phase::abandoned) {
    result = Notice::Kind::inconclusive;
    why = "nobody knows whether it was done; " + why;
  }
  attempt_->order.evidence = watch_->rules.front().status().evidence;
  end_watch(result, why, now, out);
}

void Ladder::end_watch(Notice::Kind result, const std::string& why, Instant now, Step& out) {
  const bool has_more = attempt_->rung + 1 < attempt_->cause.rungs.size();
  const std::string words = words_of(attempt_->order);
  std::string headline = "recovered after: " + words;
  if (result == Notice::Kind::not_recovered && has_more) {
    headline = "it did not help: " + words + (attempt_->forbidden ? "" : "; going on");
  } else if (result == Notice::Kind::not_recovered) {
    headline = "still bad after: " + words +
               (attempt_->has_left_candidate ? ". It is not the deploy: look elsewhere"
                                             : ". Nothing else is tried: a person must decide");
  }
  if (result == Notice::Kind::inconclusive) headline = "cannot say whether it helped: " + words;
  teller(now, out).verified(result, attempt_->order, headline, why, attempt_->order.evidence);
  log_.verified(attempt_->order.intent, result);
  watch_.reset();
  has_free_windows_ = true;
  if (result == Notice::Kind::not_recovered) {
    next_rung(why, now, out);
  } else {
    end(result == Notice::Kind::recovered ? RolloutState::recovered : RolloutState::inconclusive,
        why);
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
