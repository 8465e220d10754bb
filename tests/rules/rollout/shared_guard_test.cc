// Two services that share a guard roll out at the same time.

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/rules/rollout/train_world.h"

namespace belay::rules {
namespace {

/// "gateway" calls "orders" and "journeys".
class SharedGuard : public testing::Test {
 protected:
  void begin(const std::string& service, const std::string& steps) {
    RolloutStarted asked = world_.asked(service, "");
    asked.steps = *parse_steps(steps);
    world_.rig.push(asked);
    world_.run(2s);
  }
  void abort(const std::string& service) {
    world_.rig.push(OperatorCommand{.kind = OperatorCommand::Kind::abort,
                                    .at = world_.rig.now(),
                                    .rollout = world_.status(service).id,
                                    .by = "",
                                    .reason = ""});
  }
  void begin_both() {
    begin("orders", "50% for 60s max 300s, 100% for 60s max 300s");
    begin("journeys", "50% for 60s max 300s, 100% for 60s max 300s");
    world_.run(4s);
  }
  [[nodiscard]] std::vector<std::string> pages(const std::string& part) const {
    std::vector<std::string> services;
    for (const Notice& notice : world_.notices)
      if (notice.page && notice.headline.find(part) != std::string::npos)
        services.push_back(notice.service);
    std::sort(services.begin(), services.end());
    services.erase(std::unique(services.begin(), services.end()), services.end());
    return services;
  }

  const std::vector<std::string> none_;
  const std::vector<std::string> orders_ = {"orders"};
  TrainWorld world_{{.guards = {{"orders", {"gateway"}}, {"journeys", {"gateway"}}}}};
};

TEST_F(SharedGuard, BothAreHeldAndEachPageNamesTheOther) {
  begin_both();
  world_.gateway_status = 500;
  world_.run(20s);
  EXPECT_EQ(world_.rollbacks, none_);
  EXPECT_EQ(world_.status("orders").held, HoldReason::shared_cause);
  EXPECT_EQ(world_.status("journeys").held, HoldReason::shared_cause);
  EXPECT_EQ(pages("fires while both orders (v2) and journeys (v2) roll out: which of them, nobody "
                  "can tell"),
            orders_)
      << "orders names journeys";
  EXPECT_EQ(pages("fires while both journeys (v2) and orders (v2) roll out"),
            std::vector<std::string>{"journeys"});
  EXPECT_EQ(world_.headlines("shared cause: ").size(), 4U)
      << "once for each of two rules, in each of two services";
  EXPECT_NE(world_.status("orders").why.find("both orders (v2) and journeys (v2)"),
            std::string::npos)
      << world_.status("orders").why;
}

TEST_F(SharedGuard, BothGoOnByThemselvesWhenItClears) {
  begin_both();
  world_.gateway_status = 500;
  world_.run(20s);
  world_.gateway_status = 200;
  EXPECT_TRUE(world_.run_until("orders", RolloutState::promoted)) << world_.states_of("orders");
  EXPECT_TRUE(world_.run_until("journeys", RolloutState::promoted)) << world_.states_of("journeys");
  EXPECT_EQ(world_.rollbacks, none_);
}

TEST_F(SharedGuard, EachSpellIsToldAnew) {
  begin_both();
  for (const std::size_t told : {4U, 8U}) {
    world_.gateway_status = 500;
    world_.run(15s);
    world_.gateway_status = 200;
    world_.run(15s);
    EXPECT_EQ(world_.headlines("shared cause: ").size(), told);
  }
}

TEST_F(SharedGuard, OneWhoseFirstMoveIsUnclearMayHaveDoneIt) {
  begin("orders", "50% for 60s max 300s, 100% for 60s max 300s");
  world_.run(4s);
  world_.answers = false;
  begin("journeys", "50% for 60s max 300s, 100% for 60s max 300s");
  world_.run(4s);
  world_.gateway_status = 500;
  world_.run(15s);
  EXPECT_EQ(world_.rollbacks, none_);
  ASSERT_EQ(pages("both orders (v2) and journeys (v2) roll out"), orders_);
  world_.answers = true;
  world_.run(8s);
  EXPECT_EQ(world_.rollbacks, none_)
      << "nobody knows whether the answer was later than the traffic";
  EXPECT_EQ(world_.status("orders").held, HoldReason::shared_cause);
  EXPECT_EQ(world_.status("journeys").held, HoldReason::shared_cause);
}

TEST_F(SharedGuard, WhoeverIsConvictedByItsOwnRulesIsRolledBackAndTheOtherOneGoesOn) {
  begin_both();
  world_.gateway_status = 500;
  world_.run(8s);
  world_.bad = {"orders"};
  ASSERT_TRUE(world_.run_until("orders", RolloutState::rolling_back)) << world_.states_of("orders");
  world_.run(3s);
  world_.gateway_status = 200;
  EXPECT_TRUE(world_.run_until("journeys", RolloutState::promoted)) << world_.states_of("journeys");
  EXPECT_EQ(world_.rollbacks, orders_);
}

TEST_F(SharedGuard, WhatStaysBadIsNotTheOthersWhileTheOneRolledBackIsVerified) {
  begin_both();
  world_.gateway_status = 500;
  world_.run(8s);
  world_.bad = {"orders"};
  ASSERT_TRUE(world_.run_until("orders", RolloutState::verifying)) << world_.states_of("orders");
  while (world_.status("orders").state == RolloutState::verifying) {
    EXPECT_EQ(world_.rollbacks, orders_);
    world_.run(1s);
  }
  world_.run(3s);
  EXPECT_EQ(world_.rollbacks, orders_) << "what is looked at is still of when it was there";
  ASSERT_TRUE(world_.run_until("journeys", RolloutState::rolling_back))
      << "then it counts by itself: " << world_.states_of("journeys");
}

TEST_F(SharedGuard, OneThatFiresFirstWhileTheOtherIsVerifiedIsNotBlamedEither) {
  begin_both();
  world_.bad = {"orders"};
  ASSERT_TRUE(world_.run_until("orders", RolloutState::verifying)) << world_.states_of("orders");
  world_.gateway_status = 500;
  world_.run(8s);
  EXPECT_EQ(world_.rollbacks, orders_);
  EXPECT_EQ(pages("journeys (v2) and orders (v2, being rolled back) may be why: which of them"),
            std::vector<std::string>{"journeys"});
}

TEST_F(SharedGuard, OneThatBeganWhenItWasBadAlreadyLeavesItToTheEarlierOne) {
  ServicePlan& gateway = world_.plan.services[0];
  gateway.rules.clear();
  gateway.rollout_rules = {
      make_rule("errors", "error rate > 5% over 5s, min 20 requests, for 15s", "rollback")};
  world_.rig = EngineRig(world_.plan);
  world_.run(12s);
  begin("orders", "50% for 60s max 300s, 100% for 60s max 300s");
  world_.run(4s);
  world_.gateway_status = 500;
  world_.run(4s);
  begin("journeys", "50% for 60s max 300s, 100% for 60s max 300s");
  world_.run(4s);
  ASSERT_EQ(world_.rollbacks, none_) << "it does not fire yet";
  ASSERT_EQ(world_.live["journeys"], 50);
  world_.run(8s);
  EXPECT_EQ(world_.rollbacks, orders_) << world_.states_of("orders");
  EXPECT_EQ(world_.headlines("nobody can tell"), none_);
  world_.run(60s);
  EXPECT_EQ(world_.rollbacks, orders_);
}

TEST_F(SharedGuard, OneThatIsOverOrHasNotBegunLeavesTheOtherByItself) {
  begin("journeys", "50% for 8s max 60s, 100%");
  ASSERT_TRUE(world_.run_until("journeys", RolloutState::promoted));
  begin("orders", "50% for 60s max 300s, 100% for 60s max 300s");
  world_.run(4s);
  world_.gateway_status = 500;
  ASSERT_TRUE(world_.run_until("orders", RolloutState::rolling_back)) << world_.states_of("orders");
  EXPECT_EQ(world_.headlines("nobody can tell"), none_);
}

TEST_F(SharedGuard, OneThatIsAbortedLeavesTheOtherByItself) {
  begin_both();
  world_.gateway_status = 500;
  world_.run(15s);
  ASSERT_EQ(world_.rollbacks, none_);
  abort("journeys");
  world_.run(3s);
  EXPECT_EQ(world_.rollbacks, orders_) << "at once: a person has let the other one stay";
}

TEST_F(SharedGuard, InATrainTheOneThatIsStillPendingIsNotASuspect) {
  TrainStarted started{.at = world_.rig.now(), .name = "r1", .rollouts = {}};
  for (const char* service : {"orders", "journeys"}) {
    started.rollouts.push_back(world_.asked(service, "r1"));
    started.rollouts.back().steps = *parse_steps("50% for 60s max 300s, 100%");
  }
  world_.rig.push(started);
  world_.run(8s);
  ASSERT_EQ(world_.status("journeys").state, RolloutState::pending);
  world_.gateway_status = 500;
  ASSERT_TRUE(world_.run_until("orders", RolloutState::rolling_back)) << world_.states_of("orders");
  EXPECT_EQ(world_.headlines("nobody can tell"), none_);
}

/// Belay moves no traffic: whoever deploys does.
class SharedGuardOfGates : public testing::Test {
 protected:
  void begin(const std::string& service, const std::string& steps, Duration lasts = {}) {
    RolloutStarted asked = world_.asked(service, "");
    asked.steps.clear();
    if (!steps.empty()) asked.steps = *parse_steps(steps);
    asked.lasts = lasts;
    world_.rig.push(asked);
    world_.run(2s);
  }
  void deploy_both() {
    world_.live["orders"] = world_.live["journeys"] = 50;
    world_.run(8s);
  }
  void set_mode(const std::string& service, Mode mode) {
    for (ServicePlan& one : world_.plan.services)
      if (one.name == service) one.mode = mode;
    restart();
  }
  void restart() {
    world_.rig = EngineRig(world_.plan);
    world_.run(12s);
  }

  const std::string steps_ = "50% for 60s max 300s, 100% for 60s max 300s";
  const std::vector<std::string> none_;
  const std::vector<std::string> orders_ = {"orders"};
  TrainWorld world_{
      {.is_driving = false, .guards = {{"orders", {"gateway"}}, {"journeys", {"gateway"}}}}};
};

TEST_F(SharedGuardOfGates, OneThatFailedAndIsOnlyObservedIsASuspectUntilItIsGone) {
  set_mode("orders", Mode::observe);
  begin("orders", steps_);
  begin("journeys", steps_);
  deploy_both();
  world_.gateway_status = 500;
  world_.bad = {"orders"};
  world_.run(60s);
  EXPECT_EQ(world_.status("orders").state, RolloutState::failed);
  EXPECT_EQ(world_.rollbacks, none_);
  world_.live["orders"] = 0;
  world_.run(3s);
  EXPECT_EQ(world_.rollbacks, std::vector<std::string>{"journeys"}) << "only it is left";
}

TEST_F(SharedGuardOfGates, OneThatFailedWhileItWasDisarmedIsASuspect) {
  begin("orders", steps_);
  begin("journeys", steps_);
  deploy_both();
  world_.rig.push(
      Disarmed{.at = world_.rig.now(), .service = "orders", .until = world_.rig.now() + 1h});
  world_.gateway_status = 500;
  world_.bad = {"orders"};
  world_.run(60s);
  EXPECT_EQ(world_.status("orders").state, RolloutState::failed);
  EXPECT_EQ(world_.rollbacks, none_);
}

TEST_F(SharedGuardOfGates, OneThatEndedInconclusiveAndStaysLiveIsASuspect) {
  begin("orders", "", 30s);
  begin("journeys", steps_);
  deploy_both();
  world_.gateway_status = 500;
  world_.run(60s);
  EXPECT_EQ(world_.status("orders").state, RolloutState::inconclusive);
  EXPECT_EQ(world_.rollbacks, none_);
}

TEST_F(SharedGuardOfGates, OneThatFailedIsNoneForAGuardThatWasFineSince) {
  set_mode("orders", Mode::observe);
  begin("orders", steps_);
  world_.live["orders"] = 50;
  world_.bad = {"orders"};
  world_.run(60s);
  ASSERT_EQ(world_.status("orders").state, RolloutState::failed);
  begin("journeys", steps_);
  world_.live["journeys"] = 50;
  world_.run(60s);
  world_.gateway_status = 500;
  world_.run(30s);
  EXPECT_EQ(world_.rollbacks, std::vector<std::string>{"journeys"}) << world_.states_of("journeys");
}

TEST_F(SharedGuardOfGates, OneThatWasRolledBackIsNoneThoughNobodySaysWhoHasTheTraffic) {
  world_.unread = {"orders", "journeys"};
  restart();
  begin("orders", steps_);
  begin("journeys", steps_);
  deploy_both();
  world_.gateway_status = 500;
  world_.bad = {"orders"};
  ASSERT_TRUE(world_.run_until("orders", RolloutState::verifying)) << world_.states_of("orders");
  EXPECT_EQ(world_.rollbacks, orders_);
  EXPECT_TRUE(world_.run_until("journeys", RolloutState::rolling_back))
      << world_.states_of("journeys");
}

TEST_F(SharedGuard, WhatItSeesWhileTheMoveIsUnclearIsNoExcuseForTheOneThatRollsOut) {
  begin("journeys", "50% for 60s max 300s, 100% for 60s max 300s");
  world_.run(4s);
  world_.answers = false;
  begin("orders", "50% for 60s max 300s, 100% for 60s max 300s");
  world_.run(4s);
  abort("journeys");
  world_.run(15s);
  world_.gateway_status = 500;
  world_.run(15s);
  world_.answers = true;
  world_.run(15s);
  EXPECT_EQ(world_.rollbacks, orders_);
}

}  // namespace
}  // namespace belay::rules
