#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "rules/judgement/evidence_blocks.h"
#include "rules/judgement/judged_rule.h"
#include "rules/order.h"
#include "rules/plan.h"

namespace belay::rules {

/// A rule that compares with the baseline says nothing of a baseline that was put back: it would
/// be compared with itself. These are asked besides.

/// The errors of the default judgement, where none of the rules that are `watching` limits them:
/// what was put back must not fail its requests either. None where it was so before the rollout, or
/// of the baseline in it (`counts`), or where nobody knows. `defaults`: rules_by_default().
std::vector<const Rule*> errors_beside(const std::vector<const Rule*>& watching,
                                       const std::vector<Rule>& defaults,
                                       const std::vector<RuleBefore>& before,
                                       const PairCounts& counts, const RolloutPlan& plan);

/// Why what was put back may be bad although its rules are fine; nothing if they tell. `rules`:
/// those that it must be fine by, `asked` of them, then those beside. `fired`: what the first one
/// fired on. It may be where the number is nearer to what the candidate had than to what was
/// allowed, and where nothing is known but comparisons with itself.
std::optional<std::string> doubt_of_restored(const std::vector<JudgedRule>& rules,
                                             std::size_t asked, const std::vector<Evidence>& fired,
                                             const std::string& restored);

}  // namespace belay::rules
