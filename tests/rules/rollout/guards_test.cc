// While a service rolls out, the rules of those that call it count, too.

#include <gtest/gtest.h>

#include "tests/rules/rollout/train_world.h"

namespace belay::rules {
namespace {

/// "orders" alone rolls out; "gateway" calls it.
class Guarded : public testing::Test {
 protected:
  void begin() {
    RolloutStarted asked = world_.asked("orders", "");
    asked.steps = *parse_steps("50% for 12s max 60s, 100% for 12s max 60s");
    world_.rig.push(asked);
    world_.run(2s);
  }
  void gateway_answers(std::uint16_t status) { world_.gateway_status = status; }

  TrainWorld world_{{.guards = {{"orders", {"gateway"}}}}};
};

TEST_F(Guarded, FineGuardsLetItPass) {
  begin();
  EXPECT_TRUE(world_.run_until("orders", RolloutState::promoted));
  EXPECT_TRUE(world_.rollbacks.empty());
}

TEST_F(Guarded, AGuardsRuleThatWasFineFailsItAndTheMessageSaysWhose) {
  begin();
  world_.run(4s);
  gateway_answers(500);
  ASSERT_TRUE(world_.run_until("orders", RolloutState::rolling_back)) << world_.states_of("orders");
  EXPECT_NE(world_.status("orders").why.find("gateway's"), std::string::npos);
  EXPECT_NE(world_.status("orders").why.find("fires while orders, which it calls, is rolled out: "),
            std::string::npos)
      << world_.status("orders").why;
  gateway_answers(200);
  EXPECT_TRUE(world_.run_until("orders", RolloutState::recovered))
      << "the guard's rule is watched on the guard's own evidence: " << world_.status("orders").why;
  EXPECT_EQ(world_.rollbacks, std::vector<std::string>{"orders"});
  EXPECT_EQ(world_.rig.orders.back().rule.substr(0, 8), "gateway:");
}

TEST_F(Guarded, ARollbackThatDoesNotHelpTheGuardHasNotRecovered) {
  begin();
  world_.run(4s);
  gateway_answers(500);
  EXPECT_TRUE(world_.run_until("orders", RolloutState::not_recovered));
}

TEST_F(Guarded, ARestartWhileTheGuardIsWatchedKnowsWhatToWatch) {
  begin();
  world_.run(4s);
  gateway_answers(500);
  ASSERT_TRUE(world_.run_until("orders", RolloutState::verifying));
  world_.restart();
  EXPECT_TRUE(world_.run_until("orders", RolloutState::not_recovered))
      << "orders itself is fine: only the guard shows it";
  EXPECT_EQ(world_.rollbacks, std::vector<std::string>{"orders"});
}

TEST_F(Guarded, AGuardThatWasBadBeforeBlamesNobody) {
  gateway_answers(500);
  world_.run(15s);
  begin();
  world_.run(40s);
  EXPECT_TRUE(world_.rollbacks.empty());
  EXPECT_NE(world_.status("orders").state, RolloutState::promoted) << "and does not let it pass";
  gateway_answers(200);
  EXPECT_TRUE(world_.run_until("orders", RolloutState::promoted));
}

TEST_F(Guarded, ARestartInTheBakeDoesNotKnowWhoElseHasHarmedTheGuardSince) {
  begin();
  world_.run(4s);
  world_.restart();
  gateway_answers(500);
  world_.run(15s);
  EXPECT_EQ(world_.status("orders").held, HoldReason::shared_cause);
  EXPECT_TRUE(world_.rollbacks.empty());
}

TEST_F(Guarded, ARestartInTheFirstMoveKnowsThatTheGuardWasFine) {
  world_.answers = false;
  begin();
  world_.live["orders"] = 50;
  world_.restart();
  gateway_answers(500);
  world_.run(8s);
  world_.answers = true;
  EXPECT_TRUE(world_.run_until("orders", RolloutState::rolling_back)) << world_.states_of("orders");
}

TEST_F(Guarded, AGuardThatRollsOutItselfIsASharedCause) {
  begin();
  world_.run(4s);
  world_.rig.push(world_.asked("gateway", ""));
  world_.run(3s);
  gateway_answers(500);
  world_.run(9s);
  EXPECT_TRUE(std::find(world_.rollbacks.begin(), world_.rollbacks.end(), "orders") ==
              world_.rollbacks.end());
  EXPECT_EQ(world_.headlines("gateway rolls out itself").size(), 2U) << "once for each rule";
}

TEST_F(Guarded, AnUnknownGuardMakesItUnknown) {
  begin();
  world_.quiet = {"gateway"};
  world_.run(60s);
  const RolloutStatus status = world_.status("orders");
  EXPECT_NE(status.state, RolloutState::promoted);
  EXPECT_TRUE(world_.rollbacks.empty());
  EXPECT_NE(status.why.find("gateway's"), std::string::npos) << status.why;
}

TEST(GuardedPlan, AGuardThatIsNoServiceMakesItUnknown) {
  TrainWorld world({.guards = {{"orders", {"nobody"}}}});
  world.rig.push(world.asked("orders", ""));
  world.run(70s);
  EXPECT_NE(world.status("orders").state, RolloutState::promoted);
  EXPECT_NE(world.status("orders").why.find("the guard nobody is no service"), std::string::npos)
      << world.status("orders").why;
}

}  // namespace
}  // namespace belay::rules
