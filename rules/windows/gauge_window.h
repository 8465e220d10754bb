#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "rules/windows/time_buckets.h"

namespace belay::rules {

/// A gauge that is read now and then (queue depth, age, a Prometheus value): its newest value, and
/// over a sliding window (time_buckets.h) the mean of the readings and their slope.
class GaugeWindow {
 public:
  struct Reading {
    double value = 0;
    Instant at{};
  };

  GaugeWindow(Duration length, const TimeBuckets& now);

  /// False: too late for the window, too far ahead of `now`, or not finite; then nothing changed. A
  /// reading that is older than the newest one counts in the window only.
  bool add(const TimeBuckets& now, Instant at, double value);

  void advance(const TimeBuckets& now) {
    if (now.in(ring_.shape().resolution) > ring_.now()) slide(now);
  }

  /// The newest reading ever, whether or not the window still covers it: its age, and when it is
  /// too old, is for the caller to say. Nothing before the first one.
  [[nodiscard]] const std::optional<Reading>& newest() const { return newest_; }

  /// As of the latest `now` given.
  [[nodiscard]] std::uint64_t count() const;         ///< Readings in the window.
  [[nodiscard]] std::optional<double> mean() const;  ///< Of the readings; nothing if there is none.
  /// Growth a second: the least-squares line through the readings. Nothing with fewer than two
  /// moments.
  [[nodiscard]] std::optional<double> slope() const;
  [[nodiscard]] Duration length() const { return ring_.shape().length(); }

 private:
  /// Sums over a bucket's readings, t in seconds from the bucket's start.
  struct Cell {
    std::uint64_t count = 0;
    double t = 0;
    double tt = 0;
    double v = 0;
    double tv = 0;
  };
  void slide(const TimeBuckets& now);
  /// Calls each(cell, its count, its start in seconds from that of the current bucket), oldest
  /// first.
  template <typename Each>
  void for_each_covered(Each each) const;

  RingPosition ring_;
  std::vector<Cell> cells_;
  std::optional<Reading> newest_;
};

}  // namespace belay::rules
