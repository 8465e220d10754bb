#pragma once

#include <cstddef>
#include <vector>

#include "rules/plan.h"
#include "tests/simulation/seeded.h"

namespace belay::simulation {

/// Services of the plan.
inline constexpr std::size_t kShop = 0;  ///< People are busy here.
inline constexpr std::size_t kPier = 1;  ///< The staging environment; nobody deploys by hand.

/// What one world's daemon is configured with: both services and their rules, and chance says how
/// their rollouts go.
rules::Plan draw_plan(Seeded& chance);

/// Two or three steps up to all of the traffic.
std::vector<rules::RolloutStep> draw_steps(Seeded& chance);

/// The longest that a rollout of these steps may take while nothing is in its way, questions,
/// moves and the watch after an action included.
Duration longest(const std::vector<rules::RolloutStep>& steps);

}  // namespace belay::simulation
