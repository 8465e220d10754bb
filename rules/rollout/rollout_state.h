#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace belay::rules {

/// Where a rollout stands (docs/adr/0006-rollout-states.md). Phases only go forward; the states
/// from `promoted` on, but for `rolling_back` and `verifying`, are final.
enum class RolloutState : std::uint8_t {
  pending,        ///< Known, and not begun: it waits for its turn in a train.
  preflight,      ///< The questions of before the first step are asked.
  baking,         ///< A step is judged.
  held,           ///< Judged on, but no step ends; HoldReason says why.
  promoted,       ///< The last step has passed.
  failed,         ///< It failed, and nothing was done: the mode, a cap, `irreversible`, disarmed.
  rolling_back,   ///< It failed, and an action is on its way.
  verifying,      ///< The action is done; the same rules watch what was restored.
  recovered,      ///< It helped.
  not_recovered,  ///< It did not help, or could not be done.
  inconclusive,   ///< Nobody can say: whether it helped; or, without an action, what it is worth.
  superseded,     ///< Someone else has deployed, or a newer rollout has begun.
  aborted,        ///< An operator has ended it.
};

/// Why a rollout is held. All but `approval`, `paused`, `irreversible` and `traffic` go on by
/// themselves when their reason is gone.
enum class HoldReason : std::uint8_t {
  paused,            ///< By an operator.
  shared_cause,      ///< The baseline is as bad.
  unknown,           ///< A rule could not be judged until the step's hard maximum.
  too_few_samples,   ///< Too little evidence until the step's hard maximum.
  candidate_silent,  ///< The candidate gets no requests while the baseline does.
  approval,          ///< A person must approve.
  irreversible,      ///< It fails, and cannot be undone.
  freeze,            ///< No traffic is moved now: the calendar, a disarm, the mode, another action.
  preflight,         ///< A question of before the first step is answered badly, or not at all.
  rule,              ///< A rule with `then: pause` fires, or the comparison says so.
  train,             ///< Others of its train come first, or have failed.
  traffic,           ///< The platform refused to move the traffic.
};

constexpr std::string_view name_of(RolloutState state) {
  switch (state) {
    case RolloutState::pending:
      return "pending";
    case RolloutState::preflight:
      return "preflight";
    case RolloutState::baking:
      return "baking";
    case RolloutState::held:
      return "held";
    case RolloutState::promoted:
      return "promoted";
    case RolloutState::failed:
      return "failed";
    case RolloutState::rolling_back:
      return "rolling_back";
    case RolloutState::verifying:
      return "verifying";
    case RolloutState::recovered:
      return "recovered";
    case RolloutState::not_recovered:
      return "not_recovered";
    case RolloutState::inconclusive:
      return "inconclusive";
    case RolloutState::superseded:
      return "superseded";
    case RolloutState::aborted:
      return "aborted";
  }
  return "pending";
}

constexpr std::string_view name_of(HoldReason reason) {
  switch (reason) {
    case HoldReason::paused:
      return "paused";
    case HoldReason::shared_cause:
      return "shared_cause";
    case HoldReason::unknown:
      return "unknown";
    case HoldReason::too_few_samples:
      return "too_few_samples";
    case HoldReason::candidate_silent:
      return "candidate_silent";
    case HoldReason::approval:
      return "approval";
    case HoldReason::irreversible:
      return "irreversible";
    case HoldReason::freeze:
      return "freeze";
    case HoldReason::preflight:
      return "preflight";
    case HoldReason::rule:
      return "rule";
    case HoldReason::train:
      return "train";
    case HoldReason::traffic:
      return "traffic";
  }
  return "unknown";
}

/// As name_of() spells them; nothing for anything else.
std::optional<RolloutState> rollout_state_of(std::string_view name);
std::optional<HoldReason> hold_reason_of(std::string_view name);

/// Still under judgement: its verdict is not final.
constexpr bool is_judged(RolloutState state) {
  return state == RolloutState::pending || state == RolloutState::preflight ||
         state == RolloutState::baking || state == RolloutState::held;
}
/// Over: nothing follows.
constexpr bool is_final(RolloutState state) {
  return !is_judged(state) && state != RolloutState::rolling_back &&
         state != RolloutState::verifying;
}
/// Whether a rollout may go from one to the other. A step that follows a step, and a change of the
/// reason of a hold, stay where they are: baking to baking, held to held.
bool may_follow(RolloutState from, RolloutState to);

}  // namespace belay::rules
