// Rollouts of a train whose service the configuration does not know by that name any more.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/rollout/train_world.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;

TEST(LeftOverInATrain, StopsItWhereItsServiceHasAnotherName) {
  for (const bool is_promoted : {false, true}) {
    TrainWorld world({.takes_all_back = true});
    world.begin();
    ASSERT_TRUE(world.run_until(is_promoted ? "orders" : "gateway", RolloutState::baking));
    ASSERT_EQ(world.plan.services[0].name, "gateway");
    world.plan.services[0].name = "gw";
    world.plan.services[0].aliases = {"gateway"};
    world.restart();
    world.run(2s);
    const std::string why = "its service is called gw since Belay was restarted";
    if (!is_promoted) {
      EXPECT_EQ(world.states(), "gateway inconclusive; journeys aborted; orders aborted; ");
      EXPECT_EQ(world.status("gateway").why, why + ": nobody judges it");
    } else {
      world.bad = {"orders"};
      world.run_out();
      EXPECT_EQ(world.states(), "gateway failed; journeys aborted; orders recovered; ");
      EXPECT_THAT(world.status("gateway").why, HasSubstr("it is not rolled back: " + why));
    }
    const std::size_t told = world.headlines(why).size();
    EXPECT_GE(told, 1U);
    world.restart();
    world.run(2s);
    EXPECT_EQ(world.headlines(why).size(), told) << "it has ended";
  }
}

TEST(LeftOverInATrain, IsToldAsNotTakenBackWhereWhatFailedHasAnotherName) {
  TrainWorld world({.takes_all_back = true});
  ServicePlan& orders = world.plan.services[2];
  ASSERT_EQ(orders.name, "orders");
  judge_by_default(orders);
  world.restart();
  world.begin();
  ASSERT_TRUE(world.run_until("orders", RolloutState::baking));
  world.bad = {"orders"};
  world.answers = false;
  ASSERT_TRUE(world.run_until("orders", RolloutState::rolling_back)) << world.states();
  orders.name = "till";
  orders.aliases = {"orders"};
  world.restart();
  world.answers = true;
  world.run(10min);
  EXPECT_TRUE(is_final(world.status("orders").state)) << world.states();
  EXPECT_EQ(world.headlines("gateway: v2 stays, although").size(), 1U) << world.states();
}

TEST(LeftOverInATrain, IsNamedAsNotTakenBack) {
  TrainWorld world({.takes_all_back = true});
  world.begin();
  ASSERT_TRUE(world.run_until("orders", RolloutState::baking));
  ASSERT_EQ(world.status("gateway").state, RolloutState::promoted);
  std::erase_if(world.plan.services, [](const auto& one) { return one.name == "gateway"; });
  world.restart();
  ASSERT_EQ(world.status("gateway").state, RolloutState::promoted) << "it stays in its train";
  world.bad = {"orders"};
  world.run_out();
  EXPECT_EQ(world.states(), "gateway failed; journeys aborted; orders recovered; ");
  EXPECT_EQ(world.rollbacks, std::vector<std::string>{"orders"});
  const auto told = world.headlines("gateway: v2: fail: its train r1 failed: orders v2");
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(told[0].find("it is not rolled back: its service is not in the configuration"),
            std::string::npos)
      << told[0];
  world.restart();
  EXPECT_EQ(world.status("gateway").state, RolloutState::failed) << "the train is not settled";
  world.rig.push(world.asked("gateway", ""));
  world.run(2s);
  EXPECT_EQ(world.status("gateway").state, RolloutState::inconclusive) << "nothing begins there";
  EXPECT_EQ(world.status("gateway").why, "its service is not in the configuration");
}

TEST(LeftOverInATrain, IsToldWhereNobodyTakesItBackAfterARestart) {
  TrainWorld world({.takes_all_back = true});
  for (ServicePlan& service : world.plan.services) service.rollout_rules[0].name = "http";
  world.restart();
  world.begin();
  ASSERT_TRUE(world.run_until("orders", RolloutState::baking));
  world.answers = false;
  world.bad = {"orders"};
  ASSERT_TRUE(world.run_until("orders", RolloutState::rolling_back));
  std::erase_if(world.plan.services, [](const auto& one) { return one.name == "orders"; });
  world.restart();
  world.run(5s);
  EXPECT_EQ(world.headlines("gateway: v2 stays, although").size(), 1U);
  world.restart();
  world.run(5s);
  EXPECT_EQ(world.headlines("gateway: v2 stays, although").size(), 1U) << "told before";
}

TEST(LeftOverInATrain, EndsWhereItWasJudged) {
  TrainWorld world({});
  world.begin();
  ASSERT_TRUE(world.run_until("gateway", RolloutState::baking));
  std::erase_if(world.plan.services, [](const auto& one) { return one.name == "gateway"; });
  world.restart();
  world.run(5s);
  EXPECT_EQ(world.states(), "gateway inconclusive; journeys aborted; orders aborted; ");
  EXPECT_EQ(world.status("gateway").why,
            "its service is not in the configuration: nobody judges it");
}

}  // namespace
}  // namespace belay::rules
