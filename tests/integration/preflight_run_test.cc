// Goal: what is in the way of a rollout is found before its first step, and it begins by itself
// when it is gone. Method: as driving_test.cc; nothing may have been moved.

#include <atomic>
#include <chrono>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/driven_shop.h"
#include "tests/support/scripted_peer.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr const char* kSteps = "10% for 6s, 100%";
constexpr const char* kOther = "33333333-3333-4333-8333-333333333333";

class PreflightRunTest : public DrivenShopTest {
 protected:
  /// Held before its first step for this reason, with nothing moved.
  void expect_held(const std::string& id, const std::string& why) {
    EXPECT_TRUE(waits_saying(id, why)) << rollout(id).dump(2) << world_.output();
    EXPECT_TRUE(moves().empty());
  }
};

TEST_F(PreflightRunTest, AVersionToGoBackToThatDoesNotExistIsInTheWay) {
  start_driven();
  expect_held(drive(kSteps, {"--baseline", kOther}), "does not exist: there is nothing to go back");
}

TEST_F(PreflightRunTest, AVersionToGoBackToThatCannotBeDeployedIsInTheWay) {
  peer_.upload(kGoodVersion, {.is_deployable = false});
  start_driven();
  expect_held(drive(kSteps), "cannot be deployed any more");
}

TEST_F(PreflightRunTest, ACandidateThatDoesNotExistIsInTheWay) {
  peer_.forget(kBadVersion);
  start_driven();
  expect_held(drive(kSteps), std::string(kBadVersion) + " does not exist");
}

TEST_F(PreflightRunTest, TheCandidateItselfIsNoVersionToGoBackTo) {
  start_driven();
  const BelayRun named = belay({"rollout", "start", "--service", "shop", "--candidate", kBadVersion,
                                "--baseline", kBadVersion, "--driving", "--steps", kSteps});
  EXPECT_EQ(named.code, 2) << named.text;
  EXPECT_EQ(
      post("/api/v1/rollouts", std::string(R"({"service":"shop","candidate":")") + kBadVersion +
                                   R"(","baseline":")" + kBadVersion + R"(","for":"10m"})")
          .status,
      422);
  EXPECT_TRUE(moves().empty());
}

TEST_F(PreflightRunTest, WhereTheCandidateHasAllTrafficThereIsNothingToGoBackTo) {
  peer_.deploy(kBadVersion, 100, "all of it, by hand");
  start_driven();
  expect_held(drive(kSteps), "there is no version to go back to");
}

TEST_F(PreflightRunTest, ADurableObjectMigrationBetweenTheVersionsIsInTheWay) {
  peer_.upload(kBadVersion, {.migration = "v2"});
  start_driven();
  expect_held(drive(kSteps), "a Durable Object migration lies between");
}

TEST_F(PreflightRunTest, APlatformThatDoesNotTellIsUnknownAndThatHolds) {
  start_driven();
  ASSERT_TRUE(eventually([this] { return !peer_.requests().empty(); }));
  peer_.answer_always(http_response(500, "<html>Internal</html>"));
  expect_held(drive(kSteps, {"--baseline", kGoodVersion}), "is not known");
}

TEST_F(PreflightRunTest, ABaselineThatIsKnownToBeBadIsSaidAndBegins) {
  const std::string dead = "http://127.0.0.1:" + std::to_string(free_port());
  start_driven({.rules = std::string(GateWorld::kRules) +
                         "  - name: healthz\n    when: probe healthz fails 2 of 3\n    then: "
                         "rollback\n",
                .of_service = "probes: { healthz: { url: \"" + dead + "/\", every: 200ms } }",
                .of_notify = "tell: [ { slack: { webhook: \"${SLACK}\" } } ]"});
  ASSERT_TRUE(eventually([this] {
    return get("/api/v1/services/shop").body.find("\"passing\":false") != std::string::npos;
  }));
  const std::string id = drive(kSteps);
  ASSERT_TRUE(eventually([&] { return !moves().empty(); }, 60s))
      << "a fix must be deployable: " << rollout(id).dump(2);
  EXPECT_TRUE(eventually([this] {
    return world_.pages().find("healthz is bad already") != std::string::npos;
  })) << world_.pages();
}

TEST_F(PreflightRunTest, ABaselineOfWhichNobodyKnowsHolds) {
  start_driven({.logs = "{ file: nothing.log }"});
  expect_held(drive(kSteps), "nobody knows whether the service is healthy");
}

TEST_F(PreflightRunTest, ChecksByHttpCommandAndSentenceHoldUntilAllAreFine) {
  std::atomic<int> smoke = 503;
  ScriptedPeer web{[&](PeerConnection& connection) {
    connection.read_until("\r\n\r\n");
    connection.send(http_response(smoke, "ok"));
  }};
  start_driven({.of_rollout = "preflight: { smoke: { url: \"" + web.url("/smoke") +
                              "\" }, signed-off: { command: [test, -e, signed-off] }, calm: { "
                              "when: \"5xx rate > 50% over 5s, min 20 requests\" } }"});
  std::atomic<int> answers = 503;
  const auto live = [&answers]() -> std::vector<GateWorld::Answer> {
    return {{kGoodVersion, answers}};
  };
  world_.serve(live);
  const std::string id = drive(kSteps);
  for (const char* why : {"smoke is not so", "signed-off is not so", "calm is bad"})
    expect_held(id, why);
  answers = 200;
  EXPECT_TRUE(eventually([&] {
    return rollout(id).value("state", "") != "" &&
           get("/api/v1/services/shop").body.find("\"truth\":\"bad\"") == std::string::npos;
  }));
  EXPECT_TRUE(moves().empty()) << "the others are still in the way";
  smoke = 200;
  std::ofstream(world_.directory() / "signed-off") << "ann\n";
  EXPECT_TRUE(eventually([&] { return !moves().empty(); }, 60s)) << rollout(id).dump(2);
  world_.serve([] { return std::vector<GateWorld::Answer>{}; });
}

TEST_F(PreflightRunTest, WhatMustHavePassedElsewhereIsAskedFor) {
  start_driven({.of_rollout = "requires: { environment: staging, passed: 1s, same: commit }",
                .services = "  stage:\n    mode: recommend\n    environment: staging\n    logs: { "
                            "file: stage.log }\n"
                            "    rollout: { rules: [rules.yaml] }\n"});
  const std::string id = drive(kSteps, {"--commit", "c1"});
  expect_held(id, "it has not passed in staging with the same commit");
  const auto pass_in_staging = [this](const std::string& commit) {
    const BelayRun begun =
        belay({"rollout", "start", "--service", "stage", "--candidate", "s-" + commit, "--commit",
               commit, "--for", "10m", "--output", "json"});
    EXPECT_EQ(begun.code, 0) << begun.text;
    const BelayRun passed = belay(
        {"rollout", "promote", nlohmann::json::parse(begun.text).at("id").get<std::string>()});
    EXPECT_EQ(passed.code, 0) << passed.text;
  };
  pass_in_staging("c0");
  expect_held(id, "it has not passed in staging with the same commit");
  pass_in_staging("c1");
  EXPECT_TRUE(eventually([&] { return !moves().empty(); }, 60s)) << rollout(id).dump(2);
}

TEST_F(PreflightRunTest, AFreezeHoldsUntilAPersonApproves) {
  start_driven({.of_rollout = "freezes: [{ from: \"2020-01-01T00:00:00Z\", to: "
                              "\"2120-01-01T00:00:00Z\", why: holidays }]"});
  const std::string id = drive(kSteps);
  expect_held(id, "holidays");
  EXPECT_EQ(rollout(id).value("held", ""), "freeze");
  EXPECT_EQ(belay({"rollout", "approve", id}).code, 0);
  EXPECT_TRUE(eventually([&] { return !moves().empty(); }, 60s)) << rollout(id).dump(2);
}

TEST_F(PreflightRunTest, OutsideTheDeploymentWindowsNothingMoves) {
  const auto since_midnight =
      std::chrono::system_clock::now().time_since_epoch() % std::chrono::hours{24};
  const char* window = since_midnight < 12h ? "mon-sun 18:00-19:00" : "mon-sun 03:00-04:00";
  start_driven({.of_rollout = std::string("windows: [") + window + "]"});
  expect_held(drive(kSteps), "outside the deployment windows");
}

}  // namespace
}  // namespace belay::test
