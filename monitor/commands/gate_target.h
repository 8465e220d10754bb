#pragma once

#include <string>

#include "monitor/platform/platform.h"

namespace belay::monitor {

/// Between which versions a gate judges, and what the platform says about them.
struct GateTarget {
  std::string candidate;
  std::string baseline;            ///< Empty: none.
  bool is_baseline_found = false;  ///< The platform named it, not the caller.
  std::string live;                ///< "v2 at 10%, v1 at 90%"; empty: the platform cannot tell.
  std::string trouble;  ///< Why the platform could not be read; the gate goes on without it.
  std::string refusal;  ///< Why there is nothing to gate.
};

/// Asks the platform (null: there is none) what is live. A baseline that is not given is the
/// largest other share of the live deployment (rules/rollout/baseline.h); what had most requests
/// only the engine can know. Refused: a candidate that has no traffic at all.
GateTarget gate_target(Platform* platform, const std::string& candidate, const std::string& asked);

}  // namespace belay::monitor
