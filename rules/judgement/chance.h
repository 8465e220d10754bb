#pragma once

#include <cstdint>

namespace belay::rules {

/// How probable it is that chance leaves `most` requests or fewer where `expected` were to come
/// (Poisson): 0..1. `expected` is 0 or more.
double chance_of_at_most(std::uint64_t most, double expected);

}  // namespace belay::rules
