#include "rules/rollout/guards.h"

#include <utility>

#include "rules/rollout/before_rollout.h"

namespace belay::rules {

Guards::Guards(std::vector<Guard> guards, const std::vector<RuleBefore>& before, Instant now)
    : guards_(std::move(guards)) {
  for (const Guard& guard : guards_)
    if (guard.service == nullptr) missing_.push_back(guard.name);
  for_each_guarding(guards_, [&](const Guard& guard, const JudgedRule& own, Binding binding) {
    Service& of = *guard.service;
    // The same windows as the guard's own rule has, and with it what lasts.
    binding.since = own.since();
    JudgedRule rule(own.rule(), of.plan.name, binding, of.evidence, now);
    rule.go_on_from(own);
    Blame::Before known = before_in(before, own, name_of_guarding(guard.name, own.rule().name));
    rule.mark_bad_before(known.bad.has_value());
    const bool was_fine = known.was_fine;
    Blame blame(rule, std::move(known), Blame::Versions{}, of.evidence, now);
    rules_.push_back({.guard = &guard,
                      .rule = std::move(rule),
                      .blame = std::move(blame),
                      .was_fine = was_fine});
  });
}

std::vector<RuleBefore> Guards::before() const {
  std::vector<RuleBefore> before;
  for (const Watched& one : rules_) {
    RuleBefore& kept = before.emplace_back(
        as_kept(one.rule, name_of_guarding(one.guard->name, one.rule.rule().name), one.blame));
    // A later life would not know who else may have harmed it since.
    if (kept.truth == Truth::fine) kept.truth = Truth::unknown;
  }
  return before;
}

void Guards::look(Instant now, bool is_check) {
  for (Watched& one : rules_) {
    ServiceEvidence& evidence = one.guard->service->evidence;
    if (is_check) {
      one.rule.check(evidence, now);
    } else {
      one.rule.glance(evidence, now);
    }
    one.blame.look(one.rule, evidence, now, is_check);
    if (is_check && one.rule.status().truth == Truth::fine) one.was_fine = true;
    if (one.rule.is_firing()) continue;
    one.is_settled = false;
    one.is_held = false;
    one.shared_by.clear();
  }
}

}  // namespace belay::rules
