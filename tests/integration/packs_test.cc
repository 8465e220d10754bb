// Goal: the shipped rules fire in a running daemon, and people and Prometheus hear of it. Method:
// the real binary, a backlog of the real BullMQ, a /healthz that is not well, a real prometheus.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/prometheus_server.h"
#include "tests/integration/queue_load.h"
#include "tests/integration/running_daemon.h"
#include "tests/integration/slack_peer.h"
#include "tests/support/eventually.h"
#include "tests/support/redis_server.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr const char* kConfiguration = R"(services:
  mailer:
    queues: {{ redis: {{ url: "{}", names: [mail], every: 1s }} }}
    probes: {{ healthz: {{ url: "{}", every: 500ms, timeout: 400ms }} }}
    rules: [packs/queues, packs/probes]
notify: {{ tell: [ {{ slack: {{ webhook: "${{SLACK}}" }} }} ] }}
)";

std::string firing(const std::string& rule) {
  return "belay_rule_firing{service=\"mailer\",rule=\"" + rule + "\",severity=\"critical\"} 1\n";
}

TEST(PacksTest, ABacklogAndAFailingProbeAreToldToSlackAndToPrometheus) {
  const RedisServer redis;
  const ScriptedPeer healthz([](PeerConnection& connection) {
    static_cast<void>(connection.read_until("\r\n\r\n"));
    connection.send(http_response(503, "{\"status\":\"degraded\"}"));
  });
  const SlackPeer slack;
  ASSERT_EQ(load_queue(redis.url(), "backlog", {"--jobs", "1200"}), "");
  RunningDaemon belay;
  belay.configure(fmt::format(kConfiguration, redis.url(), healthz.url("/healthz")));
  belay.start({"SLACK=" + slack.url()});
  const PrometheusServer prometheus(belay.port(), 500ms);

  EXPECT_TRUE(belay.shows(firing("probe-healthz"))) << belay.output();
  EXPECT_TRUE(
      belay.shows("belay_rule_state{service=\"mailer\",rule=\"queue-depth\",state=\"bad\"} 1"));
  // Its "for 1m" is waited for.
  EXPECT_TRUE(eventually(
      [&] { return belay.get().find(firing("queue-oldest")) != std::string::npos; }, 120s))
      << belay.get();
  for (const char* told : {"probe-healthz is firing", "queue-oldest is firing"}) {
    EXPECT_TRUE(eventually([&] { return slack.bodies().find(told) != std::string::npos; }))
        << told << slack.bodies();
  }

  EXPECT_EQ(promtool_complaints(belay.get().substr(4)), "");
  for (const char* asked :
       {"belay_rule_firing{rule=\"queue-oldest\"} == 1", "belay_queue_depth == 1200",
        "belay_probe_success == 0", "rate(belay_engine_steps_total[5s]) > 0",
        "belay_config_last_reload_successful == 1", "up{job=\"belay\"} == 1"}) {
    EXPECT_TRUE(eventually([&] { return prometheus.has_data(asked); })) << asked;
  }
  EXPECT_EQ(belay.stop(), 0);
}

}  // namespace
}  // namespace belay::test
