#include <map>
#include <string>

#include "exporters/metric_families.h"
#include "exporters/metrics_page.h"

namespace belay::exporters {
namespace {

using rules::Snapshot;
using rules::SourceStatus;

/// `sample(source, write)` may call write(value) once.
template <typename Sample>
void per_source(const Snapshot& snapshot, MetricsText& text, Metric metric, Sample sample) {
  open(text, metric);
  for (const SourceStatus& source : snapshot.sources) {
    sample(source, [&](auto value) {
      text.sample({{"service", source.service}, {"source", source.name}}, value);
    });
  }
}

void per_reason(const Snapshot& snapshot, MetricsText& text, Metric metric,
                std::map<std::string, std::uint64_t> SourceStatus::*counts) {
  open(text, metric);
  for (const SourceStatus& source : snapshot.sources) {
    for (const auto& [reason, count] : source.*counts) {
      text.sample({{"service", source.service}, {"source", source.name}, {"reason", reason}},
                  count);
    }
  }
}

}  // namespace

void write_sources(const Snapshot& snapshot, MetricsText& text) {
  per_source(snapshot, text, Metric::source_up, [](const SourceStatus& source, auto write) {
    write(as_flag(source.health == rules::SourceHealth::alive && !source.blind));
  });
  per_source(snapshot, text, Metric::source_documents,
             [](const SourceStatus& source, auto write) { write(source.documents_total); });
  per_source(snapshot, text, Metric::source_used,
             [](const SourceStatus& source, auto write) { write(source.used_total); });
  per_reason(snapshot, text, Metric::source_rejected, &SourceStatus::rejected_total);
  per_reason(snapshot, text, Metric::source_lost, &SourceStatus::lost_total);
  per_source(snapshot, text, Metric::source_last_event, [](const SourceStatus& source, auto write) {
    if (source.last_event) write(unix_seconds(*source.last_event));
  });
  per_source(snapshot, text, Metric::source_lag, [](const SourceStatus& source, auto write) {
    if (source.lag) write(seconds(*source.lag));
  });
}

}  // namespace belay::exporters
