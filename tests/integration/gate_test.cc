// Goal: the exit code of `belay gate --standalone` is what became of the rollout. Method: the real
// binary, a log that grows as two versions answer, and a platform that is a file.

#include <atomic>
#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/gate_world.h"
#include "tests/support/eventually.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr auto kLongest = 60s;

class GateTest : public testing::Test {
 protected:
  void serve() {
    world_.serve(world_.rollout("v2", "v1", [this] { return candidate_status_.load(); }));
  }
  /// The gate's exit code, -1 if it does not end.
  int gate(const std::vector<std::string>& arguments = {}) {
    ChildProcess child{world_.gate(arguments)};
    return child.wait(kLongest).value_or(-1);
  }

  std::atomic<int> candidate_status_ = 500;
  GateWorld world_;
};

TEST_F(GateTest, AGoodCandidatePassesAndNothingIsTouched) {
  world_.configure({});
  candidate_status_ = 200;
  serve();
  EXPECT_EQ(gate({"--for", "8s"}), 0) << world_.output();
  EXPECT_EQ(world_.lines_of("runs"), 0);
}

TEST_F(GateTest, InModesThatDoNotActABadCandidateOnlyFails) {
  serve();
  for (const char* mode : {"observe", "recommend"}) {
    world_.configure({.mode = mode});
    EXPECT_EQ(gate(), 10) << world_.output();
  }
  EXPECT_THAT(world_.output(), HasSubstr("would roll back, because shop-errors fired"));
  EXPECT_EQ(world_.lines_of("runs"), 0);
}

TEST_F(GateTest, ABadCandidateIsRolledBackOnceAndTheShopRecovers) {
  world_.configure({});
  serve();
  EXPECT_EQ(gate(), 11) << world_.output();
  EXPECT_EQ(world_.line_of("live"), "v1");
  EXPECT_EQ(world_.lines_of("runs"), 1);
  EXPECT_THAT(world_.output(), HasSubstr("recovered after: roll back from v2 to v1"));
}

TEST_F(GateTest, ARollbackThatThePlatformRefusesIsPagedAndEndsWith14) {
  world_.configure(
      {.platform = "{ command: { rollback: [sh, -c, 'echo no rights >&2; exit 3'] } }"});
  serve();
  EXPECT_EQ(gate(), 14) << world_.output();
  EXPECT_EQ(world_.line_of("live"), "v2 10%");
  EXPECT_THAT(world_.output(), HasSubstr("no rights"));
  EXPECT_THAT(world_.pages(), HasSubstr("could not roll back"));
}

TEST_F(GateTest, ARollbackThatDoesNotHelpEndsWith14) {
  world_.configure({});
  world_.serve([this]() -> std::vector<GateWorld::Answer> {
    if (world_.line_of("live") == "v1") return {{"v1", 500}};
    return {{"v2", 500}, {"v1", 200}};
  });
  EXPECT_EQ(gate(), 14) << world_.output();
  EXPECT_EQ(world_.lines_of("runs"), 1);
  EXPECT_THAT(world_.output(), HasSubstr("still bad after: roll back from v2 to v1"));
}

TEST_F(GateTest, ARollbackOfWhichNobodyCanSayWhetherItHelpedEndsWith14) {
  world_.configure({});
  world_.serve([this]() -> std::vector<GateWorld::Answer> {
    if (world_.line_of("live") == "v1") return {};
    return {{"v2", 500}, {"v1", 200}};
  });
  EXPECT_EQ(gate(), 14) << world_.output();
  EXPECT_EQ(world_.lines_of("runs"), 1);
  EXPECT_THAT(world_.output(), HasSubstr("cannot say whether it helped: roll back from v2 to v1"));
}

TEST_F(GateTest, AGateAfterAGateOfTheSameCandidateIsJudgedAnew) {
  world_.configure({});
  candidate_status_ = 200;
  serve();
  EXPECT_EQ(gate({"--for", "8s"}), 0) << world_.output();
  candidate_status_ = 500;
  EXPECT_EQ(gate(), 11) << world_.output();
}

TEST_F(GateTest, AnInterruptLeavesWhatIsDeployedAsItIs) {
  world_.configure({});
  candidate_status_ = 200;
  serve();
  ChildProcess child{world_.gate()};
  ASSERT_TRUE(world_.says("rollout_started")) << world_.output();
  child.signal(SIGTERM);
  EXPECT_EQ(child.wait(kLongest), 130) << world_.output();
  EXPECT_EQ(world_.lines_of("runs"), 0);
}

TEST_F(GateTest, AnInterruptRollsBackOnceIfItIsToldTo) {
  world_.configure({});
  candidate_status_ = 200;
  serve();
  ChildProcess child{world_.gate({"--on-interrupt", "rollback", "--fail-on", "unknown"})};
  ASSERT_TRUE(world_.says("rollout_started")) << world_.output();
  child.signal(SIGINT);
  EXPECT_EQ(child.wait(kLongest), 11) << world_.output();
  EXPECT_EQ(world_.line_of("live"), "v1");
  EXPECT_EQ(world_.lines_of("runs"), 1);
  EXPECT_THAT(world_.output(), HasSubstr("recovered after: roll back from v2 to v1"));
  EXPECT_THAT(world_.pages(), HasSubstr("the gate was interrupted"));
}

TEST_F(GateTest, AnInterruptDoesNotActWhereBelayMayNot) {
  world_.configure({.mode = "recommend"});
  candidate_status_ = 200;
  serve();
  ChildProcess child{world_.gate({"--on-interrupt", "rollback"})};
  ASSERT_TRUE(world_.says("rollout_started")) << world_.output();
  child.signal(SIGINT);
  EXPECT_EQ(child.wait(kLongest), 130) << world_.output();
  EXPECT_EQ(world_.lines_of("runs"), 0);
  EXPECT_THAT(world_.output(), HasSubstr("not rolled back: its mode is recommend"));
}

TEST_F(GateTest, ASourceThatDiesIsNoPass) {
  // Ends when the test says so, and never begins anew.
  world_.configure({.logs = "{ exec: [sh, -c, 'test -e pid && exit 1; echo $$$$ > pid; "
                            "exec tail -n 0 -f shop.log'] }"});
  candidate_status_ = 200;
  serve();
  ChildProcess child{world_.gate({"--for", "12s"})};
  ASSERT_TRUE(eventually([this] { return !world_.line_of("pid").empty(); }));
  ASSERT_TRUE(world_.says("candidate"));
  ASSERT_EQ(::kill(std::stoi(world_.line_of("pid")), SIGTERM), 0);
  EXPECT_EQ(child.wait(kLongest), 12) << world_.output();
  EXPECT_THAT(world_.output(), HasSubstr("shop-errors is unknown (blind)"));
}

TEST_F(GateTest, BothVersionsBadIsASharedCauseAndNoRollback) {
  world_.configure({});
  world_.serve([] { return std::vector<GateWorld::Answer>{{"v2", 500}, {"v1", 500}}; });
  EXPECT_EQ(gate({"--for", "8s"}), 12) << world_.output();
  EXPECT_EQ(world_.lines_of("runs"), 0);
  EXPECT_THAT(world_.output(), HasSubstr("shared cause"));
}

}  // namespace
}  // namespace belay::test
