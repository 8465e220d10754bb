#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "rules/windows/time_buckets.h"

namespace belay::rules {

/// Count, sum, mean, max and last of the values within a sliding window (time_buckets.h). Sums are
/// taken afresh over the buckets when asked for after a change, so they do not drift; of whole
/// numbers (latencies in microseconds) they are exact.
class ValueWindow {
 public:
  ValueWindow(Duration length, const TimeBuckets& now);

  /// `count` values whose sum and largest one are given. False: too late, too far ahead of `now`,
  /// or not finite; nothing was counted. `at` orders the last value: the newest one, of equals the
  /// one added last.
  bool add(const TimeBuckets& now, Instant at, double value) {
    return add(now, at, 1, value, value);
  }
  bool add(const TimeBuckets& now, Instant at, std::uint32_t count, double sum, double max);

  void advance(const TimeBuckets& now) {
    if (now.in(ring_.shape().resolution) > ring_.now()) slide(now);
  }

  /// As of the latest `now` given. The optionals are empty if the window is.
  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] double sum() const;  ///< 0 if the window is empty.
  [[nodiscard]] std::optional<double> mean() const;
  [[nodiscard]] std::optional<double> max() const;
  [[nodiscard]] std::optional<double> last() const;
  [[nodiscard]] Duration length() const { return ring_.shape().length(); }

 private:
  struct Cell {
    double sum = 0;
    double max = 0;
    double last = 0;
    Instant last_at{};
    std::uint64_t count = 0;
  };
  struct Totals {
    double sum = 0;
    double max = 0;
    double last = 0;
    std::uint64_t count = 0;
  };
  void slide(const TimeBuckets& now);
  const Totals& totals() const;

  RingPosition ring_;
  std::vector<Cell> cells_;
  mutable std::optional<Totals> totals_;  // Of the covered buckets; empty after a change.
};

}  // namespace belay::rules
