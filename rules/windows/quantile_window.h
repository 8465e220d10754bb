#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "rules/windows/bucket_log.h"
#include "rules/windows/histogram.h"
#include "rules/windows/time_buckets.h"

namespace belay::rules {

/// Quantiles of what lies within a sliding window (time_buckets.h): one dense histogram of all of
/// it, and for each time bucket the value buckets that fell into it, which are taken out as it
/// leaves. A window of 5 min holds about 4 KB for latencies at 1 event a second, 7 KB at 10, 27 KB
/// at 100 and 90 KB at 1,000: see bucket_log.h.
///
/// "pQ > T" needs no quantile and is exact without one: keep a CountWindow of all values and one of
/// those above T, and ask quantile_exceeds(). For mean, max, sum and last see value_window.h.
class QuantileWindow {
 public:
  /// More than this in one add() is refused: no second of one bucket has a million calls.
  static constexpr std::uint32_t kCountMax = 1U << 20;

  QuantileWindow(Duration length, const TimeBuckets& now);

  /// False: too late, too far ahead of `now`, more than kCountMax, or the window holds 2^32 - 1
  /// already; nothing was counted.
  bool add(const TimeBuckets& now, const TimeBuckets& at, BucketId value, std::uint32_t count = 1);

  /// Drops what `now` leaves behind.
  void advance(const TimeBuckets& now) {
    if (now.in(ring_.shape().resolution) > ring_.now()) slide(now);
  }

  /// As of the latest `now` given. Nothing if the window is empty.
  [[nodiscard]] std::optional<double> quantile(double q) const { return histogram_.quantile(q); }
  [[nodiscard]] std::uint64_t count() const { return histogram_.count(); }
  [[nodiscard]] const Histogram& histogram() const { return histogram_; }
  [[nodiscard]] Duration length() const { return ring_.shape().length(); }

 private:
  void slide(const TimeBuckets& now);
  void leave();
  void enter();

  RingPosition ring_;
  Histogram histogram_;     // Of the covered time buckets.
  std::uint64_t held_ = 0;  // In all of them, those ahead included.
  BucketLog log_;           // By time bucket, the oldest first.
};

}  // namespace belay::rules
