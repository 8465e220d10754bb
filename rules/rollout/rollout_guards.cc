// What the rules of its callers mean for a service that rolls out.

#include <algorithm>
#include <utility>

#include "base/sanitize.h"
#include "rules/rollout/rollout.h"

namespace belay::rules {
namespace {

std::string words_of(const Guards::Watched& one) {
  return one.guard->name + "'s " + one.rule.rule().name;
}

std::string words_of_shared(const Guards::Watched& one) {
  return words_of(one) + " fires while " + one.shared_by + ": which of them, nobody can tell";
}

std::string list_of(const std::vector<std::string>& names) {
  std::string list = names.size() == 2 ? "both " : "";
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) list += i + 1 == names.size() ? " and " : ", ";
    list += names[i];
  }
  return list;
}

}  // namespace

void Rollout::meet(std::vector<Guard> callers, std::vector<const Rollout*> callees) {
  callers_ = std::move(callers);
  callees_ = std::move(callees);
}

bool Rollout::is_rolling_out() const {
  const RolloutRecord* record = running();
  return (record != nullptr && record->state() != RolloutState::pending) || ladder_.is_walking() ||
         !waiting_.empty();
}

void Rollout::look_at_guards(Instant now, bool is_check, Step& out) {
  if (!guards_) return;
  guards_->look(now, is_check);
  for (std::size_t i = 0; guards_ && running() != nullptr && i < guards_->rules().size(); ++i)
    decide(guards_->rules()[i], now, out);
}

void Rollout::decide(Guards::Watched& one, Instant now, Step& out) {
  const RuleStatus& status = one.rule.status();
  if (!one.rule.is_firing() || status.truth != Truth::bad || one.is_settled) return;
  if (one.rule.rule().then.kind == Then::Kind::pause || status.was_bad_before) return;
  if (!one.was_fine && !one.is_held) {
    one.is_held = true;
    teller(now, out).not_acted(
        one.rule.rule(),
        words_of(one) + " fires, and was not seen fine in this rollout, nor before it",
        one.guard->name + " calls " + service_.plan.name +
            ", which rolls out; it may have been bad before: holding, until it has been fine",
        status.evidence, "");
  }
  if (one.guard->rollout->is_rolling_out() && !one.is_held) {
    one.is_held = true;
    teller(now, out).not_acted(
        one.rule.rule(),
        "shared cause: " + words_of(one) + " fires, but " + one.guard->name + " rolls out itself",
        "both " + one.guard->name + " and " + service_.plan.name +
            ", which it calls, are being rolled out; holding until the rule is fine",
        status.evidence, "");
  }
  if (one.is_held || is_shared_with_others(one, now, out)) return;
  one.is_settled = true;
  fail_by(one, now, out);
}

bool Rollout::is_shared_with_others(Guards::Watched& one, Instant now, Step& out) {
  const bool is_told = !one.shared_by.empty();
  const std::string& candidate = records_.back().status().candidate;
  std::vector<std::string> names = {service_.plan.name + " (" + sanitize(candidate) + ")"};
  std::string verb = " roll out";
  for (const Rollout* other : one.guard->rollout->callees_) {
    const RolloutRecord* record = other == this ? nullptr : other->suspect(one, now);
    if (record == nullptr) continue;
    std::string name = other->service_.plan.name + " (" + sanitize(record->status().candidate);
    if (!is_judged(record->state())) {
      verb = " may be why";
      name += is_final(record->state()) ? ", just ended" : ", being rolled back";
    }
    names.push_back(std::move(name) + ")");
  }
  one.shared_by = names.size() == 1 ? "" : list_of(names) + verb;
  if (one.shared_by.empty() || is_told) return !one.shared_by.empty();
  teller(now, out).not_acted(
      one.rule.rule(), "shared cause: " + words_of_shared(one),
      one.guard->name +
          " calls each of them; holding until the rule is fine, or only one is left that may be "
          "why: each is still rolled back for what its own rules or its comparison find. To find "
          "out which it is, roll one back by hand (`belay rollout rollback`)",
      one.rule.status().evidence, "");
  return true;
}

const RolloutRecord* Rollout::suspect(const Guards::Watched& one, Instant now) const {
  const Instant bad_since = one.rule.status().bad_since.value_or(now);
  // One that saw the same rule bad before it began has not done it.
  bool is_bad_before = false;
  if (guards_)
    for (const Guards::Watched& own : guards_->rules())
      is_bad_before = is_bad_before ||
                      (&own.rule.rule() == &one.rule.rule() && own.rule.status().was_bad_before);
  for (auto record = records_.rbegin(); record != records_.rend(); ++record) {
    const RolloutStatus& status = record->status();
    const bool is_moving = moving_ && moving_->rollout == status.id;
    if (status.started > bad_since || (!record->has_begun() && !is_moving)) continue;
    // A reading of what is live may be of before it came.
    const bool has_come = now - status.started < kSettles || has_traffic(*record, now);
    if (is_judged(status.state) && !is_bad_before && has_come) return &*record;
    if (!is_judged(status.state) && !is_final(status.state)) return &*record;
    if (!status.ended || status.state == RolloutState::promoted ||
        status.state == RolloutState::aborted)
      continue;
    // What the guard is judged on is still of when it was there.
    if (now - *status.ended < one.rule.longest_window()) return &*record;
    // Nothing was done about it: it may be there still. A guard that was fine since is bad for
    // another reason.
    const bool was_left = status.state == RolloutState::failed ||
                          !book_.was_rolled_away(service_.plan.name, status.candidate);
    const bool was_bad_then = bad_since < *status.ended + one.rule.longest_window();
    if (was_left && was_bad_then && &*record == &records_.back() && has_traffic(*record, now))
      return &*record;
  }
  return nullptr;
}

void Rollout::fail_by(const Guards::Watched& one, Instant now, Step& out) {
  Ladder::Cause cause = cause_in(records_.back().status());
  cause.rule = &one.rule.rule();
  cause.guard = one.guard->service;
  cause.watching = {cause.rule};
  cause.rungs = rungs_of({.kind = Then::Kind::rollback});
  cause.evidence = one.rule.status().evidence;
  cause.since = one.rule.status().bad_since.value_or(now);
  const std::string headline = words_of(one) + " fires while " + service_.plan.name +
                               ", which it calls, is rolled out: " + gist_of(cause.evidence);
  for (Evidence& evidence : cause.evidence) evidence.what = one.guard->name + " " + evidence.what;
  cause.reason = cut(headline);
  add_firing(cause);
  ask_errors_beside(cause);
  fail(std::move(cause), {.headline = headline, .details = {}, .numbers = std::nullopt}, now, out);
}

void Rollout::add_guards(Gate::Verdict& verdict, Instant now, Instant since) const {
  if (!guards_) return;
  for (const Guards::Watched& one : guards_->rules())
    if (const auto found = Gate::hindrance(one.rule, words_of(one), one.blame, true, now - since))
      Gate::add(verdict, *found);
  for (const std::string& name : guards_->missing())
    Gate::add(verdict,
              {.unknown = UnknownKind::error, .why = "the guard " + name + " is no service"});
}

std::optional<Rollout::Hold> Rollout::hold_by_guards() const {
  if (!guards_) return std::nullopt;
  for (const Guards::Watched& one : guards_->rules()) {
    if (!one.rule.is_firing()) continue;
    if (one.is_held)
      return Hold{HoldReason::shared_cause,
                  words_of(one) + " fires, and the candidate cannot be blamed for it"};
    if (!one.shared_by.empty()) return Hold{HoldReason::shared_cause, words_of_shared(one)};
    if (one.rule.rule().then.kind == Then::Kind::pause)
      return Hold{HoldReason::rule, words_of(one) + " is firing"};
  }
  return std::nullopt;
}

std::optional<Ladder::Cause> Rollout::cause_of_guard(const std::string& rule,
                                                     const RolloutStatus& status) const {
  const std::size_t colon = rule.find(':');
  if (colon == std::string::npos) return std::nullopt;
  for (const Guard& guard : callers_) {
    if (guard.service == nullptr || guard.name != rule.substr(0, colon)) continue;
    const ServicePlan& plan = guard.service->plan;
    for (const std::vector<Rule>* rules : {&plan.rules, &plan.rollout_rules})
      for (const Rule& one : *rules) {
        if (one.name != rule.substr(colon + 1)) continue;
        Ladder::Cause cause = cause_in(status);
        cause.rule = &one;
        cause.guard = guard.service;
        cause.watching = {&one};
        cause.rungs = rungs_of({.kind = Then::Kind::rollback});
        ask_errors_beside(cause);
        return cause;
      }
  }
  return std::nullopt;
}

}  // namespace belay::rules
