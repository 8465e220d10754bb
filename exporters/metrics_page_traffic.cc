#include <set>
#include <string>
#include <string_view>

#include "exporters/metric_families.h"
#include "exporters/metrics_page.h"

namespace belay::exporters {
namespace {

/// Calls each(service, role, totals) for the roles that ever had a request.
template <typename Each>
void per_role(const MetricsPage& page, MetricsText& text, Metric metric, Each each) {
  open(text, metric);
  for (const auto& [service, totals] : page.traffic) {
    for (const Role role : kRoles) {
      const RoleTotals& of_role = totals.roles[static_cast<std::size_t>(role)];
      if (of_role.requests > 0) each(std::string_view(service), name_of(role), of_role);
    }
  }
}

void write_roles(const MetricsPage& page, MetricsText& text) {
  using Text = std::string_view;
  per_role(page, text, Metric::requests, [&](Text service, Text role, const RoleTotals& totals) {
    constexpr Text kClasses[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
    for (std::size_t i = 0; i < totals.by_status_class.size(); ++i) {
      text.sample({{"service", service}, {"role", role}, {"code_class", kClasses[i]}},
                  totals.by_status_class[i]);
    }
  });
  const auto count = [&](Metric metric, std::uint64_t RoleTotals::*field) {
    per_role(page, text, metric, [&](Text service, Text role, const RoleTotals& totals) {
      text.sample({{"service", service}, {"role", role}}, totals.*field);
    });
  };
  count(Metric::request_errors, &RoleTotals::errors);
  count(Metric::request_exceptions, &RoleTotals::exceptions);
  per_role(page, text, Metric::request_duration,
           [&](Text service, Text role, const RoleTotals& totals) {
             text.histogram({{"service", service}, {"role", role}}, rules::kLatencyBounds,
                            totals.latency_buckets, totals.latency_sum_seconds);
           });
}

void write_routes(const MetricsPage& page, MetricsText& text) {
  const auto count = [&](Metric metric, std::uint64_t RouteTotals::*field) {
    open(text, metric);
    for (const auto& [service, totals] : page.traffic) {
      for (const auto& [route, of_route] : totals.routes) {
        text.sample({{"service", service}, {"route", route}}, of_route.*field);
      }
    }
  };
  count(Metric::route_requests, &RouteTotals::requests);
  count(Metric::route_errors, &RouteTotals::errors);
}

void write_versions(const rules::Snapshot& snapshot, MetricsText& text) {
  open(text, Metric::version_info);
  for (const rules::ServiceStatus& service : snapshot.services) {
    std::set<std::string> shown;
    for (const std::string& version : service.versions) {
      const auto [label, is_new] = shown.insert(label_text(version));
      if (!is_new) continue;
      const std::string_view role = name_of(role_of(service, version));
      text.sample({{"service", service.name}, {"role", role}, {"version", *label}},
                  std::uint64_t{1});
    }
  }
}

}  // namespace

void write_traffic(const MetricsPage& page, MetricsText& text) {
  write_roles(page, text);
  write_routes(page, text);
  write_versions(page.snapshot, text);
}

}  // namespace belay::exporters
