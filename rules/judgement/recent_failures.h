#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace belay::rules {

/// Requests, and those of them that failed, by the second in which they ended: two minutes of them,
/// as of any moment of the last five.
class RecentFailures {
 public:
  static constexpr std::int64_t kSecondsMax = 120;
  struct Sums {
    std::uint64_t requests = 0;
    std::uint64_t failed = 0;
  };

  void add(Instant at, std::uint64_t requests, bool are_failing) {
    const std::int64_t second = second_of(at);
    Second& of = seconds_[static_cast<std::size_t>(second) % kSeconds];
    if (of.at < second) of = Second{.at = second, .sums = {}};
    if (of.at != second) return;
    of.sums.requests += requests;
    if (are_failing) of.sums.failed += requests;
  }
  /// Of [now - two minutes, now].
  [[nodiscard]] Sums last(Instant now) const {
    Sums sums;
    for (const Second& second : seconds_) {
      if (second.at > second_of(now) || second.at <= second_of(now) - kSecondsMax) continue;
      sums.requests += second.sums.requests;
      sums.failed += second.sums.failed;
    }
    return sums;
  }

 private:
  struct Second {
    std::int64_t at = -1;
    Sums sums;
  };
  /// A power of two, with room for what is ahead, and behind by the lateness of Logpush.
  static constexpr std::size_t kSeconds = 512;
  static std::int64_t second_of(Instant at) {
    return std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
  }

  std::array<Second, kSeconds> seconds_{};
};

/// Of one kind of requests, all that came and those of late.
struct FailuresSeen {
  RecentFailures::Sums sums{};
  RecentFailures recent{};

  void add(Instant at, std::uint64_t requests, bool are_failing) {
    sums.requests += requests;
    if (are_failing) sums.failed += requests;
    recent.add(at, requests, are_failing);
  }
};

}  // namespace belay::rules
