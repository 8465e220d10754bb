#pragma once

#include <optional>
#include <vector>

#include "monitor/doctor/finding.h"
#include "rules/plan.h"
#include "rules/rollout/steps.h"

namespace belay::monitor {

/// How much evidence each step of a rollout will have at `requests_per_second` of the whole
/// service, and which rules it will leave unknown. Nothing: it has no logs, so nobody counts its
/// requests, and none are missed. Pure.
Findings forecast(const rules::ServicePlan& plan, const std::vector<rules::RolloutStep>& steps,
                  std::optional<double> requests_per_second);

}  // namespace belay::monitor
