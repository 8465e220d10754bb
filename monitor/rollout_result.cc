#include "monitor/rollout_result.h"

namespace belay::monitor {

using rules::RolloutState;

std::optional<RolloutResult> result_of(const rules::RolloutStatus& rollout) {
  const bool failed = rollout.verdict == rules::Outcome::fail;
  switch (rollout.state) {
    case RolloutState::promoted:
      return RolloutResult{kExitPass, rollout.why};
    case RolloutState::failed:
      return RolloutResult{kExitFail, rollout.why};
    case RolloutState::recovered:
      return RolloutResult{kExitRolledBack, rollout.why};
    case RolloutState::not_recovered:
      return RolloutResult{kExitNotRecovered, rollout.why};
    case RolloutState::inconclusive:
      // Without an action nobody could say what the candidate is worth; after one, whether it
      // helped.
      return RolloutResult{failed ? kExitNotRecovered : kExitUnknown, rollout.why};
    case RolloutState::superseded:
    case RolloutState::aborted:
      return RolloutResult{kExitSuperseded, rollout.why};
    case RolloutState::pending:
    case RolloutState::preflight:
    case RolloutState::baking:
    case RolloutState::held:
    case RolloutState::rolling_back:
    case RolloutState::verifying:
      break;
  }
  return std::nullopt;
}

}  // namespace belay::monitor
