#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "monitor/doctor/finding.h"
#include "monitor/doctor/observation.h"

namespace belay::monitor {

/// What a running daemon has seen, as its API tells it: `sources` of /api/v1/sources, and of
/// /api/v1/services/NAME one for each service. What is missing, or not as we write it, was not
/// seen.
Observation observation_of(const nlohmann::json& sources,
                           const std::vector<nlohmann::json>& services);

/// Whose eyes they are, and since when; and services of the configuration that the daemon does not
/// know, or that are disarmed there. `at`: where it answers.
Findings check_daemon(const std::string& at, const Observation& observation,
                      const std::vector<std::string>& services);

}  // namespace belay::monitor
