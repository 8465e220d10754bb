// What the rules of its callers mean for a service that rolls out.

#include <algorithm>
#include <utility>

#include "rules/rollout/rollout.h"

namespace belay::rules {
namespace {

std::string words_of(const Guards::Watched& one) {
  return one.guard->name + "'s " + one.rule.rule().name;
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
        one.rule.rule(), words_of(one) + " fires, and was never seen fine",
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
  if (one.is_held) return;
  one.is_settled = true;
  fail_by(one, now, out);
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
        return cause;
      }
  }
  return std::nullopt;
}

}  // namespace belay::rules
