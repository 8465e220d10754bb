#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <prometheus/metric_family.h>

#include "exporters/metrics_text.h"
#include "exporters/traffic_totals.h"
#include "rules/snapshot.h"

namespace belay::exporters {

/// What became of the configuration that was read last.
struct Configured {
  bool is_good = true;
  Instant taken{};  ///< When the one in use was.
};

/// Everything that one page of /metrics is written from.
struct MetricsPage {
  std::string_view version;  ///< Of this program.
  const rules::Snapshot& snapshot;
  const TrafficTotals::ByService& traffic;
  std::vector<prometheus::MetricFamily> own;  ///< Of prometheus-cpp's registry.
  std::optional<Configured> configured{};     ///< Nothing: nobody has said so yet.
  std::uint64_t dropped_before = 0;           ///< Series left out of the pages before this one.
};

/// The families of metric_families.h, in its order, those without a sample left out.
void write_page(const MetricsPage& page, MetricsText& text);

/// Its parts, one file each.
void write_sources(const rules::Snapshot& snapshot, MetricsText& text);
void write_traffic(const MetricsPage& page, MetricsText& text);
void write_rules(const rules::Snapshot& snapshot, MetricsText& text);
void write_services(const rules::Snapshot& snapshot, MetricsText& text);
void write_queues(const rules::Snapshot& snapshot, MetricsText& text);
void write_probes(const rules::Snapshot& snapshot, MetricsText& text);

/// Gauges of time.
inline double unix_seconds(Instant at) { return static_cast<double>(unix_ms(at)) / 1000; }
/// Gauges that are 1 while something holds.
inline std::uint64_t as_flag(bool holds) { return holds ? 1 : 0; }

}  // namespace belay::exporters
