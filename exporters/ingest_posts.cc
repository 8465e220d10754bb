#include "exporters/ingest_posts.h"

#include "exporters/registered_family.h"

namespace belay::exporters {

IngestPosts::IngestPosts()
    : posts_(registered_family(registry_, prometheus::BuildCounter(), Metric::ingest_posts)) {}

PostCounts IngestPosts::of(const std::string& service, const std::string& source) {
  const auto counter = [&](const char* result) -> prometheus::Counter& {
    return posts_.Add({{"service", service}, {"source", source}, {"result", result}});
  };
  return {.accepted = counter("accepted"), .refused = counter("refused")};
}

std::vector<prometheus::MetricFamily> IngestPosts::collect() const { return registry_.Collect(); }

}  // namespace belay::exporters
