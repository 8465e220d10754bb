#pragma once

#include <string>

#include "base/result.h"

namespace belay::monitor {

/// The own name of the service that a configuration knows under this name or alias; empty for empty
/// (all of them). Reads as state_of() does: what an emergency does not need may be wrong or not
/// set. Error kind not_found: there is none, and which there are.
Result<std::string> service_in(const std::string& config, const std::string& name);

}  // namespace belay::monitor
