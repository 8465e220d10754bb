#include <cstdint>
#include <optional>
#include <string_view>

#include "exporters/metric_families.h"
#include "exporters/metrics_page.h"

namespace belay::exporters {
namespace {

using rules::QueueStatus;
using rules::ServiceStatus;
using rules::Snapshot;

/// `value_of(queue)`: an optional; what is not known is left out, never zero.
template <typename ValueOf>
void per_queue(const Snapshot& snapshot, MetricsText& text, Metric metric, ValueOf value_of) {
  open(text, metric);
  for (const ServiceStatus& service : snapshot.services) {
    for (const QueueStatus& queue : service.queues) {
      const auto value = value_of(queue);
      if (value) text.sample({{"service", service.name}, {"queue", queue.queue}}, *value);
    }
  }
}

void write_jobs(const Snapshot& snapshot, MetricsText& text) {
  open(text, Metric::queue_jobs);
  for (const ServiceStatus& service : snapshot.services) {
    for (const QueueStatus& queue : service.queues) {
      const auto jobs = [&](std::string_view state, std::optional<std::uint64_t> count) {
        if (!count) return;
        text.sample({{"service", service.name}, {"queue", queue.queue}, {"state", state}}, *count);
      };
      jobs("waiting", queue.last.waiting);
      jobs("active", queue.last.active);
      jobs("delayed", queue.last.delayed);
      jobs("failed", queue.last.failed);
    }
  }
}

}  // namespace

void write_queues(const Snapshot& snapshot, MetricsText& text) {
  write_jobs(snapshot, text);
  per_queue(snapshot, text, Metric::queue_depth,
            [](const QueueStatus& queue) { return queue.last.depth; });
  per_queue(snapshot, text, Metric::queue_oldest, [](const QueueStatus& queue) {
    return queue.last.oldest ? std::optional(seconds(*queue.last.oldest)) : std::nullopt;
  });
  const auto total = [&](Metric metric, auto field) {
    per_queue(snapshot, text, metric, [&](const QueueStatus& queue) {
      return std::optional<std::uint64_t>(queue.totals.*field);
    });
  };
  using Flow = rules::QueueSample::Flow;
  total(Metric::queue_completed, &Flow::completed);
  total(Metric::queue_failed_attempts, &Flow::failed_attempts);
  total(Metric::queue_retries, &Flow::retries);
  total(Metric::queue_stalled, &Flow::stalled);
}

}  // namespace belay::exporters
