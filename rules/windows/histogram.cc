#include "rules/windows/histogram.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/check.h"

namespace belay::rules {
namespace {

/// The bound of a bucket that is nearer to zero, given how far the bucket lies from the zero
/// bucket.
double inner_bound(std::uint64_t magnitude) {
  if (magnitude == 0) return 0;
  return std::bit_cast<double>((magnitude + bucket_detail::kBelowFirst) << bucket_detail::kShift);
}

double bound(BucketId bucket, std::uint64_t further) {
  if (bucket >= kZeroBucket) return inner_bound(bucket - kZeroBucket + further);
  return -inner_bound(kZeroBucket - bucket + further);
}

constexpr std::size_t kOctaveMask = ~static_cast<std::size_t>(kBucketsPerOctave - 1);

}  // namespace

double bucket_lower(BucketId bucket) { return bound(bucket, bucket < kZeroBucket ? 1 : 0); }
double bucket_upper(BucketId bucket) { return bound(bucket, bucket < kZeroBucket ? 0 : 1); }
double bucket_value(BucketId bucket) {
  if (bucket == kZeroBucket) return 0;
  return bucket_lower(bucket) / 2 + bucket_upper(bucket) / 2;
}

std::uint64_t quantile_rank(double q, std::uint64_t n) {
  // 0.07 * 100 is a little more than 7: without the allowance it would be the 8th.
  const double rank = std::ceil(q * static_cast<double>(n) - 1e-7);
  if (rank <= 1) return 1;
  return std::min(static_cast<std::uint64_t>(rank), n);
}

void Histogram::Dense::make_room(BucketId bucket) {
  const std::size_t from = bucket & kOctaveMask;
  const std::size_t to = from + kBucketsPerOctave;
  if (counts.empty()) {
    first = from;
    counts.resize(kBucketsPerOctave);
    return;
  }
  if (from < first) {
    counts.insert(counts.begin(), first - from, 0);
    first = from;
  }
  if (to > first + counts.size()) {
    counts.reserve(to -
                   first);  // Exactly: growth is rare, and memory is what a histogram is sized by.
    counts.resize(to - first);
  }
}

std::uint32_t* Histogram::Dense::find(BucketId bucket) {
  const std::size_t index = static_cast<std::size_t>(bucket) - first;
  return index < counts.size() ? &counts[index] : nullptr;
}

void Histogram::insert_slowly(BucketId bucket, std::uint32_t count) {
  if (bucket == kZeroBucket) {
    zeros_ += count;
    return;
  }
  Dense& dense = bucket > kZeroBucket ? above_ : below_;
  dense.make_room(bucket);
  *dense.find(bucket) += count;
}

void Histogram::remove(BucketId bucket, std::uint32_t count) {
  std::uint32_t* cell = &zeros_;
  if (bucket != kZeroBucket)
    cell = bucket > kZeroBucket ? above_.find(bucket) : below_.find(bucket);
  BELAY_CHECK(cell != nullptr && *cell >= count, "removal of what was never inserted");
  *cell -= count;
}

void Histogram::merge(const Histogram& other) {
  other.for_each([this](BucketId bucket, std::uint32_t count) { insert(bucket, count); });
}

std::uint32_t Histogram::count_in(BucketId bucket) const {
  if (bucket == kZeroBucket) return zeros_;
  const Dense& dense = bucket > kZeroBucket ? above_ : below_;
  const std::size_t index = static_cast<std::size_t>(bucket) - dense.first;
  return index < dense.counts.size() ? dense.counts[index] : 0;
}

namespace {

std::uint64_t sum_of(const std::vector<std::uint32_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

/// The place in `counts` of value number `rank`, which is lowered by what lies before;
/// `counts.size()` if it lies behind them all. Octave by octave, because whole octaves are summed
/// by vector instructions.
std::size_t seek(const std::vector<std::uint32_t>& counts, std::uint64_t& rank) {
  for (std::size_t octave = 0; octave < counts.size(); octave += kBucketsPerOctave) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kBucketsPerOctave; ++i) sum += counts[octave + i];
    if (sum < rank) {
      rank -= sum;
      continue;
    }
    std::size_t index = octave;
    while (counts[index] < rank) rank -= counts[index++];
    return index;
  }
  return counts.size();
}

}  // namespace

std::uint64_t Histogram::count() const {
  return sum_of(below_.counts) + zeros_ + sum_of(above_.counts);
}

BucketId Histogram::bucket_of_rank(std::uint64_t rank) const {
  std::size_t index = seek(below_.counts, rank);
  if (index < below_.counts.size()) return static_cast<BucketId>(below_.first + index);
  if (zeros_ >= rank) return kZeroBucket;
  rank -= zeros_;
  index = seek(above_.counts, rank);
  BELAY_CHECK(index < above_.counts.size(), "a rank beyond the histogram's count");
  return static_cast<BucketId>(above_.first + index);
}

std::optional<double> Histogram::quantile(double q) const {
  const std::uint64_t total = count();
  if (total == 0) return std::nullopt;
  return bucket_value(bucket_of_rank(quantile_rank(q, total)));
}

std::optional<double> Histogram::max() const { return quantile(1); }

double Histogram::sum() const {
  double sum = 0;
  for_each([&sum](BucketId bucket, std::uint32_t count) { sum += bucket_value(bucket) * count; });
  return sum;
}

std::optional<double> Histogram::mean() const {
  const std::uint64_t total = count();
  if (total == 0) return std::nullopt;
  return sum() / static_cast<double>(total);
}

}  // namespace belay::rules
