#pragma once

#include <memory>
#include <string>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>

namespace belay::exporters {

/// What became of the messages of one sink. The threads of the sink count, any thread may.
struct NotificationCounts {
  prometheus::Counter& sent;
  prometheus::Counter& failed;   ///< Refused for good, or too old to be told any more.
  prometheus::Counter& dropped;  ///< Pushed out of a full queue by newer ones.
  prometheus::Gauge& waiting;
};

/// The counters of all sinks. Must outlive its sinks.
class Notifications {
 public:
  Notifications();

  /// `sink`: "slack", "slack-page": one name for each, as configured. Thread-safe.
  NotificationCounts of(const std::string& sink);
  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const;

 private:
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& results_;
  prometheus::Family<prometheus::Gauge>& waiting_;
};

}  // namespace belay::exporters
