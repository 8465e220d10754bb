#pragma once

#include "monitor/config/config.h"
#include "monitor/doctor/finding.h"
#include "monitor/doctor/observation.h"

namespace belay::monitor {

/// What each source gave, each probe answered, each queue holds; and whether the versions that the
/// logs name can be told apart.
Findings check_evidence(const Config& config, const Observation& observation);

/// Requests a second of one service, of the last ten minutes or what was seen of them; zero if
/// there were none.
double requests_per_second(const Observation& observation, const std::string& service);

/// The versions that its logs named.
std::vector<std::string> versions_seen(const Observation& observation, const std::string& service);

}  // namespace belay::monitor
