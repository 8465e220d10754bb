#pragma once

#include <algorithm>
#include <chrono>

namespace belay::net {

/// One absolute moment that everything of a call shares.
class Deadline {
 public:
  explicit Deadline(std::chrono::milliseconds from_now)
      : at_(std::chrono::steady_clock::now() + from_now) {}

  [[nodiscard]] bool passed() const { return std::chrono::steady_clock::now() >= at_; }
  /// Rounded up, so that waiting for it never spins; never negative.
  [[nodiscard]] std::chrono::milliseconds remaining() const {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(at_ - std::chrono::steady_clock::now());
    return std::max(left, std::chrono::milliseconds{0});
  }

 private:
  std::chrono::steady_clock::time_point at_;
};

}  // namespace belay::net
