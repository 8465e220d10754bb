#pragma once

#include <iterator>
#include <vector>

#include <prometheus/metric_family.h>

#include "exporters/ingest_posts.h"
#include "exporters/notifications.h"

namespace belay::exporters {

/// Belay's own numbers that no snapshot holds, because they are counted outside the engine.
struct OwnCounts {
  IngestPosts posts;
  Notifications notifications;

  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const {
    std::vector<prometheus::MetricFamily> all = posts.collect();
    std::vector<prometheus::MetricFamily> more = notifications.collect();
    all.insert(all.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
    return all;
  }
};

}  // namespace belay::exporters
