#include "exporters/notifications.h"

#include "exporters/metric_families.h"

namespace belay::exporters {
namespace {

template <typename Builder>
auto& family_in(prometheus::Registry& registry, Builder builder, Metric metric) {
  const MetricFamily& family = family_of(metric);
  return builder.Name(std::string(family.name)).Help(std::string(family.help)).Register(registry);
}

}  // namespace

Notifications::Notifications()
    : results_(family_in(registry_, prometheus::BuildCounter(), Metric::notifications)),
      waiting_(family_in(registry_, prometheus::BuildGauge(), Metric::notifications_waiting)) {}

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
