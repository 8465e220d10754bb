#include "monitor/rollout_result.h"

#include <algorithm>

#include "rules/order.h"
#include "rules/rollout/train.h"

namespace belay::monitor {

using rules::RolloutState;

namespace {

/// Of what was remembered over a restart only the rule is known.
std::string cause_of(const rules::RolloutStatus& rollout) {
  const auto failed = std::ranges::find(rollout.timeline, RolloutState::rolling_back,
                                        &rules::RolloutStatus::Moment::state);
  if (failed != rollout.timeline.end()) return failed->what;
  if (rollout.rule.empty()) return {};
  if (rollout.rule == rules::kByHand) return "rolled back by hand";
  return rollout.rule == rules::kTrainRule ? "its train failed" : rollout.rule + " fired";
}

/// After an action the rollout says what was seen since: how the version before does. People ask
/// first what was wrong with this one.
std::string cause_and_end(const rules::RolloutStatus& rollout) {
  const std::string cause = cause_of(rollout);
  if (cause.empty() || cause == rollout.why) return rollout.why;
  return cause + "; since then: " + rollout.why;
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
