#pragma once

#include <chrono>
#include <csignal>
#include <optional>

namespace belay::monitor {

/// SIGINT, SIGTERM and SIGHUP as values instead of interruptions. Made by the main thread before
/// any other starts: all of them inherit the mask.
class Signals {
 public:
  Signals();

  /// The next of them, if one comes in time.
  std::optional<int> wait(std::chrono::milliseconds at_most) const;

 private:
  sigset_t set_;
};

}  // namespace belay::monitor
