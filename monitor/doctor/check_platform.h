#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "monitor/config/config.h"
#include "monitor/doctor/finding.h"
#include "monitor/platform/platforms.h"
#include "rules/event.h"

namespace belay::monitor {

/// The token of the account: whether it works, until when, and what it may do.
Findings check_token(const Config& config, Instant now);

/// What is deployed, and whether there is a version to go back to. Puts the deployment of each
/// service that could be read into `live`.
using Live = std::map<std::string, rules::Deployment>;
Findings check_platforms(const Config& config, const Platforms& platforms, Live& live);

/// Whether the logs name the versions as the platform does.
Findings check_version_names(const std::string& service, const rules::Deployment& live,
                             const std::vector<std::string>& seen);

/// The programs that would be run, and the flags that would be reset: there, and as expected. Each
/// `verify` is run, about a version that nobody has.
Findings check_actions(const Config& config, const Platforms& platforms);

}  // namespace belay::monitor
