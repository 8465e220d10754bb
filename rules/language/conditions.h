#pragma once

#include "rules/language/rule.h"

namespace belay::rules {

/// Calls `visit(const Condition&)` for every condition that is not and or or, in the sentence's
/// order.
template <typename Visit>
void for_each_condition(const Condition& condition, const Visit& visit) {
  if (const auto* any = std::get_if<AnyOf>(&condition.node)) {
    for (const Condition& inner : any->conditions) for_each_condition(inner, visit);
  } else if (const auto* all = std::get_if<AllOf>(&condition.node)) {
    for (const Condition& inner : all->conditions) for_each_condition(inner, visit);
  } else {
    visit(condition);
  }
}

/// Calls `visit(const Metric&)` for every metric of a comparison, left to right.
template <typename Visit>
void for_each_metric(const Comparison& comparison, const Visit& visit) {
  for (const Side* side : {&comparison.left, &comparison.right}) {
    if (const auto* metric = std::get_if<Metric>(&side->first.operand)) visit(*metric);
    if (!side->second) continue;
    if (const auto* metric = std::get_if<Metric>(&side->second->operand)) visit(*metric);
  }
}
template <typename Visit>
void for_each_metric(const Condition& condition, const Visit& visit) {
  if (const auto* comparison = std::get_if<Comparison>(&condition.node)) {
    for_each_metric(*comparison, visit);
  }
}

}  // namespace belay::rules
