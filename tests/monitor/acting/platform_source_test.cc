#include "monitor/sources/platform_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/platform/cloudflare.h"
#include "monitor/platform/command.h"
#include "tests/monitor/acting/cloudflare_peer.h"
#include "tests/monitor/acting/records.h"
#include "tests/monitor/sources/source_run.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using rules::Deployment;
using rules::SourceHealth;
using rules::SourceState;
using testing::HasSubstr;

class PlatformSourceTest : public testing::Test {
 protected:
  PlatformSourceOptions options(Duration every = 20ms) {
    return {.source = rules::SourceId{0},
            .service = "shop",
            .platform = cloudflare_,
            .calls = calls_,
            .every = every};
  }
  static auto is(SourceHealth health) {
    return [health](const SourceState& state) { return state.health == health; };
  }
  static auto is_live(const std::string& version) {
    return [version](const Deployment& one) { return one.versions.front().version == version; };
  }

  test::CloudflarePeer peer_;
  Cloudflare cloudflare_{{.account = "acct",
                          .script = "mautic-api",
                          .token = Secret("canary-token"),
                          .deadline = 5s,
                          .base_url = peer_.base_url()}};
  CallBudget calls_{1ms};
};

TEST_F(PlatformSourceTest, TellsTheSplitOfTheLiveDeploymentAndEveryLaterOne) {
  PlatformSource source(options());
  SourceRun run(source);
  const auto first = run.at_least<Deployment>(1);
  ASSERT_FALSE(first.empty());
  EXPECT_EQ(first[0].service, "shop");
  EXPECT_EQ(first[0].id, "d2");
  ASSERT_EQ(first[0].versions.size(), 2U);
  EXPECT_EQ(first[0].versions[0].version, test::kGoodVersion) << "the largest share first";
  EXPECT_DOUBLE_EQ(first[0].versions[1].percent, 10);
  peer_.deploy(test::kBadVersion, 100, "nobody announced this");
  EXPECT_TRUE(run.until<Deployment>(is_live(test::kBadVersion)));
  EXPECT_TRUE(run.until<SourceState>(is(SourceHealth::alive)));
}

TEST_F(PlatformSourceTest, WhatCannotBeReadIsAStateOfTheSourceAndNeverADeployment) {
  for (const char* answer : {"", "<html>", R"({"success":true,"result":{"deployments":[]}})",
                             R"({"success":true,"result":{"deployments":[{"versions":[]}]}})"}) {
    peer_.answer_always(test::http_response(200, answer));
    PlatformSource source(options());
    SourceRun run(source);
    const auto states = run.at_least<SourceState>(2);
    ASSERT_FALSE(states.empty());
    EXPECT_NE(states.back().health, SourceHealth::alive) << answer;
    EXPECT_FALSE(states.back().detail.empty());
    EXPECT_TRUE(run.all<Deployment>().empty()) << answer;
  }
}

TEST_F(PlatformSourceTest, ARefusalSaysWhyAndNotWithWhichToken) {
  peer_.answer_always(test::http_response(
      403, R"({"success":false,"errors":[{"code":10000,"message":"Authentication error"}]})"));
  PlatformSource source(options());
  SourceRun run(source);
  ASSERT_TRUE(run.until<SourceState>(is(SourceHealth::refused)));
  const std::string why = run.all<SourceState>().back().detail;
  EXPECT_THAT(why, HasSubstr("token is refused"));
  EXPECT_THAT(why, Not(HasSubstr("canary")));
}

TEST_F(PlatformSourceTest, WhenAskedForPatienceNobodyWithThatTokenReads) {
  peer_.answer_always(test::http_response(429, "slow down", "Retry-After: 3600\r\n"));
  PlatformSource first(options());
  SourceRun first_run(first);
  ASSERT_TRUE(first_run.until<SourceState>(is(SourceHealth::refused)));
  PlatformSource second(options());
  SourceRun second_run(second);
  // They go on saying that they are refused, which is not the same as silence.
  EXPECT_GE(second_run.at_least<SourceState>(3).size(), 3U);
  EXPECT_GE(first_run.at_least<SourceState>(3).size(), 3U);
  EXPECT_EQ(peer_.requests().size(), 1U);
  second.look_now();
  EXPECT_GE(second_run.at_least<SourceState>(6).size(), 6U);
  EXPECT_EQ(peer_.requests().size(), 1U) << "not even after an action of ours";
}

TEST_F(PlatformSourceTest, LooksAtOnceWhenSomethingWasDone) {
  PlatformSource source(options(1h));
  SourceRun run(source);
  ASSERT_TRUE(run.until<Deployment>(is_live(test::kGoodVersion)));
  peer_.deploy(test::kBadVersion, 100, "belay did this");
  source.look_now();
  EXPECT_TRUE(run.until<Deployment>(is_live(test::kBadVersion)));
}

TEST_F(PlatformSourceTest, EndsAtOnceWhenToldToInMidCall) {
  test::ScriptedPeer silent([](test::PeerConnection& connection) { connection.hang(); });
  Cloudflare cloudflare(
      {.account = "a", .script = "s", .token = Secret("t"), .base_url = silent.url("")});
  PlatformSource source(
      {.source = {}, .service = "shop", .platform = cloudflare, .calls = calls_, .every = 1h});
  SourceRun run(source);
  ASSERT_TRUE(test::eventually([&] { return silent.connections() == 1; }));
  EXPECT_LT(run.stop(), 5s) << "it waited for its call";
  EXPECT_TRUE(run.all<Deployment>().empty());
}

TEST_F(PlatformSourceTest, APlatformThatCannotTellIsAliveAndSaysNothing) {
  CommandPlatform command({.argv = {"true"}});
  PlatformSource source(
      {.source = {}, .service = "shop", .platform = command, .calls = calls_, .every = 10ms});
  SourceRun run(source);
  ASSERT_TRUE(run.until<SourceState>(is(SourceHealth::alive)));
  EXPECT_GE(run.at_least<SourceState>(3).size(), 3U);
  EXPECT_TRUE(run.all<Deployment>().empty());
}

TEST(CallBudgetTest, GivesOneTurnAfterAnotherWithTheirSpacing) {
  CallBudget budget(50ms);
  const auto began = CallBudget::Clock::now();
  for (int turn = 0; turn < 4; ++turn) EXPECT_TRUE(budget.wait_for_turn({}));
  EXPECT_GE(CallBudget::Clock::now() - began, 150ms);
}

TEST(CallBudgetTest, GivesNoTurnWhileItIsPaused) {
  CallBudget budget(1ms);
  budget.pause(1h);
  budget.pause(1ms);
  EXPECT_FALSE(budget.wait_for_turn({})) << "a shorter pause does not end a longer one";
}

}  // namespace
}  // namespace belay::monitor
