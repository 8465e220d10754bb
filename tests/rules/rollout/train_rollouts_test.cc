// Rollouts of one train: their order, what a fail means for the others, and restarts at any moment.

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "tests/rules/rollout/train_world.h"

namespace belay::rules {
namespace {

TEST(TrainRollouts, EachBeginsWhenThoseBeforeItArePromoted) {
  TrainWorld world({});
  world.begin();
  EXPECT_EQ(world.states(), "gateway preflight; journeys pending; orders pending; ");
  EXPECT_EQ(world.status("journeys").why, "waits for gateway, orders");
  EXPECT_EQ(world.headlines("journeys: v2 waits for gateway, orders in the train r1").size(), 1U);
  world.run(9s);
  EXPECT_EQ(world.states(), "gateway baking; journeys pending; orders pending; ");
  world.run_out();
  EXPECT_EQ(world.states(), "gateway promoted; journeys promoted; orders promoted; ");
  EXPECT_LT(world.status("gateway").ended, world.status("orders").ended);
  EXPECT_LT(world.status("orders").ended, world.status("journeys").ended);
  EXPECT_TRUE(world.rollbacks.empty());
}

TEST(TrainRollouts, AFailStopsTheTrainAndRollsItselfBackAlone) {
  TrainWorld world({});
  world.bad = {"orders"};
  world.begin();
  world.run_out();
  EXPECT_EQ(world.states(), "gateway promoted; journeys aborted; orders recovered; ");
  EXPECT_EQ(world.rollbacks, std::vector<std::string>{"orders"});
  const auto told =
      world.headlines("journeys: v2 does not begin: its train r1 has stopped: orders v2");
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(told[0].find("failed: errors"), std::string::npos) << told[0];
}

TEST(TrainRollouts, AllThatMovedIsTakenBackInReverseOrderEachWithAnIntentOfItsOwn) {
  TrainWorld world({.takes_all_back = true});
  world.bad = {"journeys"};
  world.begin();
  world.run_out();
  EXPECT_EQ(world.states(), "gateway recovered; journeys recovered; orders recovered; ");
  EXPECT_EQ(world.rollbacks, (std::vector<std::string>{"journeys", "orders", "gateway"}));
  std::set<std::string> intents;
  for (const Order& order : world.rig.orders)
    if (std::holds_alternative<RollBack>(order.action)) intents.insert(order.intent);
  EXPECT_EQ(intents.size(), 3U);
  EXPECT_EQ(world
                .headlines("orders: roll back from v2 to v1, because its train r1 failed: "
                           "journeys v2 failed")
                .size(),
            1U);
}

TEST(TrainRollouts, WhatSomeoneElseReplacedIsNotTakenBackAndTheRestIsToldOnce) {
  TrainWorld world({.takes_all_back = true});
  world.begin();
  world.bad = {"journeys"};
  ASSERT_TRUE(world.run_until("journeys", RolloutState::verifying));
  world.deployed["orders"] = "v3";
  world.run_out();
  EXPECT_EQ(world.status("journeys").state, RolloutState::recovered);
  EXPECT_EQ(world.status("orders").state, RolloutState::superseded);
  EXPECT_EQ(world.status("gateway").state, RolloutState::promoted);
  EXPECT_EQ(world.rollbacks, std::vector<std::string>{"journeys"});
  const auto told = world.headlines("gateway: v2 stays, although its train r1 is to be taken back");
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(told[0].find("orders v2 is superseded"), std::string::npos) << told[0];
  world.restart();
  world.run(20s);
  EXPECT_EQ(world.headlines("gateway: v2 stays").size(), 1U) << "a restart tells it no second time";
}

TEST(TrainRollouts, WhatIsDisarmedIsNotTakenBackAndTheChainEnds) {
  TrainWorld world({.takes_all_back = true});
  world.bad = {"journeys"};
  world.begin();
  ASSERT_TRUE(world.run_until("journeys", RolloutState::verifying));
  ASSERT_EQ(world.status("orders").state, RolloutState::promoted) << world.states();
  world.rig.push(Disarmed{
      .at = world.rig.now(), .service = "orders", .until = world.rig.now() + 5min, .by = "ann"});
  world.run_out();
  EXPECT_EQ(world.status("orders").state, RolloutState::failed);
  EXPECT_NE(world.status("orders").why.find("it could not be rolled back: disarmed until "),
            std::string::npos)
      << world.status("orders").why;
  EXPECT_EQ(world.status("gateway").state, RolloutState::promoted);
  EXPECT_EQ(world.rollbacks, std::vector<std::string>{"journeys"});
  world.run(10min);
  EXPECT_EQ(world.rollbacks.size(), 1U) << "nothing is made up for when it is armed again";
}

TEST(TrainRollouts, WhatWasPromotedIsNotTakenBackOnceTheModeOfItsServiceIsLowered) {
  for (const Mode mode : {Mode::recommend, Mode::observe}) {
    TrainWorld world({.takes_all_back = true});
    world.begin();
    ASSERT_TRUE(world.run_until("orders", RolloutState::baking));
    const std::vector<SourceId> ids = {SourceId{0}};
    Plan lowered = world.plan;
    lowered.services[0].mode = mode;
    ASSERT_EQ(lowered.services[0].name, "gateway");
    ASSERT_TRUE(world.rig.engine.adopt(lowered, ids).ok());
    world.bad = {"orders"};
    world.run_out();
    EXPECT_EQ(world.rollbacks, std::vector<std::string>{"orders"});
    EXPECT_EQ(world.status("gateway").state, RolloutState::failed);
    EXPECT_EQ(world.headlines("gateway: would roll back").size(),
              mode == Mode::recommend ? 1U : 0U);
    for (const Notice& notice : world.notices)
      if (notice.kind == Notice::Kind::would_act) {
        EXPECT_EQ(notice.candidate, "v2");
      }
    EXPECT_NE(world.status("gateway").why.find("it is not rolled back: its mode"),
              std::string::npos);
  }
}

TEST(TrainRollouts, AServiceIsNotTakenOutOfTheConfigurationWhileItsTrainIsUnderWay) {
  TrainWorld world({.takes_all_back = true});
  world.begin();
  ASSERT_TRUE(world.run_until("journeys", RolloutState::baking));
  world.bad = {"journeys"};
  ASSERT_TRUE(world.run_until("orders", RolloutState::verifying));
  Plan without = world.plan;
  std::erase_if(without.services, [](const auto& one) { return one.name == "gateway"; });
  const std::vector<SourceId> ids = {SourceId{0}};
  const Status refused = world.rig.engine.adopt(without, ids);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("gateway is in the train r1, which is not over"),
            std::string::npos)
      << refused.error().message;
  world.run_out();
  EXPECT_EQ(world.rollbacks, (std::vector<std::string>{"journeys", "orders", "gateway"}));
  EXPECT_TRUE(world.rig.engine.adopt(without, ids).ok());
}

TEST(TrainRollouts, AModeThatIsLoweredAndRaisedAgainLeavesTheTrainAsItBegan) {
  TrainWorld world({.takes_all_back = true});
  world.begin();
  ASSERT_TRUE(world.run_until("orders", RolloutState::baking));
  const std::vector<SourceId> ids = {SourceId{0}};
  Plan lowered = world.plan;
  lowered.services[0].mode = Mode::observe;
  ASSERT_TRUE(world.rig.engine.adopt(lowered, ids).ok());
  world.run(1s);
  ASSERT_TRUE(world.rig.engine.adopt(world.plan, ids).ok());
  world.bad = {"orders"};
  world.run_out();
  EXPECT_EQ(world.rollbacks, (std::vector<std::string>{"orders", "gateway"}));
}

TEST(TrainRollouts, AnAbortedTrainMovesNothingMore) {
  TrainWorld world({.takes_all_back = true});
  world.begin();
  world.run(4s);
  world.rig.push(OperatorCommand{.kind = OperatorCommand::Kind::abort,
                                 .at = world.rig.now(),
                                 .rollout = "",
                                 .by = "ann",
                                 .reason = "",
                                 .train = "r1"});
  world.run_out();
  EXPECT_EQ(world.states(), "gateway aborted; journeys aborted; orders aborted; ");
  EXPECT_TRUE(world.rollbacks.empty()) << "what is live stays";
}

TEST(TrainRollouts, WhatIsPausedBeforeItsTurnWaitsBeforeItsFirstStep) {
  for (const bool is_restarted : {false, true}) {
    TrainWorld world({});
    world.begin();
    ASSERT_EQ(world.status("orders").state, RolloutState::pending);
    const auto command = [&world](OperatorCommand::Kind kind) {
      world.rig.push(OperatorCommand{
          .kind = kind, .at = world.rig.now(), .rollout = world.status("orders").id, .by = "ann"});
      world.run(1s);
    };
    command(OperatorCommand::Kind::pause);
    if (is_restarted) world.restart();
    ASSERT_TRUE(world.run_until("gateway", RolloutState::promoted));
    ASSERT_TRUE(world.run_until("orders", RolloutState::held));
    EXPECT_EQ(world.status("orders").held, HoldReason::paused);
    EXPECT_EQ(world.live.at("orders"), 0);
    command(OperatorCommand::Kind::resume);
    EXPECT_TRUE(world.run_until("orders", RolloutState::promoted));
  }
}

TEST(TrainRollouts, WhatAPersonRollsBackIsAFailOfTheTrain) {
  for (const bool takes_all_back : {false, true}) {
    TrainWorld world({.takes_all_back = takes_all_back});
    world.begin();
    ASSERT_TRUE(world.run_until("orders", RolloutState::baking));
    world.rig.push(OperatorCommand{.kind = OperatorCommand::Kind::rollback,
                                   .at = world.rig.now(),
                                   .rollout = world.status("orders").id,
                                   .by = "ann",
                                   .reason = ""});
    world.run_out();
    EXPECT_EQ(world.status("journeys").state, RolloutState::aborted);
    EXPECT_EQ(world.status("orders").state, RolloutState::recovered);
    const std::vector<std::string> all = {"orders", "gateway"};
    EXPECT_EQ(world.rollbacks, takes_all_back ? all : std::vector<std::string>{"orders"});
  }
}

TEST(TrainRollouts, AllOrNone) {
  TrainWorld world({});
  TrainStarted started{.at = world.rig.now(), .name = "r1", .rollouts = {}};
  for (const char* service : {"gateway", "nobody"})
    started.rollouts.push_back(world.asked(service, "r1"));
  world.rig.push(started);
  world.run(2s);
  EXPECT_FALSE(world.rig.service("gateway").rollout);
  EXPECT_EQ(world.headlines("the train r1 does not begin: there is no service nobody").size(), 1U);
}

TEST(TrainRollouts, AskedForAgainItIsTheSameTrain) {
  TrainWorld world({});
  world.begin();
  world.run(5s);
  world.begin();
  EXPECT_EQ(world.headlines("does not begin").size(), 0U);
  EXPECT_TRUE(world.rig.service("gateway").past.empty());
}

TEST(TrainRollouts, OneByOneTheyAreOneTrainAsWell) {
  TrainWorld world({.takes_all_back = true});
  world.rig.push(world.asked("orders", "r1"));
  world.run(2s);
  EXPECT_EQ(world.status("orders").state, RolloutState::baking)
      << "what is not in the train is not waited for";
  world.run(20s);
  ASSERT_EQ(world.status("orders").state, RolloutState::promoted);
  world.bad = {"journeys"};
  world.rig.push(world.asked("journeys", "r1"));
  EXPECT_TRUE(world.run_until("orders", RolloutState::recovered));
  EXPECT_EQ(world.status("orders").state, RolloutState::recovered) << "it was of the same train";
}

TEST(TrainRollouts, ATrainOfYesterdayByTheSameNameIsAnotherOne) {
  TrainWorld world({.takes_all_back = true});
  world.rig.push(world.asked("orders", "nightly"));
  world.run(20s);
  ASSERT_EQ(world.status("orders").state, RolloutState::promoted);
  world.rig.run(61min);
  world.bad = {"journeys"};
  world.rig.push(world.asked("journeys", "nightly"));
  world.run(60s);
  EXPECT_EQ(world.status("journeys").state, RolloutState::recovered);
  EXPECT_EQ(world.status("orders").state, RolloutState::promoted);
}

TEST(TrainRollouts, AnAttachedOneThatHasTrafficBeforeItsTurnIsJudgedAtOnce) {
  TrainWorld world({.is_driving = false});
  world.begin();
  EXPECT_EQ(world.status("orders").state, RolloutState::pending);
  world.live["orders"] = 50;
  world.bad = {"orders"};
  world.run(3s);
  EXPECT_EQ(world.status("orders").state, RolloutState::baking);
  world.run(10s);
  EXPECT_EQ(world.rollbacks, std::vector<std::string>{"orders"});
}

TEST(TrainRollouts, ARestartAtAnySecondKeepsItsOrderAndTakesBackOnce) {
  for (int second = 1; second < 130; second += 2) {
    SCOPED_TRACE("restarted after " + std::to_string(second) + " s");
    TrainWorld world({.takes_all_back = true});
    world.bad = {"journeys"};
    world.begin();
    world.run(std::chrono::seconds{second});
    world.restart();
    world.run_out();
    EXPECT_EQ(world.states(), "gateway recovered; journeys recovered; orders recovered; ");
    EXPECT_EQ(world.rollbacks, (std::vector<std::string>{"journeys", "orders", "gateway"}));
  }
}

TEST(TrainRollouts, WhateverGoesWrongEachIsTakenBackOnceAtTheMostAndInOrder) {
  for (std::uint32_t seed = 1; seed <= 25 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    TrainWorld world({.takes_all_back = random() % 2 == 0});
    for (const std::string& service : TrainWorld::services())
      if (random() % 3 == 0) world.bad.insert(service);
    world.begin();
    for (int i = 0; i < 12; ++i) {
      world.answers = random() % 4 != 0;
      world.run(std::chrono::seconds{random() % 20});
      if (random() % 3 == 0) world.restart();
    }
    world.answers = true;
    world.run_out();
    const std::set<std::string> once(world.rollbacks.begin(), world.rollbacks.end());
    EXPECT_EQ(once.size(), world.rollbacks.size()) << "one rollback a rollout";
    const auto rank = [](const std::string& service) {
      return service == "gateway" ? 0 : (service == "orders" ? 1 : 2);
    };
    EXPECT_TRUE(std::is_sorted(world.rollbacks.begin(), world.rollbacks.end(),
                               [&](const auto& a, const auto& b) { return rank(a) > rank(b); }));
    for (const std::string& service : TrainWorld::services()) {
      const RolloutState state = world.status(service).state;
      EXPECT_TRUE(is_final(state)) << world.states();
      EXPECT_TRUE(!once.contains(service) || state != RolloutState::promoted)
          << "never both promoted and rolled back";
    }
  }
}

}  // namespace
}  // namespace belay::rules
