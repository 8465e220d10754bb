#include "rules/windows/series_store.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace belay::rules {
namespace {

constexpr auto kBoundsUs = [] {
  std::array<std::uint32_t, kLatencyBounds.size()> bounds{};
  for (std::size_t i = 0; i < bounds.size(); ++i)
    bounds[i] = static_cast<std::uint32_t>(kLatencyBounds[i] * 1e6 + 0.5);
  return bounds;
}();

/// Which classic bucket holds a latency: the bounds belong to the bucket below them ("le").
template <typename Number>
std::size_t classic_bucket(Number latency_us) {
  std::uint32_t bucket = 0;
  for (const std::uint32_t bound : kBoundsUs) bucket += latency_us > bound ? 1 : 0;
  return bucket;
}

}  // namespace

SeriesTotals SeriesStore::Entry::totals() const {
  SeriesTotals totals;
  totals.by_status_class = by_status_class;
  totals.requests =
      std::accumulate(by_status_class.begin(), by_status_class.end(), std::uint64_t{0});
  totals.errors = errors;
  totals.exceptions = exceptions;
  totals.latency_buckets = latency_buckets;
  totals.latency_count =
      std::accumulate(latency_buckets.begin(), latency_buckets.end(), std::uint64_t{0});
  totals.latency_sum_seconds = static_cast<double>(latency_sum_us) / 1e6;
  return totals;
}

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
  const std::size_t status_class = observation.status / 100U;
  entry.by_status_class[status_class < kStatusClasses ? status_class : 0] += observation.count;
  // Seldom, and further away.
  if (observation.is_error) entry.errors += observation.count;
  if (observation.exceptions != 0) entry.exceptions += observation.exceptions;
  if (entry.key.route == kOtherRoute) over_cap_total_ += observation.count;
}

void SeriesStore::count_latency(SeriesIndex series, std::uint32_t latency_us) {
  Entry& entry = entries_[series];
  ++entry.latency_buckets[classic_bucket(latency_us)];
  entry.latency_sum_us += latency_us;
}

void SeriesStore::count_latencies(SeriesIndex series, BucketId value_us, std::uint32_t count) {
  entries_[series].latency_buckets[classic_bucket(bucket_value(value_us))] += count;
}

void SeriesStore::add_latency_sum(SeriesIndex series, std::uint64_t sum_us) {
  entries_[series].latency_sum_us += sum_us;
}

std::uint64_t SeriesStore::requests_of(NameId version) const {
  std::uint64_t requests = 0;
  for (const auto& [key, index] : by_key_)
    if (key.version == version) requests += entries_[index].totals().requests;
  return requests;
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
