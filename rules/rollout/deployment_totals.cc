#include "rules/rollout/deployment_totals.h"

namespace belay::rules {

void DeploymentTotals::add(const EndedRollout& rollout) {
  ++ended[{rollout.state, rollout.verdict}];
  const bool is_promoted = rollout.state == RolloutState::promoted;
  if (is_promoted && rollout.committed_at && *rollout.committed_at <= rollout.ended)
    lead_time.add(rollout.ended - *rollout.committed_at, kLeadTimeBounds);
  const bool has_recovered = rollout.state == RolloutState::recovered;
  if (has_recovered && rollout.failing_since && *rollout.failing_since <= rollout.ended)
    recovery.add(rollout.ended - *rollout.failing_since, kRecoveryBounds);
}

}  // namespace belay::rules
