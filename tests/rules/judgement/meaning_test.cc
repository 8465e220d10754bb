#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

Alike failing() { return {.status = 500}; }

TEST(JudgeShares, FivePercentOfServerErrorsIsNotMoreThanFivePercent) {
  EngineRig rig({make_rule("errors", "5xx rate > 5% over 1m, min 50 requests")});
  rig.stream("ok", 19);
  rig.stream("bad", 1, failing());
  rig.run(2min);
  const RuleStatus rule = rig.rule("errors");
  EXPECT_EQ(rule.truth, Truth::fine);
  ASSERT_EQ(rule.evidence.size(), 1U);
  EXPECT_DOUBLE_EQ(rule.evidence[0].value, 0.05);
  EXPECT_EQ(rule.evidence[0].what, "5xx rate");
}

TEST(JudgeShares, AreBadAsSoonAsThereIsTheMinimumOfRequests) {
  EngineRig rig({make_rule("errors", "5xx rate > 5% over 1m, min 50 requests")});
  rig.stream("ok", 9);
  rig.stream("bad", 1, failing());
  EXPECT_EQ(rig.time_to_fire("errors", 1min), Duration{5s});
  EXPECT_EQ(rig.rule("errors").evidence[0].denominator, 50U);
}

TEST(JudgeShares, KeepToTheMinimumInTheVeryStepInWhichEventsArrive) {
  // However they come: one by one and late, or counted elsewhere.
  EngineRig rig({make_rule("errors", "5xx rate > 5% over 10s, min 20 requests")});
  rig.run(20s);
  for (int i = 0; i < 9; ++i) rig.push(rig.request(failing(), rig.now() - 4s));
  rig.push(RequestSecond{.like = rig.request(failing(), rig.now()), .count = 10});
  rig.run(250ms);
  EXPECT_EQ(rig.rule("errors").truth, Truth::unknown) << "19";
  EXPECT_FALSE(rig.rule("errors").firing);
  rig.push(rig.request(failing(), rig.now() - 3s));
  rig.run(250ms);
  EXPECT_TRUE(rig.rule("errors").firing);
  EXPECT_EQ(rig.rule("errors").evidence[0].denominator, 20U);
}

TEST(JudgeShares, AreUnknownForWantOfTrafficBelowTheMinimum) {
  EngineRig rig({make_rule("errors", "5xx rate > 5% over 10s, min 50 requests")});
  rig.stream("bad", 4, failing());
  rig.run(1min);
  EXPECT_EQ(rig.rule("errors").truth, Truth::unknown);
  EXPECT_EQ(rig.rule("errors").unknown, UnknownKind::no_traffic);
}

TEST(JudgeRates, OfRequestsIsZeroWhileTheSourceLives) {
  EngineRig rig({make_rule("quiet", "requests rate < 1/s over 10s")});
  rig.run(7s);
  EXPECT_EQ(rig.rule("quiet").truth, Truth::unknown) << "too little of the window is covered";
  rig.run(5s);
  EXPECT_EQ(rig.rule("quiet").truth, Truth::bad);
  EXPECT_DOUBLE_EQ(rig.rule("quiet").evidence[0].value, 0);
}

TEST(JudgeRates, AreUnknownWhenTheSourceIsBlind) {
  EngineRig rig({make_rule("quiet", "requests rate < 1/s over 10s")});
  rig.stream("ok", 10);
  rig.run(30s);
  EXPECT_EQ(rig.rule("quiet").truth, Truth::fine);
  EXPECT_NEAR(rig.rule("quiet").evidence[0].value, 10, 0.2);
  rig.stream("ok", 0);
  rig.set_alive(EngineRig::kTail, false);
  rig.run(4s);
  EXPECT_EQ(rig.rule("quiet").truth, Truth::unknown);
  EXPECT_EQ(rig.rule("quiet").unknown, UnknownKind::blind);
}

TEST(JudgeQuantiles, AreJudgedByCountingWhatIsAboveTheThreshold) {
  EngineRig rig({make_rule("slow", "p95 latency > 250ms over 1m, min 100 requests")});
  rig.stream("fast", 95, {.latency = 250ms});
  rig.stream("slow", 5, {.latency = 251ms});
  rig.run(70s);
  EXPECT_EQ(rig.rule("slow").truth, Truth::fine) << "exactly 5 % are above";
  rig.stream("slow", 6, {.latency = 251ms});
  EXPECT_TRUE(rig.time_to_fire("slow", 1min).has_value());
}

TEST(JudgeQuantiles, SayNoLatencyWhenRequestsComeWithoutADuration) {
  EngineRig rig({make_rule("slow", "p95 latency > 250ms over 10s, min 10 requests")});
  rig.stream("ok", 20, {.latency = std::nullopt});
  rig.run(20s);
  EXPECT_EQ(rig.rule("slow").truth, Truth::unknown);
  EXPECT_EQ(rig.rule("slow").unknown, UnknownKind::no_latency);
}

}  // namespace
}  // namespace belay::rules
