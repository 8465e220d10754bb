#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/faults.h"
#include "tests/simulation/plant.h"
#include "tests/simulation/witness.h"

namespace belay::simulation {

/// What became of one world.
struct Report {
  std::uint64_t seed = 0;
  std::string faults;
  std::vector<std::string> broken;  ///< Promises; empty: all were kept.
  Witness::Decisions decisions;
  std::vector<std::string> story;
  Witness::Counts counts;
};

/// A machine to run worlds on, one after another: the disk, and a directory for the lock.
class Machine {
 public:
  Machine();
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// The same seed, the same world, to the last event. `faults`: instead of those of the seed.
  Report run(std::uint64_t seed, const Plant& plant = {},
             const std::optional<Faults>& faults = std::nullopt);

 private:
  Disk disk_;
  std::filesystem::path place_;
};

}  // namespace belay::simulation
