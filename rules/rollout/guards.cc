#include "rules/rollout/guards.h"

#include <utility>

#include "rules/judgement/condition.h"
#include "rules/rollout/gate.h"

namespace belay::rules {

Guards::Guards(std::vector<Guard> guards, const Service& callee, NameId candidate,
               Instant watched_since, Instant now)
    : guards_(std::move(guards)) {
  for (const Guard& guard : guards_) {
    if (guard.service == nullptr) {
      missing_.push_back(guard.name);
      continue;
    }
    Service& of = *guard.service;
    const auto add = [&](const JudgedRule& own, Binding binding) {
      if (!counts_for_verdict(own.rule()) || mentions_baseline(own.rule().sentence.when)) return;
      // The same windows as the guard's own rule has, and with it what lasts.
      binding.since = own.since();
      JudgedRule rule(own.rule(), of.plan.name, binding, of.evidence, now);
      rule.go_on_from(own);
      Blame::Before before = before_of(own, callee, candidate, watched_since);
      rule.mark_bad_before(before.bad.has_value());
      const bool was_fine = before.was_fine;
      Blame blame(rule, std::move(before), Blame::Versions{}, of.evidence, now);
      rules_.push_back({.guard = &guard,
                        .rule = std::move(rule),
                        .blame = std::move(blame),
                        .was_fine = was_fine});
    };
    for (const JudgedRule& own : of.always) add(own, Binding{});
    // Its default judgement says nothing of another service's rollout.
    for (std::size_t i = 0; i < of.plan.rollout_rules.size(); ++i)
      add(of.before[i], Binding::of_the_service_before());
  }
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

std::string name_of_guarding(const std::string& guard, const std::string& rule) {
  return guard + ":" + rule;
}

}  // namespace belay::rules
