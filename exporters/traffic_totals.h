#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "rules/snapshot.h"

namespace belay::exporters {

/// The part that a version plays in the gate that runs, or the last one that ran. Version ids never
/// label a hot series; roles do.
enum class Role : std::uint8_t { candidate, baseline, other };
inline constexpr std::array kRoles = {Role::candidate, Role::baseline, Role::other};
std::string_view name_of(Role role);
Role role_of(const rules::ServiceStatus& service, std::string_view version);

struct RoleTotals {
  std::array<std::uint64_t, 6> by_status_class{};  ///< As in rules::SeriesTotals.
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;
  std::uint64_t exceptions = 0;
  std::array<std::uint64_t, rules::kLatencyBounds.size() + 1> latency_buckets{};
  double latency_sum_seconds = 0;
};
struct RouteTotals {
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;
};
struct ServiceTotals {
  std::array<RoleTotals, kRoles.size()> roles{};
  std::map<std::string, RouteTotals, std::less<>> routes;  ///< By label_text() of the route.
};

/// Counts by role and by route that never go back, although roles move from version to version and
/// the engine forgets old versions: what each snapshot adds to the one before is booked on the role
/// that its version has now.
class TrafficTotals {
 public:
  /// More routes of a service than this are counted as "other".
  static constexpr std::size_t kRoutesMax = 1'000;

  void add(const rules::Snapshot& snapshot);
  using ByService = std::map<std::string, ServiceTotals, std::less<>>;
  [[nodiscard]] const ByService& by_service() const { return totals_; }

 private:
  void add(const rules::ServiceStatus& service);
  void book(const rules::ServiceStatus& service, const rules::SeriesTotals& added);
  std::map<std::string, std::vector<rules::SeriesTotals>, std::less<>> before_;  // By service.
  ByService totals_;
};

}  // namespace belay::exporters
