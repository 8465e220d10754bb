#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "rules/windows/histogram.h"
#include "rules/windows/time_buckets.h"

namespace belay::rules {

/// Quantiles of what lies within a sliding window (time_buckets.h): one dense histogram of all of
/// it, and for each time bucket a list of (value bucket, count), which is subtracted as it falls
/// out. Lists are merged as they grow, so that memory follows the distinct value buckets, not the
/// events: 8 bytes for each, or for each event while they are few.
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
  /// One link of a time bucket's list; free ones form a list of their own.
  struct Entry {
    BucketId value = 0;
    std::uint16_t count = 0;
    std::uint32_t next = 0;
  };
  static constexpr std::uint32_t kEnd = 0xffffffff;
  /// A list is merged when it has doubled since the last time, but not below this.
  static constexpr std::uint16_t kMergeFrom = 64;
  /// Value buckets between a list's lowest and highest up to which it is merged by counting.
  static constexpr std::size_t kCountedMax = std::size_t{32} * kBucketsPerOctave;

  void slide(const TimeBuckets& now);
  void enter(std::uint32_t cell);
  void leave(std::uint32_t cell);
  void append(std::uint32_t cell, BucketId value, std::uint32_t count);
  void link(std::uint32_t cell, BucketId value, std::uint16_t count);
  struct Sum {
    BucketId value = 0;
    std::uint32_t count = 0;
  };
  void merge(std::uint32_t cell);
  [[nodiscard]] std::vector<Sum> sums_by_counting(std::uint32_t head, BucketId lowest,
                                                  std::size_t span) const;
  [[nodiscard]] std::vector<Sum> sums_by_sorting(std::uint32_t head) const;

  RingPosition ring_;
  Histogram histogram_;                      // Of the covered cells.
  std::uint64_t held_ = 0;                   // In all cells, those ahead included.
  std::vector<std::uint32_t> heads_;         // Of each cell's list.
  std::vector<std::uint16_t> merge_budget_;  // Links that a cell may still get before it is merged.
  std::vector<Entry> entries_;
  std::uint32_t free_ = kEnd;
};

}  // namespace belay::rules
