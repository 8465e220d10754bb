#include "rules/judgement/slow_limits.h"

namespace belay::rules {
namespace {

/// Samples that a quantile needs before it is believed.
constexpr std::array<std::uint64_t, kSlowQuantiles.size()> kSamplesMin = {20, 40, 200};
/// When there are as many, each counts half from then on.
constexpr std::uint64_t kSamplesMax = 20'000;

Histogram halved(const Histogram& whole) {
  Histogram half;
  whole.for_each([&half](BucketId bucket, std::uint32_t count) {
    if (count > 1) half.insert(bucket, count / 2);
  });
  return half;
}

struct Limits {
  std::uint32_t candidate = 0;
  std::uint32_t baseline = 0;
};

std::uint32_t first_bucket_from(double value);

/// Of the bounds next to a quantile's own the one whose product with `factor` lies nearest below a
/// bound: there the candidate's limit is `factor` times the baseline's, and hardly more.
Limits limits_near(BucketId quantile, double factor) {
  constexpr int kReach = 2;
  Limits best;
  double best_ratio = 0;
  for (int offset = -kReach; offset <= kReach; ++offset) {
    const int bucket = quantile + offset;
    if (bucket <= kZeroBucket || bucket >= 65535 - kBucketsPerOctave) continue;
    const double bound = bucket_upper(static_cast<BucketId>(bucket));
    const std::uint32_t candidate = first_bucket_from(factor * bound);
    const double ratio = bucket_lower(static_cast<BucketId>(candidate)) / bound;
    if (best_ratio > 0 && ratio >= best_ratio) continue;
    best_ratio = ratio;
    best = {.candidate = candidate, .baseline = static_cast<std::uint32_t>(bucket) + 1};
  }
  if (best_ratio == 0)
    best = {.candidate = first_bucket_from(factor * bucket_upper(quantile)),
            .baseline = quantile + 1U};
  return best;
}

/// The first bucket of which every value is at or above `value`.
std::uint32_t first_bucket_from(double value) {
  const BucketId bucket = bucket_of(value);
  return bucket_lower(bucket) >= value ? bucket : bucket + 1U;
}

}  // namespace

void SlowLimits::learn(std::uint32_t route, BucketId latency_us, std::uint32_t count) {
  if (route >= routes_.size()) routes_.resize(route + 1);
  routes_[route].seen.insert(latency_us, count);
  routes_[route].has_news = true;
}

void SlowLimits::refresh() {
  for (Route& route : routes_) {
    if (!route.has_news) continue;
    route.has_news = false;
    for (std::size_t i = 0; i < kSlowQuantiles.size(); ++i) {
      if (route.seen.count() < kSamplesMin[i]) continue;
      const BucketId quantile = bucket_of(*route.seen.quantile(kSlowQuantiles[i]));
      const Limits limits = limits_near(quantile, factor_);
      route.slow_from[i] = {limits.candidate, limits.baseline};
    }
    if (route.seen.count() >= kSamplesMax) route.seen = halved(route.seen);
  }
}

}  // namespace belay::rules
