#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "rules/windows/time_buckets.h"

namespace belay::rules {

/// How much happened within a sliding window (time_buckets.h says which one): a ring of integers
/// and their running sum. Nothing drifts. An insert and a slide cost a few nanoseconds, reading
/// nothing. Not for several threads.
class CountWindow {
 public:
  CountWindow(Duration length, const TimeBuckets& now);

  /// Counts `amount` in the bucket of `at`, after moving on to `now`. False: the event is too late
  /// for this window, or more than kFutureMax ahead of `now`; nothing was counted. One bucket holds
  /// at most 2^32 - 1, and stays there.
  bool add(const TimeBuckets& now, const TimeBuckets& at, std::uint32_t amount = 1) {
    advance(now);
    const std::int64_t distance = ring_.distance(at);
    if (!ring_.holds(distance)) [[unlikely]]
      return false;
    std::uint32_t& cell = cells_[ring_.cell(distance)];
    amount = std::min(amount, std::numeric_limits<std::uint32_t>::max() - cell);
    cell += amount;
    sum_ += distance <= 0 ? amount : 0;
    return true;
  }

  /// Drops what `now` leaves behind.
  void advance(const TimeBuckets& now) {
    if (now.in(ring_.shape().resolution) > ring_.now()) slide(now);
  }

  /// As of the latest `now` given.
  [[nodiscard]] std::uint64_t sum() const { return sum_; }
  /// The same of a part of the window, in whole buckets: the last `over`, as of `behind` before the
  /// latest `now`. Reads each bucket.
  [[nodiscard]] std::uint64_t sum_of(Duration over, Duration behind) const;
  [[nodiscard]] Duration length() const { return ring_.shape().length(); }

 private:
  void slide(const TimeBuckets& now);

  RingPosition ring_;
  std::vector<std::uint32_t> cells_;
  std::uint64_t sum_ = 0;
};

}  // namespace belay::rules
