// Goal: a dashboard that Grafana can show and that names only what Belay exports. Method: the rules
// of grafana/dashboard-linter that apply, over the JSON; promtool over the expressions.

#include "tests/grafana/dashboard.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "exporters/metric_families.h"
#include "tests/support/child_process.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {
namespace {

using exporters::MetricFamily;
using exporters::MetricType;
using nlohmann::json;
using testing::HasSubstr;

std::set<std::string> exported_names() {
  std::set<std::string> names;
  for (const MetricFamily& family : exporters::kMetricFamilies) {
    const std::string name(family.name);
    if (family.type != MetricType::histogram) {
      names.insert(name);
      continue;
    }
    for (const char* suffix : {"_bucket", "_sum", "_count"}) names.insert(name + suffix);
  }
  return names;
}

TEST(Dashboard, NamesOnlyMetricsThatExist) {
  const auto exported = exported_names();
  for (const Expression& expression : expressions_of(overview_dashboard())) {
    const auto names = metrics_in(expression.text);
    EXPECT_FALSE(names.empty()) << expression.where;
    for (const std::string& name : names) {
      EXPECT_TRUE(exported.contains(name)) << expression.where << ": " << name;
    }
  }
}

TEST(Dashboard, ShowsWhatTheIssueAsksFor) {
  std::set<std::string> shown;
  for (const Expression& expression : expressions_of(overview_dashboard())) {
    shown.merge(metrics_in(expression.text));
  }
  for (const char* name :
       {"belay_rule_state", "belay_rule_value", "belay_rule_threshold", "belay_verdict",
        "belay_requests_total", "belay_request_errors_total",
        "belay_request_duration_seconds_bucket", "belay_queue_depth", "belay_queue_oldest_seconds",
        "belay_probe_success", "belay_source_up", "belay_actions_total", "belay_deployments_total",
        "belay_deployment_lead_time_seconds_bucket", "belay_deployment_recovery_seconds_bucket"}) {
    EXPECT_TRUE(shown.contains(name)) << name;
  }
}

TEST(Dashboard, HasAFixedIdentityAndItsVariables) {
  const json dashboard = overview_dashboard();
  EXPECT_EQ(dashboard.at("uid"), "belay-overview");
  EXPECT_EQ(dashboard.at("schemaVersion"), 39);
  EXPECT_TRUE(dashboard.at("id").is_null());
  const json& variables = dashboard.at("templating").at("list");
  ASSERT_EQ(variables.size(), 2U);
  EXPECT_EQ(variables.at(0).at("name"), "datasource");
  EXPECT_EQ(variables.at(0).at("type"), "datasource");
  EXPECT_EQ(variables.at(1).at("name"), "service");
  EXPECT_EQ(variables.at(1).at("multi"), true);
  EXPECT_EQ(variables.at(1).at("allValue"), ".*");
}

TEST(Dashboard, GivesEveryPanelWhatAReaderNeeds) {
  for (const json& panel : panels_of(overview_dashboard())) {
    const auto title = panel.value("title", "");
    EXPECT_FALSE(title.empty());
    EXPECT_FALSE(panel.value("description", "").empty()) << title;
    EXPECT_EQ(panel.at("datasource").at("uid"), "${datasource}") << title;
    const json& defaults = panel.at("fieldConfig").at("defaults");
    EXPECT_FALSE(defaults.value("unit", "").empty()) << title;
    EXPECT_FALSE(defaults.at("thresholds").at("steps").empty()) << title;
    std::set<std::string> ids;
    for (const json& target : panel.at("targets")) {
      EXPECT_FALSE(target.value("legendFormat", "").empty()) << title;
      EXPECT_EQ(target.at("datasource").at("uid"), "${datasource}") << title;
      EXPECT_TRUE(ids.insert(target.at("refId").get<std::string>()).second) << title;
    }
  }
}

TEST(Dashboard, UsesStateTimelinesWithWordsForWhatIsAState) {
  int timelines = 0;
  for (const json& panel : panels_of(overview_dashboard())) {
    if (panel.at("type") != "state-timeline") continue;
    ++timelines;
    EXPECT_FALSE(panel.at("fieldConfig").at("defaults").at("mappings").empty());
  }
  EXPECT_GE(timelines, 2);
}

TEST(Dashboard, LetsGrafanaChooseTheIntervalOfEveryRate) {
  for (const json& panel : panels_of(overview_dashboard())) {
    for (const json& target : panel.at("targets")) {
      const auto text = target.at("expr").get<std::string>();
      for (std::size_t at = text.find('['); at != std::string::npos; at = text.find('[', at + 1)) {
        // What happens a few times a day is counted over all that is shown.
        EXPECT_THAT(text.substr(at, text.find(']', at) + 1 - at),
                    testing::AnyOf("[$__rate_interval]", "[$__range]"))
            << text;
      }
    }
  }
}

TEST(Dashboard, LaysPanelsOnTheGridWithoutOverlap) {
  std::set<int> ids;
  std::set<std::pair<int, int>> taken;
  const json dashboard = overview_dashboard();
  for (const json& panel : dashboard.at("panels")) {
    EXPECT_TRUE(ids.insert(panel.at("id").get<int>()).second);
    const json& at = panel.at("gridPos");
    const int left = at.at("x");
    const int top = at.at("y");
    EXPECT_LE(left + at.at("w").get<int>(), 24);
    for (int x = left; x < left + at.at("w").get<int>(); ++x) {
      for (int y = top; y < top + at.at("h").get<int>(); ++y) {
        EXPECT_TRUE(taken.insert({x, y}).second) << panel.at("title");
      }
    }
  }
}

TEST(Dashboard, HasExpressionsThatPromtoolAccepts) {
  json rules = json::array();
  for (const Expression& expression : expressions_of(overview_dashboard())) {
    rules.push_back({{"record", "dashboard:expression" + std::to_string(rules.size())},
                     {"expr", substituted(expression.text, "1m", "1m")}});
  }
  const json file{{"groups", {{{"name", "dashboard"}, {"rules", rules}}}}};
  const TemporaryDirectory directory;
  const auto path = directory.write("rules.yaml", file.dump(1));  // JSON is YAML.
  const auto said = directory.path() / "said.txt";
  ChildProcess promtool({.argv = {"promtool", "check", "rules", path.string()}, .output = said});
  EXPECT_EQ(promtool.wait(std::chrono::seconds(20)), 0) << content_of(said);
  EXPECT_THAT(content_of(said), HasSubstr(std::to_string(rules.size()) + " rules found"));
}

TEST(Provisioning, PointsGrafanaAtPrometheusAndTheDashboards) {
  const auto folder = source_dir() / "grafana/provisioning";
  const std::string source = content_of(folder / "datasources/prometheus.yaml");
  EXPECT_THAT(source, HasSubstr("apiVersion: 1\n"));
  EXPECT_THAT(source, HasSubstr("type: prometheus\n"));
  EXPECT_THAT(source, HasSubstr("url: ${PROMETHEUS_URL}\n"));
  const std::string provider = content_of(folder / "dashboards/belay.yaml");
  EXPECT_THAT(provider, HasSubstr("apiVersion: 1\n"));
  EXPECT_THAT(provider, HasSubstr("type: file\n"));
  EXPECT_THAT(provider, HasSubstr("path: /"));
}

}  // namespace
}  // namespace belay::test
