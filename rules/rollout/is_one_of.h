#pragma once

#include <algorithm>
#include <vector>

#include "rules/judgement/judged_rule.h"

namespace belay::rules {

/// Whether it is this very rule, not one like it.
inline bool is_one_of(const std::vector<JudgedRule>& rules, const JudgedRule& rule) {
  return std::ranges::any_of(rules, [&rule](const JudgedRule& one) { return &one == &rule; });
}

}  // namespace belay::rules
