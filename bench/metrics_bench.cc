// PERFORMANCE.md, row 7: a page of /metrics with 10,000 series. The peer is prometheus-cpp's
// TextSerializer over a registry of the same series: nine tenths of its Exposer, which itself is
// banned from the tree, so the ratio against the Exposer is a little better still.

#include <chrono>
#include <string>

#include <benchmark/benchmark.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "exporters/metric_families.h"
#include "exporters/prometheus.h"

namespace belay::exporters {
namespace {

constexpr int kServices = 50;
constexpr int kRoutes = 100;  // Two families: 10,000 series.
constexpr MetricsText::Limits kAll{.series_per_family_max = 100'000, .series_max = 100'000};

std::string service_name(int i) { return "service-" + std::to_string(i); }
/// Of equal width, so that their order is that of their numbers.
std::string route_name(int i) { return "/api/v1/collection-" + std::to_string(1'000 + i) + "/:id"; }
std::uint64_t requests_of(int service, int route) {
  return 1'000'003ULL * static_cast<unsigned>(service + 1) + static_cast<unsigned>(route);
}

rules::Snapshot traffic() {
  rules::Snapshot snapshot;
  for (int service = 0; service < kServices; ++service) {
    rules::ServiceStatus status{.name = service_name(service)};
    for (int route = 0; route < kRoutes; ++route) {
      rules::SeriesTotals series{.route = route_name(route), .version = "v1"};
      series.requests = requests_of(service, route);
      series.errors = series.requests / 7;
      status.series.push_back(series);
    }
    snapshot.services.push_back(status);
  }
  return snapshot;
}

void page_by_our_writer(benchmark::State& state) {
  const OwnCounts own;
  Prometheus prometheus("1", own, kAll);
  prometheus.publish(traffic());
  std::chrono::steady_clock::time_point now{};
  std::size_t bytes = 0;
  for (auto _ : state) bytes = prometheus.render(now += std::chrono::seconds(2)).size();
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(page_by_our_writer)->Unit(benchmark::kMillisecond);

/// What the engine's thread pays once a second.
void publish_to_our_writer(benchmark::State& state) {
  const OwnCounts own;
  Prometheus prometheus("1", own, kAll);
  const rules::Snapshot snapshot = traffic();
  for (auto _ : state) prometheus.publish(snapshot);
}
BENCHMARK(publish_to_our_writer)->Unit(benchmark::kMillisecond);

void page_by_text_serializer(benchmark::State& state) {
  prometheus::Registry registry;
  for (const Metric metric : {Metric::route_requests, Metric::route_errors}) {
    const MetricFamily& family = family_of(metric);
    auto& counters = prometheus::BuildCounter()
                         .Name(std::string(family.name))
                         .Help(std::string(family.help))
                         .Register(registry);
    for (int service = 0; service < kServices; ++service) {
      for (int route = 0; route < kRoutes; ++route) {
        counters.Add({{"service", service_name(service)}, {"route", route_name(route)}})
            .Increment(static_cast<double>(requests_of(service, route)));
      }
    }
  }
  std::size_t bytes = 0;
  for (auto _ : state) bytes = prometheus::TextSerializer().Serialize(registry.Collect()).size();
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(page_by_text_serializer)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace belay::exporters
