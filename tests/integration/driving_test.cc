// Goal: a rollout whose traffic Belay moves, from its first step to its end. Method: the real
// binary, Cloudflare's REST API on loopback, and a log that grows as what is live there answers.

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/driven_shop.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kSteps = "10% for 6s, 50% for 6s, 100% for 6s";

class DrivingTest : public DrivenShopTest {};

TEST_F(DrivingTest, AGoodVersionGoesFromATenthToAllOfTheTraffic) {
  start_driven();
  const std::string id = drive(kSteps);
  ASSERT_TRUE(becomes(id, "promoted")) << rollout(id).dump(2) << world_.output();
  EXPECT_THAT(moves(),
              ElementsAre("2222 at 10%, 1111 at 90%", "2222 at 50%, 1111 at 50%", "2222 at 100%"));
  EXPECT_EQ(rollout(id).value("baseline", ""), kGoodVersion) << "the largest other share";
  EXPECT_EQ(rollout(id).value("exit_code", -1), 0);
}

TEST_F(DrivingTest, ABadVersionIsPutBackOnceAndNoFurtherStepIsTaken) {
  status_ = 500;
  start_driven();
  const std::string id = drive(kSteps);
  ASSERT_TRUE(becomes(id, "recovered")) << rollout(id).dump(2) << world_.output();
  EXPECT_THAT(moves(), ElementsAre("2222 at 10%, 1111 at 90%", "1111 at 100%"));
  EXPECT_EQ(rollout(id).value("exit_code", -1), 11);
}

TEST_F(DrivingTest, AVersionThatTurnsBadInALaterStepIsPutBackFromThere) {
  start_driven();
  const std::string id = drive("10% for 6s, 50% for 1h, 100%");
  ASSERT_TRUE(eventually([&] { return rollout(id).value("step", 0) == 1; }, 60s));
  status_ = 500;
  ASSERT_TRUE(becomes(id, "recovered")) << rollout(id).dump(2) << world_.output();
  EXPECT_THAT(moves(),
              ElementsAre("2222 at 10%, 1111 at 90%", "2222 at 50%, 1111 at 50%", "1111 at 100%"));
}

TEST_F(DrivingTest, APersonPausesResumesApprovesPromotesAndAborts) {
  start_driven();
  const std::string id = drive("10% for 6s, 50% for 1h after approval, 100% for 1h");
  ASSERT_TRUE(becomes(id, "baking")) << rollout(id).dump(2) << world_.output();
  const auto steer = [&](const std::string& verb) {
    const BelayRun run = belay({"rollout", verb, id});
    EXPECT_EQ(run.code, 0) << verb << ": " << run.text;
  };
  steer("pause");
  EXPECT_EQ(rollout(id).value("held", ""), "paused");
  // Longer than the bake: it would have gone on.
  const std::int64_t paused = rollout(id).value("step_started_ms", std::int64_t{0});
  ASSERT_TRUE(eventually([&] {
    const auto status = nlohmann::json::parse(get("/api/v1/status").body);
    return status.at("at_ms").get<std::int64_t>() > paused + 9'000;
  }));
  EXPECT_EQ(rollout(id).value("held", ""), "paused");
  EXPECT_EQ(moves().size(), 1U);
  steer("resume");
  ASSERT_TRUE(becomes(id, "approval")) << rollout(id).dump(2);
  EXPECT_EQ(moves().size(), 1U);
  steer("approve");
  ASSERT_TRUE(eventually([&] { return rollout(id).value("step", 0) == 1; }, 60s));
  steer("promote");
  ASSERT_TRUE(eventually([&] { return rollout(id).value("step", 0) == 2; }, 60s));
  steer("abort");
  EXPECT_EQ(state(id), "aborted");
  EXPECT_THAT(moves(),
              ElementsAre("2222 at 10%, 1111 at 90%", "2222 at 50%, 1111 at 50%", "2222 at 100%"));
}

TEST_F(DrivingTest, APersonRollsBackInTheMiddleOnce) {
  start_driven();
  const std::string id = drive("10% for 1h, 100%");
  ASSERT_TRUE(becomes(id, "baking")) << rollout(id).dump(2) << world_.output();
  EXPECT_EQ(belay({"rollout", "rollback", id, "--reason", "wrong branch"}).code, 0);
  ASSERT_TRUE(becomes(id, "recovered")) << rollout(id).dump(2) << world_.output();
  EXPECT_THAT(moves(), ElementsAre("2222 at 10%, 1111 at 90%", "1111 at 100%"));
  EXPECT_EQ(peer_.deployments_with("wrong branch"), 1);
}

TEST_F(DrivingTest, KilledInTheMiddleOfAStepItGoesOnAndMovesNothingTwice) {
  start_driven();
  const std::string id = drive(kSteps);
  ASSERT_TRUE(eventually([&] { return rollout(id).value("step", 0) == 1; }, 60s));
  daemon_->signal(SIGKILL);
  EXPECT_EQ(daemon_->wait(10s), 128 + SIGKILL);
  run();
  ASSERT_TRUE(becomes(id, "promoted")) << rollout(id).dump(2) << world_.output();
  EXPECT_THAT(moves(),
              ElementsAre("2222 at 10%, 1111 at 90%", "2222 at 50%, 1111 at 50%", "2222 at 100%"));
}

TEST_F(DrivingTest, KilledWhileTrafficMovesItFindsThatItHasMoved) {
  peer_.behave({PeerBehaviour::slow});
  start_driven();
  const std::string id = drive(kSteps);
  ASSERT_TRUE(eventually([&] { return !moves().empty(); }, 60s)) << world_.output();
  daemon_->signal(SIGKILL);
  EXPECT_EQ(daemon_->wait(10s), 128 + SIGKILL);
  run();
  ASSERT_TRUE(becomes(id, "promoted")) << rollout(id).dump(2) << world_.output();
  EXPECT_THAT(moves(),
              ElementsAre("2222 at 10%, 1111 at 90%", "2222 at 50%, 1111 at 50%", "2222 at 100%"));
}

TEST_F(DrivingTest, AfterARestartAnAnswerOfBeforeTheLastDeploymentIsNotBelieved) {
  start_driven();
  const std::string id = drive("10% for 1h, 100%");
  ASSERT_TRUE(becomes(id, "baking")) << rollout(id).dump(2) << world_.output();
  ASSERT_TRUE(eventually(
      [&] { return rollout(id).dump().find("the platform shows 1111") != std::string::npos; }));
  daemon_->signal(SIGKILL);
  EXPECT_EQ(daemon_->wait(10s), 128 + SIGKILL);
  peer_.lag_behind(1);
  status_ = 500;
  run();
  ASSERT_TRUE(eventually([&] { return state(id) == "rolling_back"; }, 60s))
      << rollout(id).dump(2) << world_.output();
  const auto now_ms = [&] {
    return nlohmann::json::parse(get("/api/v1/status").body).at("at_ms").get<std::int64_t>();
  };
  // Longer than what shows that there is nothing to do is read again.
  const std::int64_t began = now_ms();
  ASSERT_TRUE(eventually([&] { return now_ms() > began + 13'000; }, 60s));
  EXPECT_EQ(state(id), "rolling_back");
  EXPECT_EQ(moves().size(), 1U);
  peer_.lag_behind(0);
  ASSERT_TRUE(becomes(id, "recovered")) << rollout(id).dump(2) << world_.output();
  EXPECT_THAT(moves(), ElementsAre("2222 at 10%, 1111 at 90%", "1111 at 100%"));
}

TEST_F(DrivingTest, WhenSomeoneElseDeploysItStandsDown) {
  start_driven();
  const std::string id = drive("10% for 1h, 100%");
  ASSERT_TRUE(becomes(id, "baking")) << rollout(id).dump(2) << world_.output();
  peer_.deploy("33333333-3333-4333-8333-333333333333", 100, "a fix by hand");
  ASSERT_TRUE(becomes(id, "superseded")) << rollout(id).dump(2) << world_.output();
  EXPECT_EQ(moves().size(), 1U);
  EXPECT_EQ(belay({"rollout", "rollback", id}).code, 2) << "never what someone else has replaced";
  EXPECT_EQ(moves().size(), 1U);
}

}  // namespace
}  // namespace belay::test
