#pragma once

#include <string>

#include <prometheus/registry.h>

#include "exporters/metric_families.h"

namespace belay::exporters {

/// A family of metric_families.h in prometheus-cpp's registry. `builder`: BuildCounter() or
/// BuildGauge().
template <typename Builder>
auto& registered_family(prometheus::Registry& registry, Builder builder, Metric metric) {
  const MetricFamily& family = family_of(metric);
  return builder.Name(std::string(family.name)).Help(std::string(family.help)).Register(registry);
}

}  // namespace belay::exporters
