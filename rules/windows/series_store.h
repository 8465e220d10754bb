#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "rules/snapshot.h"
#include "rules/windows/histogram.h"

namespace belay::rules {

/// A text of the engine's own table (not of a source's). 0: none.
using NameId = std::uint32_t;
inline constexpr NameId kNoName = 0;
/// The route of everything over the cap.
inline constexpr NameId kOtherRoute = 0xffffffff;

struct SeriesKey {
  NameId version = kNoName;
  NameId route = kNoName;
  bool operator==(const SeriesKey&) const = default;
};

/// What a service's requests amount to since the engine began, by version and route, for /metrics.
/// Bounded: over `routes_max` distinct routes a new one is counted as kOtherRoute.
class SeriesStore {
 public:
  /// Index of a series; good until drop_version().
  using SeriesIndex = std::uint32_t;

  explicit SeriesStore(std::uint32_t routes_max);

  /// The series of these two, made if there is room, else the version's "other". Hashes once; look
  /// it up once an event.
  SeriesIndex find_or_add(SeriesKey key);
  [[nodiscard]] SeriesKey key(SeriesIndex series) const { return entries_[series].key; }

  /// One request, or what is alike in many.
  struct Observation {
    std::uint16_t status = 0;  ///< 0: none.
    bool is_error = false;
    std::uint64_t exceptions = 0;
    std::uint32_t count = 1;
  };
  void count(SeriesIndex series, const Observation& observation);
  void count_latency(SeriesIndex series, std::uint32_t latency_us);
  /// Latencies that were counted elsewhere: `count` in a value bucket of microseconds (by its
  /// middle), and the sum of them all.
  void count_latencies(SeriesIndex series, BucketId value_us, std::uint32_t count);
  void add_latency_sum(SeriesIndex series, std::uint64_t sum_us);

  /// Forgets all series of a version; routes that no other version uses make room again.
  void drop_version(NameId version);

  /// Of a version, in all its series; those that were dropped are gone.
  [[nodiscard]] std::uint64_t requests_of(NameId version) const;
  [[nodiscard]] std::size_t size() const { return by_key_.size(); }
  [[nodiscard]] std::uint32_t routes() const { return static_cast<std::uint32_t>(routes_.size()); }
  /// Requests counted as "other" since the cap was reached.
  [[nodiscard]] std::uint64_t over_cap_total() const { return over_cap_total_; }

  /// All series with their texts (`text_of(NameId) -> std::string`), sorted by route, then version.
  template <typename TextOf>
  [[nodiscard]] std::vector<SeriesTotals> totals(TextOf text_of) const {
    std::vector<SeriesTotals> all;
    all.reserve(by_key_.size());
    for (const auto& [key, index] : by_key_) {
      all.push_back(entries_[index].totals());
      all.back().route =
          key.route == kOtherRoute ? std::string("other") : std::string(text_of(key.route));
      all.back().version =
          key.version == kNoName ? std::string() : std::string(text_of(key.version));
    }
    sort(all);
    return all;
  }

 private:
  /// What every request changes lies close together, and holds nothing that follows from the rest.
  struct Entry {
    SeriesKey key;
    std::uint64_t latency_sum_us = 0;
    std::array<std::uint64_t, kStatusClasses> by_status_class{};
    std::array<std::uint64_t, kLatencyBounds.size() + 1> latency_buckets{};
    std::uint64_t errors = 0;
    std::uint64_t exceptions = 0;

    [[nodiscard]] SeriesTotals totals() const;  ///< Its texts are left empty.
  };
  struct Hash {
    std::size_t operator()(const SeriesKey& key) const {
      std::uint64_t bits = (std::uint64_t{key.version} << 32U) | key.route;
      bits = (bits ^ (bits >> 32U)) * 0x9e3779b97f4a7c15U;
      return static_cast<std::size_t>(bits ^ (bits >> 29U));
    }
  };
  static void sort(std::vector<SeriesTotals>& all);
  SeriesIndex add(SeriesKey key);

  std::uint32_t routes_max_;
  std::vector<Entry> entries_;
  std::vector<SeriesIndex> free_;  // Entries of dropped versions.
  std::unordered_map<SeriesKey, SeriesIndex, Hash> by_key_;
  std::unordered_map<NameId, std::uint32_t> routes_;  // Distinct routes, with the series of each.
  std::uint64_t over_cap_total_ = 0;
};

}  // namespace belay::rules
