#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/world.h"

namespace belay::simulation {

/// Invariant 10: what lies in the windows is the same whether evidence came once and in order, or
/// shuffled within its lateness and more than once. Gives what differs.
std::vector<std::string> shuffled_evidence_differs(std::uint64_t seed, const Plant& plant = {});

/// Invariant 11: someone who sets the clock, and does nothing else, changes no verdict. Gives what
/// differs between a world in which it happens and the same one in which it does not.
std::vector<std::string> set_clock_differs(Machine& machine, std::uint64_t seed,
                                           const Plant& plant = {});

}  // namespace belay::simulation
