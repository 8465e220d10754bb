// Goal: a request becomes one event, and is answered once a snapshot shows it. Method: the API
// without a socket; the test publishes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/monitor/api/api_fixture.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class ChangesTest : public ApiTest {
 protected:
  ChangesTest() { has_past_ = false; }

  /// The answer that waits, asked again.
  static net::Outgoing known(const net::Outgoing& waiting) {
    if (!waiting.later) return waiting;
    return waiting.later().value_or(net::Outgoing{.status = 0});
  }
  net::Outgoing begin(const std::string& key, const std::string& more = "") {
    net::Incoming asking =
        request("POST", "/api/v1/rollouts", kGateToken,
                R"({"service":"shop","candidate":"v2","for":"10m")" + more + "}");
    if (!key.empty()) asking.headers.push_back({"Idempotency-Key", key});
    return ask(asking);
  }
  std::string id_of_last() {
    return delivered_.empty() ? "" : std::get<Boxed<rules::RolloutStarted>>(delivered_.back())->id;
  }
  void publish_rollout(const rules::RolloutStatus& rollout) {
    rules::Snapshot snapshot = shop();
    snapshot.services[0].rollout = rollout;
    publish(snapshot);
  }
};

TEST_F(ChangesTest, ADisarmIsAnsweredWhenItIsShown) {
  const net::Outgoing waiting =
      post("/api/v1/disarm", R"({"service":"shop","for":"2h","by":"ann"})");
  ASSERT_EQ(delivered_.size(), 1U);
  const auto& disarmed = *std::get<Boxed<rules::Disarmed>>(delivered_[0]);
  EXPECT_EQ(disarmed.service, "shop");
  EXPECT_EQ(disarmed.until, now_ + 2h);
  EXPECT_EQ(disarmed.by, "ann (ci)");
  EXPECT_EQ(known(waiting).status, 0) << "answered before anything was shown";
  rules::Snapshot snapshot = shop();
  publish(snapshot);
  EXPECT_EQ(known(waiting).status, 0) << "answered with a snapshot from before";
  snapshot.services[0].disarmed_until = now_ + 2h;
  publish(snapshot);
  const net::Outgoing answer = known(waiting);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(json_of(answer).at("until_ms"), unix_ms(now_ + 2h));
}

TEST_F(ChangesTest, WithoutAJournalNothingIsChanged) {
  is_recorded_ = false;
  const net::Outgoing answer = post("/api/v1/disarm", R"({"for":"2h"})");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(problem_of(answer), "not-recorded");
  EXPECT_EQ(header_of(answer, "Retry-After"), "5");
  EXPECT_TRUE(delivered_.empty());
}

TEST_F(ChangesTest, WhatIsShownAndWasNotRecordedIsNoChange) {
  const net::Outgoing waiting = post("/api/v1/disarm", R"({"service":"shop","for":"2h"})");
  ASSERT_EQ(delivered_.size(), 1U);
  is_recorded_ = false;
  rules::Snapshot snapshot = shop();
  publish(snapshot);
  snapshot.services[0].disarmed_until = now_ + 2h;
  publish(snapshot);
  const net::Outgoing answer = known(waiting);
  EXPECT_EQ(answer.status, 503) << "no restart would know of the disarm";
  EXPECT_EQ(problem_of(answer), "not-recorded");
}

TEST_F(ChangesTest, NothingIsEnforcedWhileNobodyWouldBePaged) {
  has_page_ = false;
  const net::Outgoing answer = begin("", R"(,"mode":"enforce")");
  EXPECT_EQ(answer.status, 422);
  EXPECT_THAT(answer.body, HasSubstr("notify: page"));
  EXPECT_TRUE(delivered_.empty());
  begin("", R"(,"mode":"recommend")");
  EXPECT_EQ(delivered_.size(), 1U);
}

TEST_F(ChangesTest, BodiesAreReadStrictly) {
  const auto refused = [this](const std::string& body) {
    return problem_of(post("/api/v1/disarm", body));
  };
  EXPECT_EQ(refused("{"), "bad-request");
  EXPECT_EQ(refused("[]"), "bad-request");
  EXPECT_EQ(refused(R"({"for":"1h","for":"2h"})"), "bad-request");
  EXPECT_EQ(refused(R"({"for":)" + std::string(5000, '[') + "}"), "bad-request");
  EXPECT_EQ(refused(R"({"for":7})"), "invalid");
  EXPECT_EQ(refused(R"({"for":"soon"})"), "invalid");
  EXPECT_EQ(refused(R"({"for":"100000h"})"), "invalid");
  EXPECT_EQ(refused("{}"), "invalid");
  EXPECT_EQ(refused(R"({"for":"1h","service":"a\u0000b"})"), "invalid");
  EXPECT_EQ(refused(R"({"for":"1h","service":"nope"})"), "unknown-service");
  EXPECT_THAT(post("/api/v1/disarm", R"({"for":"1h","servce":"shop"})").body,
              HasSubstr("did you mean service?"));
  net::Incoming form = request("POST", "/api/v1/disarm", kGateToken, "for=1h");
  form.headers.back().value = "application/x-www-form-urlencoded";
  EXPECT_EQ(problem_of(ask(form)), "media-type");
  EXPECT_TRUE(delivered_.empty());
}

TEST_F(ChangesTest, ARuleThatIsNotThereCannotBeSilenced) {
  EXPECT_THAT(post("/api/v1/silences", R"({"rule":"shop-5x","for":"1h"})").body,
              HasSubstr("did you mean shop-5xx?"));
  for (const char* rule : {"shop-5xx", "default/errors"}) {
    post("/api/v1/silences", R"({"rule":")" + std::string(rule) + R"(","for":"1h"})");
    EXPECT_EQ(std::get<Boxed<rules::Silenced>>(delivered_.back())->rule, rule);
  }
}

TEST_F(ChangesTest, ARolloutIsCreatedOnceForAKey) {
  const net::Outgoing waiting = begin("run 1");
  const std::string id = id_of_last();
  ASSERT_EQ(id.size(), 36U);
  publish_rollout(rollout(id));
  const net::Outgoing created = known(waiting);
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(header_of(created, "Location"), "/api/v1/rollouts/" + id);
  const net::Outgoing again = begin("run 1");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(json_of(again).at("id"), id);
  EXPECT_EQ(delivered_.size(), 1U);
  begin("run 2");
  EXPECT_NE(id_of_last(), id);
}

TEST_F(ChangesTest, ARepeatThatComesBeforeTheSnapshotIsTheSameRollout) {
  begin("run 1");
  const std::string id = id_of_last();
  begin("run 1", R"(,"by":"someone else")");
  EXPECT_EQ(id_of_last(), id);
}

TEST_F(ChangesTest, AnotherBodyUnderTheSameKeyIsRefused) {
  begin("run 1");
  const std::string id = id_of_last();
  const net::Outgoing refused = begin("run 1", R"(,"baseline":"v1")");
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(problem_of(refused), "key-reused");
  EXPECT_EQ(json_of(refused).at("rollout"), id);
  EXPECT_EQ(delivered_.size(), 1U);
}

TEST_F(ChangesTest, WithoutAKeyEveryRequestIsARolloutOfItsOwn) {
  begin("");
  const std::string id = id_of_last();
  begin("");
  EXPECT_NE(id_of_last(), id);
}

TEST_F(ChangesTest, WhatTheEngineDoesNotBeginIsSaidWithItsReason) {
  const net::Outgoing waiting = begin("run 1");
  for (const char* of : {"v2", "v9"})
    newest_.notify({.kind = rules::Notice::Kind::rollout_ended,
                    .service = "shop",
                    .candidate = of,
                    .headline = std::string(of) + " not begun, because of a freeze"});
  publish(shop());
  publish(shop());
  const net::Outgoing refused = known(waiting);
  EXPECT_THAT(refused.body, HasSubstr("v2 not begun, because of a freeze")) << refused.status;
  begin("run 1", R"(,"baseline":"v1")");
  EXPECT_EQ(delivered_.size(), 2U) << "the key is free for the request that was mended";
}

TEST_F(ChangesTest, ARolloutIsReadStrictly) {
  const auto refused = [this](const std::string& body) {
    return problem_of(post("/api/v1/rollouts", body));
  };
  EXPECT_EQ(refused(R"({"candidate":"v2"})"), "invalid");
  EXPECT_EQ(refused(R"({"service":"shop","candidate":"v2","baseline":"v2"})"), "invalid");
  EXPECT_EQ(refused(R"({"service":"shop","candidate":"v2","mode":"enforced"})"), "invalid");
  EXPECT_EQ(refused(R"({"service":"shop","candidate":"v2","steps":"x"})"), "invalid");
  EXPECT_EQ(refused(R"({"service":"shop","candidate":"v2","for":"1m","steps":"100%"})"), "invalid");
  EXPECT_EQ(refused(R"({"service":"shop","candidate":"v2","committed_at":"today"})"), "invalid");
  EXPECT_EQ(refused(R"({"service":"nope","candidate":"v2"})"), "unknown-service");
  EXPECT_TRUE(delivered_.empty());
  post("/api/v1/rollouts",
       R"({"service":"shop","candidate":"v2","steps":"10% for 5m, 100%","mode":"enforce",)"
       R"("driving":true,"commit":"abc","committed_at":"2026-11-20T13:45:20Z"})");
  ASSERT_EQ(delivered_.size(), 1U);
  const auto& started = *std::get<Boxed<rules::RolloutStarted>>(delivered_[0]);
  EXPECT_EQ(started.steps.size(), 2U);
  EXPECT_EQ(started.mode, rules::Mode::enforce);
  EXPECT_TRUE(started.is_driving);
  EXPECT_EQ(started.committed_at, parse_rfc3339("2026-11-20T13:45:20Z"));
}

TEST_F(ChangesTest, WhereNothingSaysHowLongItIsToldHowToSayIt) {
  stepless_ = "shop";
  const net::Outgoing refused = post("/api/v1/rollouts", R"({"service":"shop","candidate":"v2"})");
  EXPECT_EQ(problem_of(refused), "invalid");
  EXPECT_THAT(refused.body, HasSubstr("for: nothing says how long to watch: give a time (`--for"));
  EXPECT_TRUE(delivered_.empty()) << "nobody is paged for it";
  EXPECT_EQ(problem_of(post("/api/v1/rollouts", R"({"service":"nope","candidate":"v2"})")),
            "unknown-service");
  for (const char* more : {R"("for":"5m")", R"("steps":"10% for 5m, 100%")", R"("driving":true)"})
    post("/api/v1/rollouts", R"({"service":"shop","candidate":"v2",)" + std::string(more) + "}");
  EXPECT_EQ(delivered_.size(), 3U);
}

TEST_F(ChangesTest, TrafficIsMovedAsTheServiceSaysWhereTheRequestDoesNot) {
  driven_ = "shop";
  const auto is_driving = [this](const std::string& more) {
    delivered_.clear();
    post("/api/v1/rollouts", R"({"service":"shop","candidate":"v2")" + more + "}");
    return delivered_.size() == 1 &&
           std::get<Boxed<rules::RolloutStarted>>(delivered_[0])->is_driving;
  };
  EXPECT_TRUE(is_driving(""));
  EXPECT_TRUE(is_driving(R"(,"steps":"10% for 5m, 100%")"));
  EXPECT_FALSE(is_driving(R"(,"driving":false)"));
  EXPECT_FALSE(is_driving(R"(,"for":"5m")")) << "a time to watch what somebody has moved";
  EXPECT_FALSE(is_driving(R"(,"mode":"recommend")")) << "which moves nothing";
  driven_ = "another";
  EXPECT_FALSE(is_driving(""));
}

TEST_F(ChangesTest, ACommandIsAnsweredWhenTheRolloutObeys) {
  publish_rollout(rollout("one"));
  const net::Outgoing waiting = post("/api/v1/rollouts/one/pause", R"({"reason":"lunch"})");
  ASSERT_EQ(delivered_.size(), 1U);
  const auto& command = *std::get<Boxed<rules::OperatorCommand>>(delivered_[0]);
  EXPECT_EQ(command.kind, rules::OperatorCommand::Kind::pause);
  EXPECT_EQ(command.rollout, "one");
  EXPECT_EQ(command.reason, "lunch");
  EXPECT_EQ(known(waiting).status, 0);
  rules::RolloutStatus held = rollout("one");
  held.state = rules::RolloutState::held;
  held.held = rules::HoldReason::paused;
  publish_rollout(held);
  EXPECT_EQ(known(waiting).status, 200);
  EXPECT_EQ(json_of(known(waiting)).at("held"), "paused");
}

TEST_F(ChangesTest, ACommandThatTheEngineDoesNotFollowIsAConflict) {
  publish_rollout(rollout("one"));
  const net::Outgoing waiting = post("/api/v1/rollouts/one/promote", "");
  rules::RolloutStatus refusing = rollout("one");
  refusing.timeline.push_back({.at = now_, .what = "did not promote: errors fires"});
  publish_rollout(refusing);
  EXPECT_EQ(problem_of(known(waiting)), "refused");
  EXPECT_EQ(json_of(known(waiting)).at("detail"), "errors fires");
}

TEST_F(ChangesTest, APromotionIsObeyedWhileItsTrafficIsStillOnItsWay) {
  publish_rollout(rollout("one"));
  const net::Outgoing waiting = post("/api/v1/rollouts/one/promote", "");
  rules::RolloutStatus moving = rollout("one");
  moving.timeline.push_back({.at = now_, .what = "moving 50%: promoted by ci"});
  publish_rollout(moving);
  EXPECT_EQ(known(waiting).status, 0) << "it may still be refused";
  publish_rollout(moving);
  EXPECT_EQ(known(waiting).status, 200) << "asked for again it would take a step too many";
}

TEST_F(ChangesTest, WhatTheEngineRefusesIsAConflictAlsoWhereNothingStoodAgainstIt) {
  for (const std::string command : {"approve", "resume"}) {
    rules::RolloutStatus baking = rollout("one");
    const std::string said = "did not " + command + ": ";
    baking.timeline.push_back({.at = now_ - 1s, .what = said + "an older reason"});
    publish_rollout(baking);
    const net::Outgoing waiting = post("/api/v1/rollouts/one/" + command, "");
    baking.timeline.push_back({.at = now_, .what = "something else happens"});
    publish_rollout(baking);
    EXPECT_EQ(known(waiting).status, 0) << "nobody knows yet whether it is obeyed";
    baking.timeline.push_back({.at = now_, .what = command + " by ci"});
    baking.timeline.push_back({.at = now_, .what = said + "nothing waits for it"});
    publish_rollout(baking);
    const net::Outgoing refused = known(waiting);
    EXPECT_EQ(refused.status, 409) << command;
    EXPECT_EQ(json_of(refused).at("detail"), "nothing waits for it");
  }
}

TEST_F(ChangesTest, AnApprovalOfWhatIsNotHeldForOneIsAnsweredOnceTheEngineHasSeenIt) {
  rules::RolloutStatus frozen = rollout("one");
  frozen.state = rules::RolloutState::held;
  frozen.held = rules::HoldReason::freeze;
  publish_rollout(frozen);
  const net::Outgoing waiting = post("/api/v1/rollouts/one/approve", "");
  frozen.timeline.push_back({.at = now_, .what = "approve by ci"});
  publish_rollout(frozen);
  publish_rollout(frozen);
  EXPECT_EQ(known(waiting).status, 200);
}

TEST_F(ChangesTest, ARollbackIsAnsweredWhenItIsUnderWayAndAskedForAgainIsTheSame) {
  publish_rollout(rollout("one"));
  const net::Outgoing waiting =
      post("/api/v1/rollouts/one/rollback", R"({"reason":"wrong branch","by":"ann"})");
  ASSERT_EQ(delivered_.size(), 1U);
  const auto& command = *std::get<Boxed<rules::OperatorCommand>>(delivered_[0]);
  EXPECT_EQ(command.kind, rules::OperatorCommand::Kind::rollback);
  EXPECT_EQ(command.by, "ann (ci)");
  EXPECT_EQ(known(waiting).status, 0);
  rules::RolloutStatus back = rollout("one");
  back.state = rules::RolloutState::rolling_back;
  back.verdict = rules::Outcome::fail;
  publish_rollout(back);
  EXPECT_EQ(known(waiting).status, 200);
  const net::Outgoing again = post("/api/v1/rollouts/one/rollback", "");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(json_of(again).at("state"), "rolling_back");
  EXPECT_EQ(delivered_.size(), 1U) << "once, and no more";
}

TEST_F(ChangesTest, ARollbackThatMayNotBeIsRefusedWithItsReason) {
  publish_rollout(rollout("one"));
  const net::Outgoing waiting = post("/api/v1/rollouts/one/rollback", "");
  rules::RolloutStatus refused = rollout("one");
  refused.timeline.push_back({.at = now_, .what = "did not rollback: disarmed until tomorrow"});
  publish_rollout(refused);
  publish_rollout(refused);
  EXPECT_EQ(problem_of(known(waiting)), "refused");
  EXPECT_THAT(known(waiting).body, HasSubstr("disarmed until tomorrow"));
}

TEST_F(ChangesTest, AKeyThatIsEmptyIsRefusedAndNotTakenForNone) {
  net::Incoming asking = request("POST", "/api/v1/rollouts", kGateToken,
                                 R"({"service":"shop","candidate":"v2","for":"10m"})");
  asking.headers.push_back({"Idempotency-Key", ""});
  const net::Outgoing refused = ask(asking);
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("1 to 255 bytes"));
  EXPECT_TRUE(delivered_.empty());
}

TEST_F(ChangesTest, AnAliasIsTheServiceAndTheSameRequest) {
  rules::Snapshot snapshot = shop();
  snapshot.services[0].aliases = {"shop-worker"};
  rules::ServiceStatus other{.name = "till", .aliases = {"shop"}};
  snapshot.services.push_back(other);
  publish(snapshot);
  begin("run 1");
  const std::string id = id_of_last();
  net::Incoming asking = request("POST", "/api/v1/rollouts", kGateToken,
                                 R"({"service":"shop-worker","candidate":"v2","for":"10m"})");
  asking.headers.push_back({"Idempotency-Key", "run 1"});
  ask(asking);
  EXPECT_EQ(id_of_last(), id);
  EXPECT_EQ(std::get<Boxed<rules::RolloutStarted>>(delivered_.back())->service, "shop");
  post("/api/v1/disarm", R"({"service":"shop-worker","for":"1h"})");
  EXPECT_EQ(std::get<Boxed<rules::Disarmed>>(delivered_.back())->service, "shop");
  post("/api/v1/silences", R"({"service":"shop-worker","rule":"shop-5xx","for":"1h"})");
  EXPECT_EQ(std::get<Boxed<rules::Silenced>>(delivered_.back())->service, "shop");
}

TEST_F(ChangesTest, BeforeThePlatformWasReadThereIsNoBaselineToTake) {
  rules::Snapshot snapshot = shop();
  snapshot.sources.push_back(
      {.name = "platform", .service = "shop", .kind = rules::SourceKind::platform});
  publish(snapshot);
  EXPECT_EQ(problem_of(begin("run 1")), "not-ready");
  EXPECT_TRUE(delivered_.empty());
  begin("run 2", R"(,"baseline":"v1")");
  EXPECT_EQ(delivered_.size(), 1U) << "who names one need not wait";
  snapshot.sources[0].documents_total = 1;
  publish(snapshot);
  begin("run 3");
  EXPECT_EQ(delivered_.size(), 2U);
}

TEST_F(ChangesTest, ARolloutThatIsOverTakesNoCommand) {
  rules::RolloutStatus over = rollout("one");
  over.state = rules::RolloutState::promoted;
  over.ended = now_;
  publish_rollout(over);
  EXPECT_EQ(problem_of(post("/api/v1/rollouts/one/abort", "")), "rollout-ended");
  EXPECT_EQ(problem_of(post("/api/v1/rollouts/other/abort", "")), "unknown-rollout");
  EXPECT_TRUE(delivered_.empty());
}

TEST_F(ChangesTest, WhoAsksForARollbackOfWhatIsOverIsToldHowItEndedAndWhatToDo) {
  rules::RolloutStatus over = rollout("one");
  over.state = rules::RolloutState::failed;
  over.why = "shop-err: error rate 31%";
  over.ended = now_;
  publish_rollout(over);
  EXPECT_EQ(json_of(post("/api/v1/rollouts/one/rollback", "")).at("detail"),
            "it ended as failed: shop-err: error rate 31%; where " + over.candidate +
                " is still live, begin another rollout of it: that can be rolled back");
  EXPECT_EQ(json_of(post("/api/v1/rollouts/one/approve", "")).at("detail"),
            "it ended as failed: shop-err: error rate 31%");
}

}  // namespace
}  // namespace belay::test
