#pragma once

#include <string>
#include <vector>

#include "tests/simulation/boot_clock.h"

namespace belay::simulation {

/// What happened in one world, for people who look into one seed, and which promises were broken.
class Story {
 public:
  explicit Story(const WorldTime& time) : time_(time) {}

  void note(const std::string& what);
  void demand(bool holds, const char* promise, const std::string& what);

  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
  [[nodiscard]] const std::vector<std::string>& broken() const { return broken_; }

 private:
  const WorldTime& time_;
  std::vector<std::string> lines_;
  std::vector<std::string> broken_;
};

}  // namespace belay::simulation
