// What a rule finds of a service after its promotion, while its train is under way.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/rollout/train_world.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;

/// The gateway turns bad for so long after its promotion, and the orders join its train.
void join_bad_gateway(TrainWorld& world, Duration bad_for) {
  world.restart();
  world.rig.push(world.asked("gateway", "r1"));
  world.run(2s);
  ASSERT_TRUE(world.run_until("gateway", RolloutState::promoted));
  world.bad = {"gateway"};
  world.run(bad_for);
  world.rig.push(world.asked("orders", "r1"));
  world.run(2s);
  ASSERT_EQ(world.status("orders").state, RolloutState::pending);
}

TEST(PromotedInATrain, HoldsTheOthersWhileItIsBad) {
  TrainWorld world({.watch_for = 10min});
  world.begin();
  ASSERT_TRUE(world.run_until("orders", RolloutState::baking));
  world.bad = {"gateway"};
  world.run(2min);
  EXPECT_EQ(world.status("orders").held, HoldReason::train) << world.states();
  EXPECT_EQ(world.status("journeys").state, RolloutState::pending);
  EXPECT_TRUE(world.rollbacks.empty()) << "what was promoted is paged";
  world.bad = {};
  world.run_out();
  EXPECT_EQ(world.states(), "gateway promoted; journeys promoted; orders promoted; ");
}

TEST(PromotedInATrain, HoldsThemAfterARestartUntilItIsKnown) {
  for (const bool is_quiet : {false, true}) {
    TrainWorld world({.watch_for = 10min});
    ASSERT_EQ(world.plan.services[0].name, "gateway");
    world.plan.services[0].rules = {
        make_rule("5xx", "5xx rate > 50% over 20s, min 20 requests, for 5s", "rollback")};
    ASSERT_NO_FATAL_FAILURE(join_bad_gateway(world, 1min));
    world.restart();
    if (is_quiet) world.quiet = {"gateway"};
    for (int second = 0; second < 60; ++second) {
      world.run(1s);
      ASSERT_EQ(world.status("orders").state, RolloutState::pending) << "after " << second << " s";
      if (second == 10) world.quiet = {};
    }
    world.bad = {};
    EXPECT_TRUE(world.run_until("orders", RolloutState::promoted)) << world.states();
  }
}

TEST(PromotedInATrain, HoldsThemWhileWhatFiredIsUnknown) {
  TrainWorld world({.watch_for = 10min});
  world.begin();
  ASSERT_TRUE(world.run_until("orders", RolloutState::baking));
  world.bad = {"gateway"};
  ASSERT_TRUE(world.run_until("orders", RolloutState::held));
  world.quiet = {"gateway"};
  world.run(1min);
  EXPECT_EQ(world.status("orders").state, RolloutState::held) << "it may have died";
  world.quiet = {};
  world.bad = {};
  world.run_out();
  EXPECT_EQ(world.states(), "gateway promoted; journeys promoted; orders promoted; ");
}

TEST(PromotedInATrain, HoldsThemByTheDefaultJudgementAndAcrossAReload) {
  TrainWorld world({.watch_for = 10min});
  ServicePlan& gateway = world.plan.services[0];
  ASSERT_EQ(gateway.name, "gateway");
  judge_by_default(gateway);
  ASSERT_NO_FATAL_FAILURE(join_bad_gateway(world, 2min));
  EXPECT_THAT(world.status("orders").why, HasSubstr("fires on it now: default/errors"));
  gateway.verify_for = 30s;
  const std::vector<SourceId> ids = {SourceId{0}};
  ASSERT_TRUE(world.rig.engine.adopt(world.plan, ids).ok());
  // Nothing is known at first of what a reload has made anew.
  world.quiet = {"gateway"};
  world.run(5s);
  world.quiet = {};
  world.run(2min);
  EXPECT_EQ(world.status("orders").state, RolloutState::pending);
}

TEST(PromotedInATrain, HoldsNobodyForAnAlertOfTheConfiguration) {
  TrainWorld world({});
  world.plan.services[0].rules.push_back(make_rule("busy", "requests rate > 1/s over 5s"));
  world.restart();
  world.begin();
  world.run_out();
  EXPECT_EQ(world.states(), "gateway promoted; journeys promoted; orders promoted; ");
}

}  // namespace
}  // namespace belay::rules
