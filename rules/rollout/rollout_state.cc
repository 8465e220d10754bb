#include "rules/rollout/rollout_state.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace belay::rules {
namespace {

using enum RolloutState;

constexpr std::size_t kStates = 13;
constexpr std::size_t kHoldReasons = 12;

/// One row a state, in the order of the enumeration: the states that may follow it.
using Row = std::array<bool, kStates>;

constexpr Row to(std::initializer_list<RolloutState> states) {
  Row row{};
  for (const RolloutState state : states) row[static_cast<std::size_t>(state)] = true;
  return row;
}

constexpr std::array<Row, kStates> kMayFollow = {
    /* pending       */ to({preflight, baking, held, superseded, aborted, inconclusive}),
    /* preflight     */ to({baking, held, superseded, aborted, inconclusive}),
    /* baking        */
    to({baking, held, promoted, failed, rolling_back, inconclusive, superseded, aborted}),
    /* held          */
    to({preflight, baking, held, promoted, failed, rolling_back, inconclusive, superseded,
        aborted}),
    /* promoted      */ to({}),
    /* failed        */ to({}),
    /* rolling_back  */
    to({rolling_back, verifying, failed, not_recovered, inconclusive, superseded}),
    /* verifying     */ to({rolling_back, recovered, not_recovered, inconclusive, superseded}),
    /* recovered     */ to({}),
    /* not_recovered */ to({}),
    /* inconclusive  */ to({}),
    /* superseded    */ to({}),
    /* aborted       */ to({}),
};

}  // namespace

bool may_follow(RolloutState from, RolloutState to) {
  return kMayFollow[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}

std::optional<RolloutState> rollout_state_of(std::string_view name) {
  for (std::size_t i = 0; i < kStates; ++i)
    if (name_of(static_cast<RolloutState>(i)) == name) return static_cast<RolloutState>(i);
  return std::nullopt;
}

std::optional<HoldReason> hold_reason_of(std::string_view name) {
  for (std::size_t i = 0; i < kHoldReasons; ++i)
    if (name_of(static_cast<HoldReason>(i)) == name) return static_cast<HoldReason>(i);
  return std::nullopt;
}

}  // namespace belay::rules
