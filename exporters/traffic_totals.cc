#include "exporters/traffic_totals.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "exporters/metrics_text.h"

namespace belay::exporters {
namespace {

using rules::SeriesTotals;

bool comes_before(const SeriesTotals& left, const SeriesTotals& right) {
  return std::tie(left.route, left.version) < std::tie(right.route, right.version);
}

/// What `now` adds to `before`. A series that went back was forgotten and began anew.
SeriesTotals difference(const SeriesTotals& now, const SeriesTotals& before) {
  if (now.requests < before.requests) return now;
  SeriesTotals added = now;
  for (std::size_t i = 0; i < now.by_status_class.size(); ++i) {
    added.by_status_class[i] -= before.by_status_class[i];
  }
  for (std::size_t i = 0; i < now.latency_buckets.size(); ++i) {
    added.latency_buckets[i] -= before.latency_buckets[i];
  }
  added.requests -= before.requests;
  added.errors -= before.errors;
  added.exceptions -= before.exceptions;
  added.latency_sum_seconds -= before.latency_sum_seconds;
  return added;
}

void add_to(RoleTotals& role, const SeriesTotals& added) {
  for (std::size_t i = 0; i < added.by_status_class.size(); ++i) {
    role.by_status_class[i] += added.by_status_class[i];
  }
  for (std::size_t i = 0; i < added.latency_buckets.size(); ++i) {
    role.latency_buckets[i] += added.latency_buckets[i];
  }
  role.requests += added.requests;
  role.errors += added.errors;
  role.exceptions += added.exceptions;
  role.latency_sum_seconds += added.latency_sum_seconds;
}

RouteTotals& route_of(ServiceTotals& totals, const std::string& route) {
  const std::string label = label_text(route);
  if (const auto found = totals.routes.find(label); found != totals.routes.end()) {
    return found->second;
  }
  const bool is_full = totals.routes.size() >= TrafficTotals::kRoutesMax - 1;
  return totals.routes[is_full ? "other" : label];
}

}  // namespace

std::string_view name_of(Role role) {
  switch (role) {
    case Role::candidate:
      return "candidate";
    case Role::baseline:
      return "baseline";
    case Role::other:
      return "other";
  }
  return "other";
}

Role role_of(const rules::ServiceStatus& service, std::string_view version) {
  if (!service.rollout || service.rollout->ended || version.empty()) return Role::other;
  if (version == service.rollout->candidate) return Role::candidate;
  return version == service.rollout->baseline ? Role::baseline : Role::other;
}

void TrafficTotals::add(const rules::Snapshot& snapshot) {
  for (const rules::ServiceStatus& service : snapshot.services) add(service);
}

void TrafficTotals::add(const rules::ServiceStatus& service) {
  const std::vector<SeriesTotals>& now = service.series;
  BELAY_CHECK(std::is_sorted(now.begin(), now.end(), comes_before), "snapshots are sorted");
  std::vector<SeriesTotals>& before = before_[service.name];
  auto known = before.begin();
  for (const SeriesTotals& series : now) {
    while (known != before.end() && comes_before(*known, series)) ++known;
    const bool is_known = known != before.end() && !comes_before(series, *known);
    if (is_known && series.requests == known->requests) continue;
    book(service, is_known ? difference(series, *known) : series);
  }
  before = now;  // What the engine forgot is forgotten here, too.
}

void TrafficTotals::book(const rules::ServiceStatus& service, const SeriesTotals& added) {
  ServiceTotals& totals = totals_[service.name];
  add_to(totals.roles[static_cast<std::size_t>(role_of(service, added.version))], added);
  RouteTotals& route = route_of(totals, added.route);
  route.requests += added.requests;
  route.errors += added.errors;
}

}  // namespace belay::exporters
