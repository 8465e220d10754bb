#pragma once

#include <string>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>

namespace belay::exporters {

/// What the posts for one source were answered. Any thread may count.
struct PostCounts {
  prometheus::Counter& accepted;  ///< 202.
  prometheus::Counter& refused;   ///< 429: nothing was taken of it.
};

/// The counters of all sources that are pushed to. Must outlive who counts.
class IngestPosts {
 public:
  IngestPosts();

  /// The same for the same names. Thread-safe.
  PostCounts of(const std::string& service, const std::string& source);
  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const;

 private:
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& posts_;
};

}  // namespace belay::exporters
