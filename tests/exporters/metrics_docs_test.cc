// Goal: docs/metrics.md and the code list the same metrics. Method: the rows of its table, read
// back, against metric_families.h; its alerts, under promtool.

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporters/metric_families.h"
#include "tests/support/child_process.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_directory.h"

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

/// The block of YAML that holds the alerts.
std::string alerts_of_docs() {
  std::string text;
  bool is_inside = false;
  std::ifstream docs(test::source_dir() / "docs/metrics.md");
  for (std::string line; std::getline(docs, line);) {
    if (line.starts_with("```")) {
      is_inside = line == "```yaml";
    } else if (is_inside) {
      text += line + "\n";
    }
  }
  return text;
}

constexpr const char* kOfTheAlerts = R"(rule_files: [alerts.yaml]
evaluation_interval: 1m
tests:
  - name: a webhook that is away gives nothing up for a day
    interval: 1m
    input_series:
      - { series: 'belay_notifications_total{sink="slack",result="failed"}', values: "0x30" }
      - { series: 'belay_notifications_waiting{sink="slack"}', values: "0x3 1x30" }
    alert_rule_test:
      - { eval_time: 10m, alertname: BelayCannotTellAnyone, exp_alerts: [] }
      - eval_time: 20m
        alertname: BelayCannotTellAnyone
        exp_alerts: [ { exp_labels: { sink: slack } } ]
  - name: one that is there
    interval: 1m
    input_series:
      - { series: 'belay_notifications_total{sink="slack",result="failed"}', values: "0x30" }
      - { series: 'belay_notifications_waiting{sink="slack"}', values: "0 1 0x8 1 0x20" }
    alert_rule_test:
      - { eval_time: 10m, alertname: BelayCannotTellAnyone, exp_alerts: [] }
      - { eval_time: 30m, alertname: BelayCannotTellAnyone, exp_alerts: [] }
  - name: a message that is lost
    interval: 1m
    input_series:
      - { series: 'belay_notifications_total{sink="slack",result="dropped"}', values: "0x5 1x5" }
    alert_rule_test:
      - eval_time: 7m
        alertname: BelayCannotTellAnyone
        exp_alerts: [ { exp_labels: { sink: slack, result: dropped } } ]
)";

TEST(MetricsDocs, TheAlertsTellWithinMinutesThatNobodyIsTold) {
  const test::TemporaryDirectory directory;
  directory.write("alerts.yaml", alerts_of_docs());
  const auto tests = directory.write("tests.yaml", kOfTheAlerts);
  const auto said = directory.path() / "said.txt";
  test::ChildProcess promtool(
      {.argv = {"promtool", "test", "rules", tests.string()}, .output = said});
  EXPECT_EQ(promtool.wait(std::chrono::seconds{20}), 0) << test::content_of(said);
}

}  // namespace
}  // namespace belay::exporters
