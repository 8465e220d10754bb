#pragma once

#include <optional>
#include <string>

#include "monitor/commands/exit_code.h"
#include "rules/snapshot.h"

namespace belay::monitor {

/// What a rollout came to: its exit code, and one line for people.
struct RolloutResult {
  ExitCode code = kExitUnknown;
  std::string why;
  bool operator==(const RolloutResult&) const = default;
};

/// Nothing while the rollout goes on: it is judged, an action is on its way, or its effect is
/// watched.
std::optional<RolloutResult> result_of(const rules::RolloutStatus& rollout);

}  // namespace belay::monitor
