// Sentences that are asked before the first step.

#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

constexpr const char* kId = "11111111-1111-4111-8111-111111111111";

struct World {
  World() {
    rig.stream("v1", 20, {.version = "v1"});
    rig.run(15s);
  }
  static Plan plan() {
    Plan plan = EngineRig::plan_of(
        {}, {make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s", "rollback")});
    plan.services[0].preflight_rules = {
        make_rule("calm", "p95 latency > 100ms over 10s, min 20 requests")};
    return plan;
  }
  void begin() {
    rig.push(RolloutStarted{.at = rig.now(),
                            .service = "shop",
                            .candidate = "v2",
                            .baseline = "v1",
                            .id = kId,
                            .steps = *parse_steps("10% for 20s, 100%"),
                            .is_driving = true});
    rig.run(15s);
  }
  [[nodiscard]] RolloutStatus rollout() const { return *rig.service().rollout; }
  EngineRig rig{plan()};
};

TEST(PreflightSentence, ThatIsFineLetsTheFirstStepBegin) {
  World world;
  world.begin();
  EXPECT_EQ(world.rig.orders.size(), 1U);
}

TEST(PreflightSentence, ThatIsBadHoldsUntilItIsFine) {
  World world;
  world.rig.stream("v1", 20, {.version = "v1", .latency = 300ms});
  world.rig.run(10s);
  world.begin();
  EXPECT_TRUE(world.rig.orders.empty());
  EXPECT_EQ(world.rollout().held, HoldReason::preflight);
  EXPECT_NE(world.rollout().why.find("calm is bad: p95 latency"), std::string::npos)
      << world.rollout().why;
  world.rig.stream("v1", 20, {.version = "v1"});
  world.rig.run(15s);
  EXPECT_EQ(world.rig.orders.size(), 1U) << "and goes on by itself";
}

TEST(PreflightSentence, ThatIsNotKnownHoldsToo) {
  World world;
  world.rig.stream("v1", 0);
  world.rig.run(15s);
  world.begin();
  EXPECT_TRUE(world.rig.orders.empty());
  EXPECT_NE(world.rollout().why.find("calm is not known"), std::string::npos)
      << world.rollout().why;
}

TEST(PreflightSentence, KeepsItsWindowWhenAGateEnds) {
  World world;
  world.rig.push(RolloutStarted{
      .at = world.rig.now(), .service = "shop", .candidate = "v3", .baseline = "v1", .lasts = 12s});
  world.rig.run(20s);
  world.begin();
  EXPECT_EQ(world.rig.orders.size(), 1U);
}

TEST(PreflightSentence, IsSaidWhereSomeoneElseMovesTheTraffic) {
  World world;
  world.rig.stream("v1", 20, {.version = "v1", .latency = 300ms});
  world.rig.run(10s);
  world.rig.push(RolloutStarted{.at = world.rig.now(),
                                .service = "shop",
                                .candidate = "v2",
                                .baseline = "v1",
                                .lasts = 1min});
  world.rig.run(1s);
  const auto told = world.rig.notices_of(Notice::Kind::rollout_started);
  ASSERT_EQ(told.size(), 1U);
  bool is_said = false;
  for (const std::string& line : told[0].details)
    is_said = is_said || line.starts_with("before it begins, calm is bad: p95 latency");
  EXPECT_TRUE(is_said);
}

}  // namespace
}  // namespace belay::rules
