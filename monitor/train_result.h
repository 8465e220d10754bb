#pragma once

#include <optional>
#include <string>
#include <vector>

#include "monitor/rollout_result.h"
#include "rules/snapshot.h"

namespace belay::monitor {

/// The rollouts of the newest train of this name, the newest of each service, in the order in which
/// they go; none if no such train is known.
std::vector<const rules::RolloutStatus*> train_of(const rules::Snapshot& snapshot,
                                                  const std::string& name);

/// What a train came to: the worst of its rollouts. Nothing while one of them goes on.
std::optional<RolloutResult> result_of(const std::vector<const rules::RolloutStatus*>& train);

}  // namespace belay::monitor
