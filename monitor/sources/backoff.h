#pragma once

#include <chrono>
#include <random>

#include "base/backoff.h"

namespace belay::monitor {

/// How long to wait before the next try: doubles from `min` to `max`, with jitter between a half
/// and the whole, so that many do not come back at the same moment.
class Backoff {
 public:
  Backoff(std::chrono::milliseconds min, std::chrono::milliseconds max)
      : min_(min), max_(max), random_(std::random_device{}()) {}

  std::chrono::milliseconds next() {
    const double random = std::uniform_real_distribution<double>{}(random_);
    return std::chrono::ceil<std::chrono::milliseconds>(backoff(min_, max_, ++failures_, random));
  }

  /// It works again.
  void reset() { failures_ = 0; }

 private:
  std::chrono::milliseconds min_;
  std::chrono::milliseconds max_;
  int failures_ = 0;
  std::minstd_rand random_;
};

}  // namespace belay::monitor
