#include "monitor/rollout_result.h"

#include <algorithm>

namespace belay::monitor {

using rules::RolloutState;

namespace {

/// After an action the rollout says what was seen since: how the version before does. People ask
/// first what was wrong with this one.
std::string cause_and_end(const rules::RolloutStatus& rollout) {
  const auto failed = std::ranges::find(rollout.timeline, RolloutState::rolling_back,
                                        &rules::RolloutStatus::Moment::state);
  if (failed == rollout.timeline.end() || failed->what == rollout.why) return rollout.why;
  return failed->what + "; since then: " + rollout.why;
}

}  // namespace

std::optional<RolloutResult> result_of(const rules::RolloutStatus& rollout) {
  const bool failed = rollout.verdict == rules::Outcome::fail;
  switch (rollout.state) {
    case RolloutState::promoted:
      return RolloutResult{kExitPass, rollout.why};
    case RolloutState::failed:
      return RolloutResult{kExitFail, rollout.why};
    case RolloutState::recovered:
      return RolloutResult{kExitRolledBack, cause_and_end(rollout)};
    case RolloutState::not_recovered:
      return RolloutResult{kExitNotRecovered, cause_and_end(rollout)};
    case RolloutState::inconclusive:
      // Without an action nobody could say what the candidate is worth; after one, whether it
      // helped.
      return failed ? RolloutResult{kExitNotRecovered, cause_and_end(rollout)}
                    : RolloutResult{kExitUnknown, rollout.why};
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
