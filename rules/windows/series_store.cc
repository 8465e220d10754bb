#include "rules/windows/series_store.h"

#include <algorithm>
#include <tuple>

namespace belay::rules {
namespace {

constexpr std::array<double, kLatencyBounds.size()> bounds_in_us() {
  std::array<double, kLatencyBounds.size()> bounds{};
  for (std::size_t i = 0; i < bounds.size(); ++i) bounds[i] = kLatencyBounds[i] * 1e6;
  return bounds;
}

/// Which classic bucket holds a latency: the bounds belong to the bucket below them ("le").
std::size_t classic_bucket(double latency_us) {
  static constexpr auto kBounds = bounds_in_us();
  std::size_t bucket = 0;
  for (const double bound : kBounds) bucket += latency_us > bound ? 1 : 0;
  return bucket;
}

}  // namespace

SeriesStore::SeriesStore(std::uint32_t routes_max) : routes_max_(routes_max) {}

SeriesStore::SeriesIndex SeriesStore::find_or_add(SeriesKey key) {
  if (const auto known = by_key_.find(key); known != by_key_.end()) return known->second;
  if (key.route != kOtherRoute && routes_.size() >= routes_max_ && !routes_.contains(key.route))
    return find_or_add({.version = key.version, .route = kOtherRoute});
  return add(key);
}

SeriesStore::SeriesIndex SeriesStore::add(SeriesKey key) {
  if (key.route != kOtherRoute) ++routes_[key.route];
  SeriesIndex series = 0;
  if (free_.empty()) {
    series = static_cast<SeriesIndex>(entries_.size());
    entries_.emplace_back();
  } else {
    series = free_.back();
    free_.pop_back();
    entries_[series] = {};
  }
  entries_[series].key = key;
  by_key_.emplace(key, series);
  return series;
}

void SeriesStore::count(SeriesIndex series, const Observation& observation) {
  Entry& entry = entries_[series];
  SeriesTotals& totals = entry.totals;
  const std::size_t status_class = observation.status / 100U;
  totals.by_status_class[status_class < totals.by_status_class.size() ? status_class : 0] +=
      observation.count;
  totals.requests += observation.count;
  totals.errors += observation.is_error ? observation.count : 0;
  totals.exceptions += observation.exceptions;
  if (entry.key.route == kOtherRoute) over_cap_total_ += observation.count;
}

void SeriesStore::count_latency(SeriesIndex series, std::uint32_t latency_us) {
  Entry& entry = entries_[series];
  ++entry.totals.latency_buckets[classic_bucket(latency_us)];
  ++entry.totals.latency_count;
  entry.latency_sum_us += latency_us;
}

void SeriesStore::count_latencies(SeriesIndex series, BucketId value_us, std::uint32_t count) {
  SeriesTotals& totals = entries_[series].totals;
  totals.latency_buckets[classic_bucket(bucket_value(value_us))] += count;
  totals.latency_count += count;
}

void SeriesStore::add_latency_sum(SeriesIndex series, std::uint64_t sum_us) {
  entries_[series].latency_sum_us += sum_us;
}

void SeriesStore::drop_version(NameId version) {
  for (auto series = by_key_.begin(); series != by_key_.end();) {
    const auto& [key, index] = *series;
    if (key.version != version) {
      ++series;
      continue;
    }
    if (const auto route = routes_.find(key.route); route != routes_.end() && --route->second == 0)
      routes_.erase(route);
    free_.push_back(index);
    series = by_key_.erase(series);
  }
}

void SeriesStore::sort(std::vector<SeriesTotals>& all) {
  std::sort(all.begin(), all.end(), [](const SeriesTotals& a, const SeriesTotals& b) {
    return std::tie(a.route, a.version) < std::tie(b.route, b.version);
  });
}

}  // namespace belay::rules
