#include "rules/rollout/guard.h"

#include "rules/judgement/condition.h"
#include "rules/rollout/gate.h"

namespace belay::rules {

void for_each_guarding(const std::vector<Guard>& guards,
                       const std::function<void(const Guard& guard, const JudgedRule& own,
                                                const Binding& binding)>& visit) {
  for (const Guard& guard : guards) {
    if (guard.service == nullptr) continue;
    const Service& of = *guard.service;
    const auto visit_if_it_counts = [&](const JudgedRule& own, const Binding& binding) {
      if (counts_for_verdict(own.rule()) && !mentions_baseline(own.rule().sentence.when))
        visit(guard, own, binding);
    };
    for (const JudgedRule& own : of.always) visit_if_it_counts(own, Binding{});
    // Its default judgement says nothing of another service's rollout.
    for (std::size_t i = 0; i < of.plan.rollout_rules.size(); ++i)
      visit_if_it_counts(of.before[i], Binding::of_the_service_before());
  }
}

std::string name_of_guarding(const std::string& guard, const std::string& rule) {
  return guard + ":" + rule;
}

}  // namespace belay::rules
