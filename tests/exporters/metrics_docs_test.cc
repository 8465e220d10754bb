// Goal: docs/metrics.md and the code list the same metrics. Method: the rows of its table, read
// back, against metric_families.h.

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporters/metric_families.h"
#include "tests/support/paths.h"

namespace belay::exporters {
namespace {

std::string type_name(MetricType type) {
  switch (type) {
    case MetricType::counter:
      return "counter";
    case MetricType::gauge:
      return "gauge";
    case MetricType::histogram:
      return "histogram";
  }
  return "";
}

std::string in_ticks(std::string_view labels) {
  if (labels.empty()) return "";
  std::string out = "`";
  for (const char c : labels) out += c == ',' ? "`," : c == ' ' ? " `" : std::string(1, c);
  return out + "`";
}

std::vector<std::string> rows_of_code() {
  std::vector<std::string> rows;
  for (const MetricFamily& family : kMetricFamilies) {
    const std::string labels = in_ticks(family.labels);
    rows.push_back("| `" + std::string(family.name) + "` | " + type_name(family.type) + " |" +
                   (labels.empty() ? "" : " " + labels) + " | " + std::string(family.help) + " |");
  }
  return rows;
}

std::vector<std::string> rows_of_docs() {
  std::vector<std::string> rows;
  std::ifstream docs(test::source_dir() / "docs/metrics.md");
  for (std::string line; std::getline(docs, line);) {
    if (line.starts_with("| `belay_")) rows.push_back(line);
  }
  return rows;
}

TEST(MetricsDocs, ListEveryMetricAndNoOther) { EXPECT_EQ(rows_of_docs(), rows_of_code()); }

}  // namespace
}  // namespace belay::exporters
