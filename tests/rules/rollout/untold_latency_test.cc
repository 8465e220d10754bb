// A version that is only slow, in logs that do not tell how long anything took, looks as a good
// one.

#include "rules/judgement/untold_latency.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/rollout/default_rollout.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;
using testing::Not;

Plan plan_without_latency() {
  Plan plan = plan_by_default();
  plan.services[0].rollout.limits.judges_latency = false;
  return plan;
}

/// What a gate of two minutes comes to.
RolloutStatus judged(const std::vector<std::pair<int, Alike>>& streams,
                     Plan plan = plan_by_default()) {
  EngineRig rig(std::move(plan));
  for (std::size_t i = 0; i < streams.size(); ++i)
    rig.stream(std::to_string(i), streams[i].first, streams[i].second);
  rig.push(gate(rig.now()));
  rig.run(122s);
  EXPECT_TRUE(rig.orders.empty());
  return rollout(rig);
}

Alike taking(const char* version, std::optional<Duration> latency) {
  return {.version = version, .latency = latency};
}

TEST(UntoldLatency, IsUnknownAndNamesTheWaysOut) {
  const RolloutStatus status = judged({{20, taking("v1", {})}, {20, taking("v2", {})}});
  EXPECT_EQ(status.verdict, Outcome::unknown);
  EXPECT_THAT(status.why,
              HasSubstr("none of 2400 requests of v2 in this step told how long it took, so "
                        "default/latency judged nothing: log `wall_ms`"));
  EXPECT_THAT(status.why, HasSubstr("`latency field`"));
  EXPECT_THAT(status.why, HasSubstr("rollout: { limits: { p95 latency: off } }"));
}

TEST(UntoldLatency, IsUnknownWithoutABaselineToo) {
  const RolloutStatus status = judged({{20, taking("v2", {})}});
  EXPECT_EQ(status.verdict, Outcome::unknown);
  EXPECT_THAT(status.why, HasSubstr("none of 2400 requests of v2"));
}

TEST(UntoldLatency, WhatTheBaselineTellsSaysNothingOfTheCandidate) {
  const RolloutStatus status = judged({{5, taking("v1", 20ms)}, {48, taking("v2", {})}});
  EXPECT_EQ(status.verdict, Outcome::unknown);
  EXPECT_THAT(status.why, HasSubstr("none of 5760 requests of v2"));
}

TEST(UntoldLatency, NoTimeAtAllIsTold) {
  for (const Duration latency : {Duration::zero(), Duration{20ms}})
    EXPECT_EQ(judged({{20, taking("v1", latency)}, {20, taking("v2", latency)}}).verdict,
              Outcome::pass);
}

TEST(UntoldLatency, HealthChecksAloneDoNotTell) {
  Alike check = taking("v2", 1ms);
  check.route = "/healthz";
  const RolloutStatus status = judged({{20, taking("v1", {})}, {20, taking("v2", {})}, {1, check}});
  EXPECT_EQ(status.verdict, Outcome::unknown);
  EXPECT_THAT(status.why, HasSubstr("only 120 of 2520 requests of v2 in this step told how long "
                                    "they took, too few for default/latency to judge by"));
  EXPECT_EQ(judged({{18, taking("v1", {})}, {18, taking("v2", {})}, {2, check}}).verdict,
            Outcome::pass)
      << "one in ten";
}

TEST(UntoldLatency, OtherCallsAndFailuresWithoutADurationAreNoSign) {
  Alike cron = taking("v2", {});
  cron.type = Invocation::other;
  Alike queue = cron;
  queue.type = Invocation::queue;
  const std::pair<int, Alike> beside{20, taking("v1", 20ms)};
  EXPECT_EQ(judged({beside, {1, taking("v2", 20ms)}, {20, cron}, {20, queue}}).verdict,
            Outcome::pass);
  Alike failed = taking("v2", {});
  failed.status = 500;
  Alike failed_beside = failed;
  failed_beside.version = "v1";
  EXPECT_EQ(
      judged({{30, taking("v1", 20ms)}, {1, failed_beside}, {30, taking("v2", 20ms)}, {1, failed}})
          .verdict,
      Outcome::pass);
}

TEST(UntoldLatency, AHandfulOfRequestsSaysNothingOfALog) {
  EXPECT_TRUE(is_latency_untold(0, 10));
  EXPECT_FALSE(is_latency_untold(0, 9));
  EXPECT_TRUE(is_latency_untold(9, 91));
  EXPECT_FALSE(is_latency_untold(9, 90));
}

TEST(UntoldLatency, WhereLatencyIsNotJudgedItPasses) {
  for (const std::optional<Duration> beside :
       {std::optional<Duration>(20ms), std::optional<Duration>()})
    EXPECT_EQ(judged({{20, taking("v1", beside)}, {20, taking("v2", {})}}, plan_without_latency())
                  .verdict,
              Outcome::pass);
}

TEST(UntoldLatency, WhereLatencyIsNotJudgedASlowVersionPasses) {
  const std::vector<std::pair<int, Alike>> streams = {{20, taking("v1", 20ms)},
                                                      {20, taking("v2", 3s)}};
  const RolloutStatus status = judged(streams, plan_without_latency());
  EXPECT_EQ(status.verdict, Outcome::pass) << status.why;
  EngineRig rig(plan_by_default());
  for (const auto& [per_second, alike] : streams) rig.stream(alike.version, per_second, alike);
  rig.push(gate(rig.now()));
  rig.run(122s);
  EXPECT_EQ(rig.orders.size(), 1U) << "else it is rolled back";
}

TEST(UntoldLatency, WhereLatencyIsNotJudgedErrorsAreStillCompared) {
  EngineRig rig(plan_without_latency());
  rig.stream("v1", 40, taking("v1", {}));
  rig.stream("v2", 40, taking("v2", {}));
  rig.stream("failed", 2, {.version = "v2", .status = 500, .latency = {}});
  rig.push(gate(rig.now(), 5min));
  rig.run(4min);
  ASSERT_EQ(rig.orders.size(), 1U) << rollout(rig).why;
  EXPECT_THAT(rollout(rig).why, HasSubstr("errors"));
}

TEST(UntoldLatency, AStepIsHeldForThatStepAlone) {
  Plan plan = plan_by_default();
  plan.services[0].rollout.warm_up = 10s;
  EngineRig rig(std::move(plan));
  rig.stream("v1", 40, taking("v1", 20ms));
  rig.stream("v2", 10, taking("v2", 20ms));
  RolloutStarted started = gate(rig.now(), {});
  started.steps = *parse_steps("20% for 1m max 2m, 50% for 1m max 2m, 100%");
  rig.push(Deployment{
      .service = "shop", .at = rig.now(), .id = "d1", .versions = {{"v2", 20}, {"v1", 80}}});
  rig.push(started);
  rig.run(70s);
  rig.stream("v1", 25, taking("v1", {}));
  rig.stream("v2", 25, taking("v2", {}));
  rig.push(Deployment{
      .service = "shop", .at = rig.now(), .id = "d2", .versions = {{"v2", 50}, {"v1", 50}}});
  rig.run(125s);
  EXPECT_EQ(rollout(rig).step, 1U) << rollout(rig).why;
  EXPECT_EQ(rollout(rig).state, RolloutState::held);
  EXPECT_EQ(rollout(rig).held, HoldReason::unknown);
  EXPECT_THAT(rollout(rig).why, HasSubstr("requests of v2 in this step told how long it took"));
}

TEST(UntoldLatency, RulesOfOnesOwnDecideAlone) {
  Plan plan = EngineRig::plan_of(
      {}, {make_rule("errors", "error rate > 5% over 10s, min 20 requests", "rollback")});
  EXPECT_EQ(judged({{20, taking("v1", {})}, {20, taking("v2", {})}}, plan).verdict, Outcome::pass);
  plan.services[0].rollout.is_judged_by_default = true;
  EXPECT_EQ(judged({{20, taking("v1", {})}, {20, taking("v2", {})}}, plan).verdict,
            Outcome::unknown);
}

TEST(UntoldLatency, AfterAPromotionNothingAlertsOnWhatIsNotJudged) {
  for (const bool judges : {true, false}) {
    Plan plan = judges ? plan_by_default() : plan_without_latency();
    plan.services[0].rollout.watch_for = 10min;
    EngineRig rig(std::move(plan));
    rig.stream("v1", 20, taking("v1", 20ms));
    rig.stream("v2", 20, taking("v2", 20ms));
    RolloutStarted started = gate(rig.now(), {});
    started.steps = *parse_steps("100% for 2m");
    rig.push(started);
    rig.run(122s);
    ASSERT_EQ(rollout(rig).state, RolloutState::promoted) << rollout(rig).why;
    rig.stream("v2", 20, taking("v2", 3s));
    rig.run(3min);
    EXPECT_EQ(rig.notices_of(Notice::Kind::fired).empty(), !judges);
  }
}

}  // namespace
}  // namespace belay::rules
