// Goal: a gate reaches real platforms with what it says. Method: the real binary, Cloudflare's REST
// API on loopback, and a flag in a real redis-server.

#include <atomic>
#include <csignal>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "net/redis.h"
#include "tests/integration/gate_world.h"
#include "tests/monitor/acting/cloudflare_peer.h"
#include "tests/monitor/acting/records.h"
#include "tests/support/redis_server.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;
using testing::MatchesRegex;

constexpr auto kLongest = 60s;

class GateOnCloudflareTest : public testing::Test {
 protected:
  GateOnCloudflareTest() {
    world_.configure(
        {.platform = "{ cloudflare: { script: shop } }",
         .more = "platforms: { cloudflare: { account: acc, token: \"${SLACK}\", api: \"" +
                 peer_.base_url() + "\" } }"});
    world_.serve([this]() -> std::vector<GateWorld::Answer> {
      if (peer_.deployments_with("belay ") > 0) return {{kGoodVersion, 200}};
      return {{kBadVersion, status_}, {kGoodVersion, 200}};
    });
  }
  /// The baseline is Cloudflare's to tell.
  ChildProcess::Options gate() { return world_.gate({"--candidate", kBadVersion}); }
  std::vector<PeerRequest> posts() {
    std::vector<PeerRequest> all = peer_.requests();
    std::erase_if(all, [](const auto& request) { return request.method != "POST"; });
    return all;
  }
  std::atomic<int> status_ = 500;
  CloudflarePeer peer_;
  GateWorld world_;
};

TEST_F(GateOnCloudflareTest, TheAbsoluteVersionIsPutBackWithTheIntentInItsMessage) {
  ChildProcess child{gate()};
  EXPECT_EQ(child.wait(kLongest), 11) << world_.output();
  ASSERT_EQ(posts().size(), 1U);
  EXPECT_EQ(posts()[0].target, "/client/v4/accounts/acc/workers/scripts/shop/deployments");
  const json body = json::parse(posts()[0].body);
  EXPECT_EQ(body.at("versions"),
            json::array({{{"version_id", kGoodVersion}, {"percentage", 100}}}));
  EXPECT_THAT(body.at("annotations").at("workers/message").get<std::string>(),
              MatchesRegex("belay [0-9a-f-]+ shop-errors: .*"));
}

TEST_F(GateOnCloudflareTest, AnAnswerThatIsLostIsReadBackAndNotSentAgain) {
  peer_.behave({PeerBehaviour::applied_then_dropped});
  ChildProcess child{gate()};
  EXPECT_EQ(child.wait(kLongest), 11) << world_.output();
  EXPECT_EQ(posts().size(), 1U);
}

TEST_F(GateOnCloudflareTest, WhenSomeoneElseHasActedItStandsDown) {
  status_ = 200;
  ChildProcess child{gate()};
  ASSERT_TRUE(world_.says("mode       enforce")) << world_.output();
  peer_.deploy("33333333-3333-4333-8333-333333333333", 100, "a fix by hand");
  status_ = 500;
  EXPECT_EQ(child.wait(kLongest), 15) << world_.output();
  EXPECT_TRUE(posts().empty());
  EXPECT_THAT(world_.output(), HasSubstr("stood down"));
}

TEST_F(GateOnCloudflareTest, ItSaysWhatIsLiveBeforeItBegins) {
  status_ = 200;
  ChildProcess child{gate()};
  ASSERT_TRUE(world_.says("rollout_started")) << world_.output();
  child.signal(SIGINT);
  EXPECT_EQ(child.wait(kLongest), 130);
  const std::string good = kGoodVersion;
  EXPECT_THAT(world_.output(), HasSubstr("baseline   " + good + " (the largest other share)"));
  EXPECT_THAT(world_.output(), HasSubstr(good + " at 90%, " + kBadVersion + " at 10%"));
  EXPECT_THAT(world_.output(), HasSubstr("on fail    roll back to " + good));
}

TEST_F(GateOnCloudflareTest, ACandidateWithoutTrafficIsRefused) {
  ChildProcess child{world_.gate({"--candidate", "33333333-3333-4333-8333-333333333333"})};
  EXPECT_EQ(child.wait(kLongest), 2) << world_.output();
  EXPECT_THAT(world_.output(), HasSubstr("has no traffic, so there is nothing to judge: live is"));
}

TEST_F(GateOnCloudflareTest, ACandidateAloneHasNoBaselineAndCannotBeRolledBack) {
  peer_.deploy(kBadVersion, 100, "all of it");
  // No other is in the log either: whatever the gate reads of it before it begins.
  world_.serve([this] { return std::vector<GateWorld::Answer>{{kBadVersion, status_}}; });
  ChildProcess child{gate()};
  EXPECT_EQ(child.wait(kLongest), 10) << world_.output();
  EXPECT_TRUE(posts().empty());
  EXPECT_THAT(world_.output(), HasSubstr("none was named: "));
}

class GateOnFlagTest : public testing::Test {
 protected:
  GateOnFlagTest() {
    set("on");
    world_.configure(
        {.on_fail = "[reset flag checkout-v2, rollback]",
         .more = fmt::format("flags: {{ checkout-v2: {{ redis: {{ url: \"{}\", key: flag, expect: "
                             "\"on\", safe: \"off\" }} }} }}",
                             redis_.url())});
  }
  /// v2 is bad while `is_bad(flag)`.
  void serve(std::function<bool(const std::string&)> is_bad) {
    world_.serve(world_.rollout("v2", "v1", [this, is_bad = std::move(is_bad)] {
      return is_bad(ask({"GET", "flag"})) ? 500 : 200;
    }));
  }
  int gate() {
    ChildProcess child{world_.gate()};
    return child.wait(kLongest).value_or(-1);
  }
  std::string ask(const net::RedisConnection::Command& command) {
    auto connection = net::RedisConnection::connect(*net::RedisUrl::parse(redis_.url()), 20s);
    if (!connection) return connection.error().message;
    const auto replies = (*connection)->pipeline({command}, 20s);
    return replies ? replies->front().text : replies.error().message;
  }
  void set(const std::string& value) { EXPECT_EQ(ask({"SET", "flag", value}), "OK"); }
  RedisServer redis_;
  GateWorld world_;
};

TEST_F(GateOnFlagTest, AFlagThatHelpsIsTheEndOfTheLadder) {
  serve([](const std::string& flag) { return flag != "off"; });
  EXPECT_EQ(gate(), 11) << world_.output();
  EXPECT_EQ(ask({"GET", "flag"}), "off");
  EXPECT_EQ(world_.lines_of("runs"), 0) << "nothing was rolled back";
  EXPECT_THAT(world_.output(), HasSubstr("recovered after: reset flag checkout-v2"));
}

TEST_F(GateOnFlagTest, AFlagThatDoesNotHelpIsFollowedByTheRollback) {
  serve([](const std::string&) { return true; });
  EXPECT_EQ(gate(), 11) << world_.output();
  EXPECT_EQ(ask({"GET", "flag"}), "off");
  EXPECT_EQ(world_.lines_of("runs"), 1);
  EXPECT_THAT(world_.output(), HasSubstr("it did not help: reset flag checkout-v2"));
  EXPECT_THAT(world_.output(), HasSubstr("recovered after: roll back from v2 to v1"));
}

TEST_F(GateOnFlagTest, AFlagThatAHumanHasSetIsLeftAloneAndTheRollbackComesNext) {
  set("half");
  serve([](const std::string&) { return true; });
  EXPECT_EQ(gate(), 11) << world_.output();
  EXPECT_EQ(ask({"GET", "flag"}), "half");
  EXPECT_EQ(world_.lines_of("runs"), 1);
  EXPECT_THAT(world_.output(), HasSubstr("conflict"));
}

}  // namespace
}  // namespace belay::test
