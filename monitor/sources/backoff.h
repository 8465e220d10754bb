#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace belay::monitor {

/// How long to wait before the next try: doubles from `min` to `max`, with jitter between a half
/// and the whole, so that many do not come back at the same moment.
class Backoff {
 public:
  Backoff(std::chrono::milliseconds min, std::chrono::milliseconds max)
      : min_(min), max_(max), next_(min), random_(std::random_device{}()) {}

  std::chrono::milliseconds next() {
    const auto whole = next_;
    next_ = std::min(next_ * 2, max_);
    std::uniform_int_distribution<std::chrono::milliseconds::rep> jitter(whole.count() / 2,
                                                                         whole.count());
    return std::chrono::milliseconds{jitter(random_)};
  }

  /// It works again.
  void reset() { next_ = min_; }

 private:
  std::chrono::milliseconds min_;
  std::chrono::milliseconds max_;
  std::chrono::milliseconds next_;
  std::minstd_rand random_;
};

}  // namespace belay::monitor
