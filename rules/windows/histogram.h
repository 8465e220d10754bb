#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace belay::rules {

/// Index of a log-linear bucket: 32 to each octave of magnitude, straight from the bits of the
/// double (exponent and five bits of the mantissa). Ordered as the values are. Latencies are in
/// microseconds; a `metric`'s values are in its own unit. Good for every finite value: |v| below
/// 2^-511 counts as zero, |v| beyond 2^512 as the outermost bucket.
using BucketId = std::uint16_t;
inline constexpr BucketId kZeroBucket = 32768;
inline constexpr int kBucketsPerOctave = 32;
/// A bucket's representative value is at most this far, relatively, from any value in it.
inline constexpr double kBucketErrorMax = 1.0 / 64;

namespace bucket_detail {
inline constexpr int kShift = 47;  // 52 bits of mantissa, five of them kept.
inline constexpr std::uint64_t kBelowFirst = (1023U - 511U) * kBucketsPerOctave - 1;
inline constexpr std::uint64_t kLast = 32767;
}  // namespace bucket_detail

/// `value` must not be NaN.
inline BucketId bucket_of(double value) {
  const std::uint64_t top = std::bit_cast<std::uint64_t>(std::fabs(value)) >> bucket_detail::kShift;
  std::uint64_t magnitude = top > bucket_detail::kBelowFirst ? top - bucket_detail::kBelowFirst : 0;
  magnitude = magnitude < bucket_detail::kLast ? magnitude : bucket_detail::kLast;
  return static_cast<BucketId>(value < 0 ? kZeroBucket - magnitude : kZeroBucket + magnitude);
}
inline BucketId bucket_of(std::uint32_t value_us) {
  const std::uint64_t top =
      std::bit_cast<std::uint64_t>(static_cast<double>(value_us)) >> bucket_detail::kShift;
  return static_cast<BucketId>(value_us == 0 ? kZeroBucket
                                             : kZeroBucket + (top - bucket_detail::kBelowFirst));
}

/// Values of a bucket lie between these two; the bound nearer to zero is in, the other one is not.
double bucket_lower(BucketId bucket);
double bucket_upper(BucketId bucket);
/// What the bucket is reported as: its middle.
double bucket_value(BucketId bucket);

/// Which of n values, sorted, the first being number 1, is the q-quantile: the smallest with at
/// least q * n values at or below it. n > 0.
std::uint64_t quantile_rank(double q, std::uint64_t n);

/// Whether the q-quantile of n values, `above` of which are above T, is above T. Exact; false for n
/// = 0. The same as "more than 1 - q of them were above T".
inline bool quantile_exceeds(double q, std::uint64_t n, std::uint64_t above) {
  return n > 0 && above > n - quantile_rank(q, n);
}

/// Counts by bucket, dense over the octaves in use (128 bytes each; zero and each sign apart).
/// Merging is addition, and what was added can be taken out again. No bucket may get more than 2^32
/// - 1: the caller sees to it.
class Histogram {
 public:
  void insert(BucketId bucket, std::uint32_t count = 1) {
    const std::size_t index = static_cast<std::size_t>(bucket) - above_.first;
    if (index >= above_.counts.size()) [[unlikely]]
      return insert_slowly(bucket, count);
    above_.counts[index] += count;
  }

  /// Takes out what was inserted before; anything else is a bug.
  void remove(BucketId bucket, std::uint32_t count = 1);
  void merge(const Histogram& other);

  /// Added up anew each time, so that an insert touches one number only.
  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] std::uint32_t count_in(BucketId bucket) const;
  /// Within kBucketErrorMax of the exact one (quantile_rank). Nothing if empty.
  [[nodiscard]] std::optional<double> quantile(double q) const;
  /// Each within kBucketErrorMax of the exact one (of values of one sign). Nothing if empty.
  [[nodiscard]] std::optional<double> mean() const;
  [[nodiscard]] std::optional<double> max() const;
  [[nodiscard]] double sum() const;  ///< 0 if empty.

  /// Calls each(bucket, count) for the buckets in use, lowest first.
  template <typename Each>
  void for_each(Each each) const {
    below_.for_each(each);
    if (zeros_ != 0) each(kZeroBucket, zeros_);
    above_.for_each(each);
  }

 private:
  /// Buckets of one sign. Both ends lie on multiples of an octave.
  struct Dense {
    std::size_t first = 0;  // Bucket of counts[0].
    std::vector<std::uint32_t> counts;

    void make_room(BucketId bucket);
    std::uint32_t* find(BucketId bucket);
    template <typename Each>
    void for_each(Each& each) const {
      for (std::size_t i = 0; i < counts.size(); ++i)
        if (counts[i] != 0) each(static_cast<BucketId>(first + i), counts[i]);
    }
  };
  void insert_slowly(BucketId bucket, std::uint32_t count);
  [[nodiscard]] BucketId bucket_of_rank(std::uint64_t rank) const;

  Dense above_;  // Of zero: where nearly everything lies.
  Dense below_;
  std::uint32_t zeros_ = 0;
};

}  // namespace belay::rules
