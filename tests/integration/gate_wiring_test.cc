// Goal: what a service says of itself reaches the parts that it is about: its own flags and
// commands, its probes of each version, its commands for people, the audit file. Method: the real
// binary gates a rollout against loopback.

#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "net/http_client.h"
#include "tests/integration/gate_world.h"
#include "tests/monitor/acting/cloudflare_peer.h"
#include "tests/monitor/acting/records.h"
#include "tests/support/eventually.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr auto kLongest = 60s;

constexpr const char* kProbeRule =
    "rules:\n  - name: shop-healthz\n    when: probe healthz fails 3 of 5\n    then: rollback\n";

/// A /healthz behind which two versions stand: `good` answers, unless the header `aimed_at_bad` is
/// there; `bad` is not well.
class HealthzOfVersions {
 public:
  HealthzOfVersions(net::Header aimed_at_bad, std::string bad, std::string good) {
    server_.Get("/healthz", [aim = std::move(aimed_at_bad), bad = std::move(bad),
                             good = std::move(good)](const httplib::Request& request,
                                                     httplib::Response& response) {
      const bool is_bad = request.get_header_value(aim.name) == aim.value;
      response.status = is_bad ? 500 : 200;
      response.set_content("{\"version\":\"" + (is_bad ? bad : good) + "\"}", "application/json");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    BELAY_CHECK(eventually([this] { return server_.is_running(); }), "the service listens");
  }
  ~HealthzOfVersions() {
    server_.stop();
    thread_.join();
  }
  HealthzOfVersions(const HealthzOfVersions&) = delete;
  HealthzOfVersions& operator=(const HealthzOfVersions&) = delete;

  [[nodiscard]] std::string probe(const std::string& aim) const {
    return fmt::format(
        "probes: {{ healthz: {{ url: \"http://127.0.0.1:{}/healthz\", every: 200ms, timeout: "
        "200ms, version field: version, aim: {} }} }}",
        port_, aim);
  }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

class GateWiringTest : public testing::Test {
 protected:
  void serve(int status) {
    world_.serve(world_.rollout("v2", "v1", [status] { return status; }));
  }
  int gate(const std::vector<std::string>& arguments = {}) {
    ChildProcess child{world_.gate(arguments)};
    return child.wait(kLongest).value_or(-1);
  }
  GateWorld world_;
};

TEST_F(GateWiringTest, AFlyAppIsRolledBackByItsCommandAndSlackNamesItsLogs) {
  world_.configure({.platform = "{ fly: { app: shop-on-fly, rollback: [sh, -c, 'echo "
                                "$BELAY_TARGET > live'], verify: [sh, -c, 'test \"$(cat live)\" = "
                                "$BELAY_TARGET'] } }"});
  serve(500);
  EXPECT_EQ(gate(), 11) << world_.output();
  EXPECT_EQ(world_.line_of("live"), "v1");
  EXPECT_TRUE(eventually([this] {
    return world_.pages().find("fly logs -a shop-on-fly") != std::string::npos;
  })) << world_.pages();
}

TEST_F(GateWiringTest, AVersionOfAFlyAppIsProbedByItself) {
  const HealthzOfVersions healthz{{"fly-force-instance-id", "v2"}, "v2", "v1"};
  world_.configure({.platform = "{ fly: { app: shop, rollback: [sh, -c, 'echo $BELAY_TARGET > "
                                "live'], verify: [sh, -c, 'test \"$(cat live)\" = $BELAY_TARGET'] "
                                "} }",
                    .rules = kProbeRule,
                    .of_service = healthz.probe("fly")});
  serve(200);
  EXPECT_EQ(gate(), 11) << world_.output();
  EXPECT_EQ(world_.line_of("live"), "v1");
}

TEST_F(GateWiringTest, AVersionOfAWorkerIsProbedByItself) {
  CloudflarePeer peer;
  const HealthzOfVersions healthz{
      {"Cloudflare-Workers-Version-Overrides", fmt::format("shop=\"{}\"", kBadVersion)},
      kBadVersion,
      kGoodVersion};
  world_.configure(
      {.platform = "{ cloudflare: { script: shop } }",
       .rules = kProbeRule,
       .of_service = healthz.probe("cloudflare"),
       .more = "platforms: { cloudflare: { account: acc, token: \"${SLACK}\", api: \"" +
               peer.base_url() + "\" } }"});
  world_.serve([]() -> std::vector<GateWorld::Answer> { return {{kGoodVersion, 200}}; });
  EXPECT_EQ(gate({"--candidate", kBadVersion}), 11) << world_.output();
  EXPECT_EQ(peer.deployments_with("shop-healthz"), 1);
}

TEST_F(GateWiringTest, AServicesOwnCommandComesBeforeOneOfAll) {
  world_.configure({.on_fail = "[run drain]",
                    .of_service = "commands: { drain: { argv: [sh, -c, 'echo own > drained'], "
                                  "verify: [test, -e, drained] } }",
                    .more = "commands: { drain: { argv: [sh, -c, 'echo shared > drained'], verify: "
                            "[test, -e, drained] } }"});
  world_.serve([this]() -> std::vector<GateWorld::Answer> {
    return {{"v1", 200}, {"v2", world_.line_of("drained").empty() ? 500 : 200}};
  });
  EXPECT_EQ(gate(), 11) << world_.output();
  EXPECT_EQ(world_.line_of("drained"), "own");
}

TEST_F(GateWiringTest, EveryNoticeIsALineOfTheAuditFile) {
  world_.configure({.of_notify = "audit: audit.jsonl"});
  serve(500);
  EXPECT_EQ(gate(), 11) << world_.output();
  std::istringstream lines{content_of(world_.directory() / "audit.jsonl")};
  std::vector<std::string> kinds;
  for (std::string line; std::getline(lines, line);) {
    kinds.push_back(nlohmann::json::parse(line).value("notice", ""));
  }
  for (const char* kind : {"rollout_started", "fired", "acting", "acted", "recovered"}) {
    EXPECT_THAT(kinds, Contains(kind));
  }
}

}  // namespace
}  // namespace belay::test
