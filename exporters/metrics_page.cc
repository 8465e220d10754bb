#include "exporters/metrics_page.h"

#include "exporters/metric_families.h"

namespace belay::exporters {

void write_page(const MetricsPage& page, MetricsText& text) {
  const rules::Snapshot& snapshot = page.snapshot;
  open(text, Metric::build_info);
  text.sample({{"version", page.version}}, std::uint64_t{1});
  open(text, Metric::engine_steps);
  text.sample({}, snapshot.steps_total);
  open(text, Metric::events);
  text.sample({}, snapshot.events_total);
  open(text, Metric::last_step);
  text.sample({}, unix_seconds(snapshot.at));
  open(text, Metric::series_dropped);
  text.sample({{"reason", "routes"}}, snapshot.series_dropped_total);
  text.sample({{"reason", "page"}}, page.dropped_before);
  if (page.configured) {
    open(text, Metric::config_good);
    text.sample({}, as_flag(page.configured->is_good));
    open(text, Metric::config_taken);
    text.sample({}, unix_seconds(page.configured->taken));
  }
  write_sources(snapshot, text);
  write_traffic(page, text);
  write_rules(snapshot, text);
  write_services(snapshot, text);
  write_queues(snapshot, text);
  write_probes(snapshot, text);
  for (const prometheus::MetricFamily& family : page.own) text.whole(family);
}

}  // namespace belay::exporters
