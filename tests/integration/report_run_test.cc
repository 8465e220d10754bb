// Goal: what a rollout came to can be asked for after the daemon was killed, word for word, and is
// counted. Method: the real binary, killed with SIGKILL, and its API, verbs and metrics.

#include <csignal>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "tests/integration/daemon_api.h"
#include "tests/support/scripted_peer.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

class ReportRunTest : public DaemonApiTest {
 protected:
  void start_with_metrics() {
    GateWorld::Settings settings;
    settings.metrics = "127.0.0.1:" + std::to_string(port_);
    start(settings);
  }
  void kill_and_restart() {
    daemon_->signal(SIGKILL);
    EXPECT_EQ(daemon_->wait(10s), 128 + SIGKILL);
    run();
  }
  [[nodiscard]] std::string metrics() const {
    const auto answer =
        net::http_call({.url = "http://127.0.0.1:" + std::to_string(port_) + "/metrics"});
    const auto* response = std::get_if<net::HttpResponse>(&answer);
    return response == nullptr ? "" : response->body;
  }
  /// The lines of /metrics about deliveries.
  [[nodiscard]] std::string deliveries() const {
    std::istringstream lines(metrics());
    std::string found;
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with("belay_deployment")) found += line + "\n";
    return found;
  }
  /// What has ended is counted at the next check, and a page is a second old at most.
  [[nodiscard]] bool counts(const std::string& line) const {
    return eventually([&] { return deliveries().find(line) != std::string::npos; });
  }
  BelayRun gate(const std::string& candidate, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"gate",    "--service",  "shop", "--candidate",
                                          candidate, "--baseline", "v1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return belay(arguments);
  }
  std::string id_of_newest() {
    const BelayRun history = belay({"history", "--limit", "1", "--output", "jsonl"});
    EXPECT_EQ(history.code, 0) << history.text;
    return json::parse(history.text, nullptr, false).value("rollout", "");
  }

  std::uint16_t port_ = free_port();
};

TEST_F(ReportRunTest, AfterAKillTheReportIsTheSameByteForByte) {
  start_with_metrics();
  serve(500);
  ASSERT_EQ(gate("v2", {"--for", "10m"}).code, 11) << world_.output();
  const std::string id = id_of_newest();
  const BelayRun before = belay({"report", id});
  EXPECT_EQ(before.code, 0) << before.text;
  EXPECT_THAT(before.text, StartsWith("# Failed, and what was done helped\n"));
  EXPECT_THAT(before.text, HasSubstr("| `shop-errors`<br>"));
  EXPECT_THAT(before.text, HasSubstr("roll back from v2 to v1"));
  const std::string before_json = get("/api/v1/rollouts/" + id + "/report").body;
  const BelayRun history = belay({"history"});
  EXPECT_TRUE(
      counts("belay_deployments_total{service=\"shop\",result=\"recovered\",verdict=\"fail\"} 1\n"))
      << deliveries();
  const std::string counted = deliveries();
  EXPECT_THAT(counted, HasSubstr("belay_deployment_recovery_seconds_count{service=\"shop\"} 1\n"));
  kill_and_restart();
  EXPECT_EQ(belay({"report", id}).text, before.text);
  EXPECT_EQ(get("/api/v1/rollouts/" + id + "/report").body, before_json);
  EXPECT_EQ(belay({"history"}).text, history.text);
  EXPECT_TRUE(eventually([&] { return deliveries() == counted; })) << deliveries();
  const json told = json::parse(belay({"report", id, "--output", "json"}).text);
  EXPECT_EQ(told.at("exit_code"), 11);
  EXPECT_EQ(told.at("actions").at(0).at("phase"), "applied");
}

TEST_F(ReportRunTest, DeliveriesAreCountedAndAKillForgetsNone) {
  start_with_metrics();
  serve(200);
  // Two hours before now, to the second: between one and four hours, whatever the clock does.
  const auto now = std::chrono::system_clock::now() - 2h;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  const std::string at = format_utc(from_unix_ms(ms.count()));
  ASSERT_EQ(gate("v2", {"--for", "8s", "--committed-at", at}).code, 0) << world_.output();
  EXPECT_TRUE(
      counts("belay_deployments_total{service=\"shop\",result=\"promoted\",verdict=\"pass\"} 1\n"))
      << deliveries();
  const std::string first = deliveries();
  EXPECT_THAT(first, HasSubstr("{service=\"shop\",result=\"failed\",verdict=\"fail\"} 0\n"));
  EXPECT_THAT(first, HasSubstr("lead_time_seconds_bucket{service=\"shop\",le=\"3600\"} 0\n"));
  EXPECT_THAT(first, HasSubstr("lead_time_seconds_bucket{service=\"shop\",le=\"14400\"} 1\n"));
  EXPECT_THAT(first, HasSubstr("lead_time_seconds_count{service=\"shop\"} 1\n"));
  kill_and_restart();
  EXPECT_TRUE(eventually([&] { return deliveries() == first; })) << deliveries();
}

TEST_F(ReportRunTest, WhatNobodyKnowsAndWhoDoesNotAnswerAreToldApart) {
  start_with_metrics();
  const BelayRun unknown = belay({"report", "nope"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.text, HasSubstr("no rollout with this id"));
  EXPECT_EQ(belay({"history", "--since", "soon"}).code, 2);
  EXPECT_EQ(get("/api/v1/history").status, 200);
  stop();
  EXPECT_EQ(belay({"report", "nope"}).code, 69);
  EXPECT_EQ(belay({"history"}).code, 69);
}

}  // namespace
}  // namespace belay::test
