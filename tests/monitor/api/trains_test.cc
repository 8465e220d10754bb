// Goal: several rollouts begin as one train, all or none, however often they are asked for.
// Method: the API without a socket; the test publishes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/rollout/train.h"
#include "tests/monitor/api/api_fixture.h"

namespace belay::test {
namespace {

using rules::RolloutState;
using testing::HasSubstr;

class TrainsTest : public ApiTest {
 protected:
  static constexpr const char* kBody =
      R"({"name":"r1","on_fail":"all","by":"ann","rollouts":[)"
      R"({"service":"shop","candidate":"v2"},{"service":"orders","candidate":"v7","driving":true}]})";

  TrainsTest() {
    has_past_ = false;
    publish(two());
  }
  static rules::Snapshot two() {
    rules::Snapshot snapshot = shop();
    snapshot.services.push_back(snapshot.services[0]);
    snapshot.services[1].name = "orders";
    return snapshot;
  }
  net::Outgoing begin(const std::string& body, const std::string& key = "k1") {
    net::Incoming asking = request("POST", "/api/v1/trains", kGateToken, body);
    asking.headers.push_back({"Idempotency-Key", key});
    return ask(asking);
  }
  /// What the engine would publish of the train that was delivered last.
  rules::Snapshot of_delivered(RolloutState shop_state, RolloutState orders_state) {
    const auto& train = std::get<rules::TrainStarted>(delivered_.back());
    rules::Snapshot snapshot = two();
    for (std::size_t i = 0; i < 2; ++i) {
      rules::RolloutStatus status = rollout(train.rollouts[i].id);
      status.service = train.rollouts[i].service;
      status.candidate = train.rollouts[i].candidate;
      status.train = train.name;
      status.train_began = now_;
      status.state = i == 0 ? shop_state : orders_state;
      if (i == 0) status.after = {"orders"};
      snapshot.services[i].rollout = status;
    }
    return snapshot;
  }
};

TEST_F(TrainsTest, WhoseTrafficNobodyCanMoveIsNotDrivenWithOneOrAlone) {
  unmoved_ = "orders";
  const net::Outgoing of_train = begin(kBody);
  EXPECT_EQ(of_train.status, 422) << of_train.body;
  const net::Outgoing alone =
      ask(request("POST", "/api/v1/rollouts", kGateToken,
                  R"({"service":"orders","candidate":"v7","for":"5m","driving":true})"));
  for (const net::Outgoing& refused : {of_train, alone})
    EXPECT_THAT(refused.body, HasSubstr("the platform of this service cannot move traffic"));
  EXPECT_TRUE(delivered_.empty());
  unmoved_ = "shop";
  begin(kBody);
  EXPECT_EQ(delivered_.size(), 1U) << "shop is not driven";
}

TEST_F(TrainsTest, AllRolloutsOfATrainAreOneEvent) {
  const net::Outgoing waiting = begin(kBody);
  ASSERT_EQ(delivered_.size(), 1U) << waiting.body;
  const auto& train = std::get<rules::TrainStarted>(delivered_[0]);
  EXPECT_EQ(train.name, "r1");
  ASSERT_EQ(train.rollouts.size(), 2U);
  EXPECT_EQ(train.rollouts[0].service, "shop");
  EXPECT_EQ(train.rollouts[0].train, "r1");
  EXPECT_EQ(train.rollouts[0].takes_all_back, true);
  EXPECT_EQ(train.rollouts[0].by, "ann (ci)");
  EXPECT_TRUE(train.rollouts[1].is_driving);
  EXPECT_NE(train.rollouts[0].id, train.rollouts[1].id);
  publish(of_delivered(RolloutState::pending, RolloutState::baking));
  const net::Outgoing answer = *waiting.later();
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(header_of(answer, "Location"), "/api/v1/trains/r1");
  const auto json = json_of(answer);
  EXPECT_EQ(json.at("rollouts").at(0).at("service"), "orders") << "in the order in which they go";
  EXPECT_EQ(json.at("over"), false);
}

TEST_F(TrainsTest, TheSameKeyIsTheSameTrainAndNoOther) {
  begin(kBody);
  publish(of_delivered(RolloutState::pending, RolloutState::baking));
  EXPECT_EQ(begin(kBody).status, 200);
  EXPECT_EQ(problem_of(begin(R"({"name":"r1","rollouts":[{"service":"shop","candidate":"v3"}]})")),
            "key-reused");
  EXPECT_EQ(delivered_.size(), 1U);
}

TEST_F(TrainsTest, WhatTheEngineDoesNotBeginIsRefusedWithItsReason) {
  const net::Outgoing waiting = begin(kBody);
  rules::Notice notice;
  notice.headline = "the train r1 does not begin: orders is in a rollout";
  newest_.notify(notice);
  publish(two());
  publish(two());
  publish(two());
  const net::Outgoing answer = *waiting.later();
  EXPECT_EQ(problem_of(answer), "refused");
  EXPECT_THAT(answer.body, HasSubstr("orders is in a rollout"));
}

TEST_F(TrainsTest, BodiesAreReadStrictly) {
  const auto refused = [this](const std::string& body) { return begin(body).body; };
  EXPECT_THAT(refused(R"({"rollouts":[{"service":"shop","candidate":"v2"}]})"), HasSubstr("name"));
  EXPECT_THAT(refused(R"({"name":"a b","rollouts":[{"service":"shop","candidate":"v2"}]})"),
              HasSubstr("may stand here"));
  EXPECT_THAT(refused(R"({"name":"r1","rollouts":[]})"), HasSubstr("there is none"));
  EXPECT_THAT(refused(R"({"name":"r1","rollouts":[7]})"), HasSubstr("rollouts[0]"));
  EXPECT_THAT(refused(R"({"name":"r1","rollouts":[{"service":"shop"}]})"),
              HasSubstr("rollouts[0].candidate: this field must be there"));
  EXPECT_THAT(refused(R"({"name":"r1","rollouts":[{"service":"shop","candidat":"v2"}]})"),
              HasSubstr("rollouts[0]."));
  EXPECT_THAT(
      refused(R"({"name":"r1","rollouts":[{"service":"shop","service":"b","candidate":"v2"}]})"),
      HasSubstr("urn:belay:problem:bad-request"));
  EXPECT_THAT(
      refused(R"({"name":"r1","on_fail":"some","rollouts":[{"service":"shop","candidate":"v2"}]})"),
      HasSubstr("this or all"));
  EXPECT_THAT(refused(R"({"name":"r1","rollouts":[{"service":"nope","candidate":"v2"}]})"),
              HasSubstr("no service is called nope"));
  EXPECT_TRUE(delivered_.empty());
}

TEST_F(TrainsTest, ATrainThatIsOverHasTheCodeOfItsWorstRollout) {
  begin(kBody);
  const auto code = [this](RolloutState shop_state, RolloutState orders_state) {
    publish(of_delivered(shop_state, orders_state));
    return json_of(get("/api/v1/trains/r1")).value("exit_code", -1);
  };
  EXPECT_EQ(code(RolloutState::promoted, RolloutState::baking), -1);
  EXPECT_EQ(code(RolloutState::promoted, RolloutState::promoted), 0);
  EXPECT_EQ(code(RolloutState::promoted, RolloutState::recovered), 11);
  EXPECT_EQ(code(RolloutState::aborted, RolloutState::recovered), 11);
  EXPECT_EQ(code(RolloutState::recovered, RolloutState::not_recovered), 14);
  EXPECT_EQ(code(RolloutState::aborted, RolloutState::promoted), 15);
}

TEST_F(TrainsTest, TheOneThatFailedByItselfSaysWhyNotTheOneThatWentBackWithIt) {
  begin(kBody);
  rules::Snapshot snapshot = of_delivered(RolloutState::recovered, RolloutState::recovered);
  snapshot.services[0].rollout->rule = "errors";
  snapshot.services[1].rollout->rule = rules::kTrainRule;
  publish(snapshot);
  const auto train = json_of(get("/api/v1/trains/r1"));
  EXPECT_EQ(train.at("rollouts").at(0).at("service"), "orders") << "which comes first";
  EXPECT_THAT(train.at("why").get<std::string>(), testing::StartsWith("shop v2: "));
}

TEST_F(TrainsTest, OneThatShouldHaveGoneBackAndDidNotIs14) {
  begin(kBody);
  rules::Snapshot snapshot = of_delivered(RolloutState::promoted, RolloutState::recovered);
  snapshot.services[1].rollout->takes_all_back = true;
  snapshot.services[1].rollout->verdict = rules::Outcome::fail;
  publish(snapshot);
  EXPECT_EQ(json_of(get("/api/v1/trains/r1")).at("exit_code"), 14);
  // What could not be rolled back with the others has not gone back either.
  snapshot.services[0].rollout->state = RolloutState::failed;
  snapshot.services[0].rollout->verdict = rules::Outcome::fail;
  for (const bool is_of_train : {true, false}) {
    snapshot.services[0].rollout->rule = is_of_train ? rules::kTrainRule : "errors";
    publish(snapshot);
    EXPECT_EQ(json_of(get("/api/v1/trains/r1")).at("exit_code"), is_of_train ? 14 : 10);
  }
}

TEST_F(TrainsTest, AnAbortIsOneCommandForAllOfIt) {
  EXPECT_EQ(problem_of(post("/api/v1/trains/r1/abort", "{}")), "unknown-train");
  begin(kBody);
  publish(of_delivered(RolloutState::pending, RolloutState::baking));
  const net::Outgoing waiting = post("/api/v1/trains/r1/abort", R"({"reason":"lunch"})");
  const auto& command = *std::get<Boxed<rules::OperatorCommand>>(delivered_.back());
  EXPECT_EQ(command.train, "r1");
  EXPECT_EQ(command.reason, "lunch");
  delivered_.pop_back();
  publish(of_delivered(RolloutState::aborted, RolloutState::aborted));
  EXPECT_EQ(waiting.later()->status, 200);
}

TEST_F(TrainsTest, AnAbortThatIsAskedForAgainIsTheSameAbort) {
  begin(kBody);
  const auto again = [this](RolloutState shop_state, RolloutState orders_state) {
    publish(of_delivered(shop_state, orders_state));
    return post("/api/v1/trains/r1/abort", "{}");
  };
  const net::Outgoing aborted = again(RolloutState::aborted, RolloutState::aborted);
  EXPECT_EQ(aborted.status, 200);
  EXPECT_EQ(json_of(aborted).at("exit_code"), 15);
  EXPECT_EQ(again(RolloutState::aborted, RolloutState::promoted).status, 200);
  EXPECT_EQ(problem_of(again(RolloutState::promoted, RolloutState::promoted)), "rollout-ended");
  EXPECT_EQ(problem_of(again(RolloutState::aborted, RolloutState::recovered)), "rollout-ended");
  EXPECT_EQ(delivered_.size(), 1U) << "nothing but its begin";
}

}  // namespace
}  // namespace belay::test
