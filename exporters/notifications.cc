#include "exporters/notifications.h"

#include "exporters/registered_family.h"

namespace belay::exporters {

Notifications::Notifications()
    : results_(registered_family(registry_, prometheus::BuildCounter(), Metric::notifications)),
      waiting_(
          registered_family(registry_, prometheus::BuildGauge(), Metric::notifications_waiting)) {}

NotificationCounts Notifications::of(const std::string& sink) {
  const auto counter = [&](const char* result) -> prometheus::Counter& {
    return results_.Add({{"sink", sink}, {"result", result}});
  };
  return {.sent = counter("sent"),
          .failed = counter("failed"),
          .dropped = counter("dropped"),
          .waiting = waiting_.Add({{"sink", sink}})};
}

std::vector<prometheus::MetricFamily> Notifications::collect() const { return registry_.Collect(); }

}  // namespace belay::exporters
