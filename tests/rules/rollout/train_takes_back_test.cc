// Rollouts of a train beside others of their services: what is taken back, and whose turn it is.

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/rules/rollout/train_world.h"

namespace belay::rules {
namespace {

/// A gate on v3 of the gateway, in place of v2 or beside it.
RolloutStarted newer_gate(const TrainWorld& world) {
  return {.at = world.rig.now(),
          .service = "gateway",
          .candidate = "v3",
          .baseline = "v1",
          .lasts = 10min,
          .id = "33333333-3333-4333-8333-333333333333"};
}

RolloutStatus of_gateway_in_train(const TrainWorld& world) {
  for (const RolloutStatus& status : world.rig.service("gateway").past)
    if (!status.train.empty()) return status;
  return world.status("gateway");
}

/// Whether the rules of a rollout are judged on the gateway.
bool is_judged_by_gate(const TrainWorld& world) {
  const std::vector<RuleStatus> rules = world.rig.service("gateway").rules;
  return std::any_of(rules.begin(), rules.end(),
                     [](const RuleStatus& rule) { return rule.rule == "errors"; });
}

TEST(TrainTakesBack, WhatWasPromotedIsTakenBackAlthoughANewerOneNeverBegan) {
  for (const bool is_aborted : {false, true}) {
    TrainWorld world({.takes_all_back = true});
    world.begin();
    ASSERT_TRUE(world.run_until("orders", RolloutState::baking));
    RolloutStarted newer = newer_gate(world);
    newer.steps = *parse_steps("10% for 8s, 100%");
    newer.is_driving = true;
    if (!is_aborted) newer.mode = Mode::observe;  // It is refused.
    world.rig.push(newer);
    if (is_aborted)
      world.rig.push(OperatorCommand{.kind = OperatorCommand::Kind::abort,
                                     .at = world.rig.now(),
                                     .rollout = newer.id,
                                     .by = "ann",
                                     .reason = ""});
    world.bad = {"orders"};
    ASSERT_TRUE(world.run_until("orders", RolloutState::recovered));
    world.run(30s);
    EXPECT_EQ(world.rollbacks, (std::vector<std::string>{"orders", "gateway"}));
    EXPECT_EQ(of_gateway_in_train(world).state, RolloutState::recovered);
  }
}

TEST(TrainTakesBack, WhatWasPromotedIsTakenBackUnlessANewerOneHasItsTraffic) {
  for (const bool has_traffic : {false, true}) {
    TrainWorld world({.takes_all_back = true});
    world.begin();
    ASSERT_TRUE(world.run_until("orders", RolloutState::baking));
    world.rig.push(newer_gate(world));
    if (has_traffic) world.deployed["gateway"] = "v3";
    world.bad = {"orders"};
    ASSERT_TRUE(world.run_until("orders", RolloutState::recovered));
    world.run(30s);
    const std::vector<std::string> both = {"orders", "gateway"};
    EXPECT_EQ(world.rollbacks, has_traffic ? std::vector<std::string>{"orders"} : both);
    EXPECT_EQ(of_gateway_in_train(world).state,
              has_traffic ? RolloutState::superseded : RolloutState::recovered);
    EXPECT_EQ(world.status("gateway").state, RolloutState::baking) << "v3 is judged on";
    EXPECT_EQ(world.status("gateway").candidate, "v3");
  }
}

TEST(TrainTakesBack, WhatBelayMovesTrafficToIsInItsPlaceBeforeAnybodyReadsIt) {
  TrainWorld world({.takes_all_back = true});
  world.begin();
  ASSERT_TRUE(world.run_until("orders", RolloutState::baking));
  world.unread = {"gateway"};
  RolloutStarted newer = newer_gate(world);
  newer.baseline = "v2";
  newer.steps = *parse_steps("10% for 5m, 100%");
  newer.is_driving = true;
  world.rig.push(newer);
  world.bad = {"orders"};
  ASSERT_TRUE(world.run_until("orders", RolloutState::recovered));
  ASSERT_EQ(world.status("gateway").step, 0U);
  ASSERT_NE(world.status("gateway").state, RolloutState::preflight) << "10 % are there";
  world.run(30s);
  EXPECT_EQ(world.rollbacks, std::vector<std::string>{"orders"});
  EXPECT_EQ(of_gateway_in_train(world).state, RolloutState::superseded);
}

TEST(TrainTakesBack, WhatIsTakenBackIsNotWatchedAsPromotedAnyMore) {
  TrainWorld world({.takes_all_back = true, .watch_for = 30min});
  world.begin();
  ASSERT_TRUE(world.run_until("orders", RolloutState::baking));
  world.bad = {"orders"};
  ASSERT_TRUE(world.run_until("orders", RolloutState::recovered));
  EXPECT_TRUE(is_judged_by_gate(world));
  world.run(100s);
  ASSERT_EQ(world.status("gateway").state, RolloutState::recovered);
  EXPECT_FALSE(is_judged_by_gate(world));
}

TEST(TrainTakesBack, WhatIsSentAgainAfterItsPromotionIsNotTheTrainsAnyMore) {
  TrainWorld world({.takes_all_back = true});
  world.begin();
  ASSERT_TRUE(world.run_until("orders", RolloutState::baking));
  RolloutStarted again = newer_gate(world);
  again.candidate = "v2";
  world.rig.push(again);
  world.bad = {"orders"};
  ASSERT_TRUE(world.run_until("orders", RolloutState::recovered));
  world.run(30s);
  EXPECT_EQ(world.rollbacks, std::vector<std::string>{"orders"});
  EXPECT_EQ(of_gateway_in_train(world).state, RolloutState::superseded);
}

TEST(TrainTakesBack, AReadingOfBeforeItsLastStepDoesNotSayThatItIsGone) {
  TrainWorld world({.takes_all_back = true});
  world.unread = {"gateway"};
  world.bad = {"orders"};
  world.begin();
  world.run_out();
  EXPECT_EQ(world.rollbacks, (std::vector<std::string>{"orders", "gateway"}));
}

TEST(TrainTakesBack, NorDoesOneOfAPlatformThatCannotBeRead) {
  for (const bool is_read : {false, true}) {
    TrainWorld world({.takes_all_back = true, .has_platform = true});
    world.begin();
    ASSERT_TRUE(world.run_until("orders", RolloutState::baking));
    world.quiet = {"orders"};
    world.run(40s);
    world.deployed["gateway"] = "v1";
    world.run(2s);
    world.deployed.clear();
    world.unread = {"gateway"};
    if (!is_read) world.rig.say(TrainWorld::kPlatform, SourceHealth::refused);
    world.quiet.clear();
    world.bad = {"orders"};
    world.run_out();
    EXPECT_EQ(world.rollbacks, is_read ? std::vector<std::string>{"orders"}
                                       : (std::vector<std::string>{"orders", "gateway"}));
  }
}

TEST(TrainTakesBack, AMoveOfAnEarlierRolloutIsNoTrafficOfOneThatWaitsForItsTurn) {
  TrainWorld world({});
  world.answers = false;
  RolloutStarted earlier = newer_gate(world);
  earlier.steps = *parse_steps("10% for 8s, 100%");
  earlier.is_driving = true;
  world.rig.push(earlier);
  world.run(3s);
  ASSERT_EQ(world.rig.orders.size(), 1U) << "it is on its way";
  world.rig.push(OperatorCommand{.kind = OperatorCommand::Kind::abort,
                                 .at = world.rig.now(),
                                 .rollout = earlier.id,
                                 .by = "ann",
                                 .reason = ""});
  world.rig.push(world.asked("orders", "r2"));
  RolloutStarted joins = world.asked("gateway", "r2");
  joins.after = {"orders"};
  world.rig.push(joins);
  world.run(2s);
  EXPECT_EQ(world.status("gateway").state, RolloutState::pending);
  EXPECT_EQ(world.status("gateway").why, "waits for orders");
}

}  // namespace
}  // namespace belay::rules
