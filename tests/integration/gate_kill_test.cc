// Goal: a gate that is killed in the middle of an action acts exactly once. Method: the real
// binary, a command that waits for the test, SIGKILL, and another start on the same state.

#include <atomic>
#include <csignal>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "monitor/journal.h"
#include "monitor/system_clock.h"
#include "tests/integration/gate_world.h"
#include "tests/support/eventually.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class GateKillTest : public testing::Test {
 protected:
  GateKillTest() {
    EXPECT_EQ(::mkfifo((world_.directory() / "go").c_str(), 0600), 0);
    world_.serve(world_.rollout("v2", "v1", [] { return 500; }));
  }
  /// Kills the gate while its command waits.
  void kill_in_mid_action() {
    ChildProcess gate{world_.gate()};
    ASSERT_TRUE(eventually([this] { return world_.lines_of("runs") == 1; }, 60s))
        << world_.output();
    gate.signal(SIGKILL);
    EXPECT_EQ(gate.wait(20s), 128 + SIGKILL);
  }
  /// The next life on the same state, until it has said `what` of the action.
  void restart_until(const std::string& what) {
    ChildProcess daemon{world_.run()};
    EXPECT_TRUE(world_.says(what)) << world_.output();
    daemon.signal(SIGTERM);
    EXPECT_EQ(daemon.wait(20s), 0) << world_.output();
  }
  std::size_t open_orders() {
    auto journal = monitor::Journal::open(world_.directory() / "state");
    EXPECT_TRUE(journal.ok());
    return journal.ok() ? (*journal)->recover(monitor::SystemClock{}.now())->open_orders.size()
                        : 99;
  }
  GateWorld world_;
};

TEST_F(GateKillTest, WhatTheCommandDidAllTheSameIsFoundAndNotDoneAgain) {
  world_.configure(
      {.platform = "{ command: { rollback: [sh, -c, 'trap \"\" TERM; echo run >> runs; cat go; "
                   "echo $BELAY_TARGET > live'], verify: [grep, -qx, v1, live] } }"});
  kill_in_mid_action();
  EXPECT_EQ(open_orders(), 1U);
  std::ofstream(world_.directory() / "go") << "go\n";  // Opens once the command reads.
  ASSERT_TRUE(eventually([this] { return world_.line_of("live") == "v1"; }));
  restart_until("recovered after: roll back from v2 to v1");
  EXPECT_EQ(world_.lines_of("runs"), 1);
  EXPECT_EQ(open_orders(), 0U);
}

TEST_F(GateKillTest, WithoutAWayToLookItIsReportedAndNotDoneAgain) {
  world_.configure({.platform = "{ command: { rollback: [sh, -c, 'echo run >> runs; cat go; "
                                "echo $BELAY_TARGET > live'] } }"});
  kill_in_mid_action();
  restart_until("cannot tell whether it was done: roll back from v2 to v1");
  EXPECT_EQ(world_.lines_of("runs"), 1);
  EXPECT_EQ(world_.line_of("live"), "v2 10%");
  EXPECT_EQ(open_orders(), 0U);
}

/// A rollout that was under way when its process died.
class RolloutKillTest : public testing::Test {
 protected:
  RolloutKillTest() {
    world_.configure({});
    world_.serve(world_.rollout("v2", "v1", [this] { return status_.load(); }));
  }
  std::atomic<int> status_ = 200;
  GateWorld world_;
};

TEST_F(RolloutKillTest, GoesOnInTheNextLifeAndIsStillRolledBackOnce) {
  {
    ChildProcess gate{world_.gate()};
    ASSERT_TRUE(world_.says("rollout_started")) << world_.output();
    gate.signal(SIGKILL);
    EXPECT_EQ(gate.wait(20s), 128 + SIGKILL);
  }
  ChildProcess daemon{world_.run()};
  ASSERT_TRUE(world_.says("watches 1 service")) << world_.output();
  EXPECT_THAT(world_.output(), testing::Not(HasSubstr("acting on nothing"))) << "it was understood";
  status_ = 500;  // Nobody would be rolled back if the rollout were forgotten.
  EXPECT_TRUE(world_.says("recovered after: roll back from v2 to v1")) << world_.output();
  EXPECT_EQ(world_.lines_of("runs"), 1);
  EXPECT_EQ(world_.line_of("live"), "v1");
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait(20s), 0) << world_.output();
}

}  // namespace
}  // namespace belay::test
