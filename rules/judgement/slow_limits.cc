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
      route.slow_from[i] = {first_bucket_from(factor_ * bucket_upper(quantile)), quantile + 1U};
    }
    if (route.seen.count() >= kSamplesMax) route.seen = halved(route.seen);
  }
}

}  // namespace belay::rules
