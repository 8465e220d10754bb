#pragma once

#include <cstdint>

namespace belay::rules {

/// How probable it is that chance leaves `most` requests or fewer where `expected` were to come
/// (Poisson): 0..1. `expected` is 0 or more.
double chance_of_at_most(std::uint64_t most, double expected);

/// How probable it is that `least` or more of `all` events fall on one of two sides that each takes
/// with `share` (0..1, both excluded): 0..1.
double chance_of_at_least(std::uint64_t least, std::uint64_t all, double share);

}  // namespace belay::rules
