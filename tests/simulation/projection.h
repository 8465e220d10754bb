#pragma once

#include <string>

#include "rules/snapshot.h"

namespace belay::simulation {

/// What of a service must be the same for who has lived through it and for who has only read the
/// journal: all that later decisions and words rest on, but evidence, which is gathered anew.
std::string projection_of(const rules::ServiceStatus& status);

}  // namespace belay::simulation
