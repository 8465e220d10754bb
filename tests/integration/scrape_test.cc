// Goal: a real prometheus scrapes what Belay serves, and every expression of the dashboard returns
// data from it. Method: our own listener and exporter over a snapshot that moves at each scrape.

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "exporters/prometheus.h"
#include "net/http_listener.h"
#include "tests/exporters/example_snapshot.h"
#include "tests/grafana/dashboard.h"
#include "tests/integration/prometheus_server.h"
#include "tests/support/eventually.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using exporters::Prometheus;
using nlohmann::json;

/// /metrics of an engine that makes a step at every scrape.
class MovingExporter {
 public:
  MovingExporter() {
    auto started =
        net::HttpListener::start("127.0.0.1:0", [this](const net::Incoming&) { return page(); });
    EXPECT_TRUE(started.ok());
    listener_ = std::move(started).value();
  }
  [[nodiscard]] std::uint16_t port() const { return listener_->port(); }

 private:
  net::Outgoing page() {
    slack_.sent.Increment();
    posts_.refused.Increment();
    prometheus_.publish(example_snapshot(++turn_));
    return {.content_type = Prometheus::kContentType, .body = prometheus_.render(now_ += 2s)};
  }

  exporters::OwnCounts own_;
  exporters::NotificationCounts slack_ = own_.notifications.of("slack");
  exporters::PostCounts posts_ = own_.posts.of("shop", "tail");
  Prometheus prometheus_{"test", own_};
  std::uint64_t turn_ = 0;
  std::chrono::steady_clock::time_point now_{};
  std::unique_ptr<net::HttpListener> listener_;  // Last: its thread uses all of the above.
};

TEST(Scrape, GivesDataToEveryExpressionOfTheDashboard) {
  const MovingExporter exporter;
  const PrometheusServer prometheus(exporter.port(), 200ms);
  for (const Expression& expression : expressions_of(overview_dashboard())) {
    const std::string asked = substituted(expression.text, "5s", "1m");
    EXPECT_TRUE(eventually([&] { return prometheus.has_data(asked); }, 30s))
        << expression.where << ": " << asked << "\n"
        << prometheus.log();
    if (HasFailure()) break;
  }
}

TEST(Scrape, IsHealthyInPrometheusEyes) {
  const MovingExporter exporter;
  const PrometheusServer prometheus(exporter.port(), 200ms);
  json target;
  EXPECT_TRUE(eventually([&] {
    const json data = prometheus.get("/api/v1/targets");
    if (!data.is_object() || data.at("activeTargets").empty()) return false;
    target = data.at("activeTargets").at(0);
    return target.at("health") == "up";
  })) << target;
  EXPECT_EQ(target.value("lastError", "-"), "");
}

}  // namespace
}  // namespace belay::test
