// A rollout that begins while something is still done about the one before it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using Phase = ActionOutcome::Phase;

constexpr const char* kErrors = "error rate > 5% over 10s, min 20 requests, for 5s";
const std::vector<Then> kRunFirst = {{.kind = Then::Kind::run, .name = "fix"},
                                     {.kind = Then::Kind::rollback}};

Plan plan_of(std::vector<Then> rungs) {
  Plan plan = EngineRig::plan_of({}, {make_rule("errors", kErrors, "rollback")});
  plan.services[0].verify_for = 1min;
  plan.services[0].cooldown = 0s;
  plan.services[0].on_fail = std::move(rungs);
  return plan;
}

RolloutStarted rollout_of(const EngineRig& rig, const char* candidate) {
  return {
      .at = rig.now(), .service = "shop", .candidate = candidate, .baseline = "v1", .lasts = 10min};
}

void serve(EngineRig& rig, const char* version, std::uint16_t status = 200, int per_second = 20) {
  rig.stream(version, per_second, {.version = version, .status = status});
}

void answer(EngineRig& rig, Phase phase, std::size_t order) {
  rig.push(ActionOutcome{.at = rig.now(), .intent = rig.orders.at(order).intent, .phase = phase});
  rig.run(250ms);
}

/// v2 has failed, and the first that is done about it is on its way.
void fail(EngineRig& rig) {
  serve(rig, "v1");
  rig.run(12s);
  rig.push(rollout_of(rig, "v2"));
  serve(rig, "v2", 500);
  rig.run(20s);
  ASSERT_THAT(rig.orders, SizeIs(1));
}

const RollBack* rollback(const EngineRig& rig, std::size_t order) {
  return std::get_if<RollBack>(&rig.orders.at(order).action);
}

RolloutStatus older(const EngineRig& rig) { return rig.service().past.at(0); }
RolloutStatus newer(const EngineRig& rig) { return *rig.service().rollout; }

bool was_told(const EngineRig& rig, Notice::Kind kind, const std::string& part) {
  for (const Notice& notice : rig.notices_of(kind))
    if (notice.headline.find(part) != std::string::npos) return true;
  return false;
}

TEST(TwoRollouts, ANewerOneWithoutTrafficLeavesTheOlderOnesLadderAsItIs) {
  for (const bool is_driving : {false, true})
    for (const Mode mode : {Mode::enforce, Mode::observe}) {
      if (is_driving && mode == Mode::observe) continue;
      SCOPED_TRACE(std::string(name_of(mode)) + (is_driving ? " driving" : " attached"));
      EngineRig rig(plan_of(kRunFirst));
      fail(rig);
      answer(rig, Phase::applied, 0);
      rig.run(3s);
      RolloutStarted next = rollout_of(rig, "v3");
      next.mode = mode;
      next.is_driving = is_driving;
      if (is_driving) next.steps = *parse_steps("10% for 30s, 100%");
      rig.push(next);
      rig.run(1min);
      ASSERT_THAT(rig.orders, SizeIs(2)) << "v2 fails on: the rollback comes next";
      ASSERT_NE(rollback(rig, 1), nullptr);
      EXPECT_EQ(rollback(rig, 1)->expected, "v2");
      EXPECT_TRUE(rig.notices_of(Notice::Kind::inconclusive).empty());
      serve(rig, "v2", 500, 0);
      answer(rig, Phase::applied, 1);
      rig.run(65s);
      EXPECT_EQ(older(rig).state, RolloutState::recovered);
      EXPECT_THAT(rig.orders, SizeIs(is_driving ? 3 : 2)) << "it drives once that is over";
    }
}

TEST(TwoRollouts, NoRollbackTakesOutWhatOnlyWatchesAndHasTraffic) {
  for (const Mode mode : {Mode::observe, Mode::recommend}) {
    EngineRig rig(plan_of(kRunFirst));
    fail(rig);
    answer(rig, Phase::applied, 0);
    RolloutStarted next = rollout_of(rig, "v3");
    next.mode = mode;
    rig.push(next);
    serve(rig, "v3");
    rig.run(2min);
    EXPECT_THAT(rig.orders, SizeIs(1));
    EXPECT_EQ(older(rig).state, RolloutState::not_recovered);
    EXPECT_THAT(older(rig).why, HasSubstr("v3 has come since and has traffic"));
    EXPECT_TRUE(was_told(rig, Notice::Kind::not_acted, "did not roll back from v2 to v1"));
    EXPECT_EQ(newer(rig).state, RolloutState::baking);
  }
}

TEST(TwoRollouts, NorDoesOneThatWasOrderedBeforeThat) {
  for (const Mode mode : {Mode::observe, Mode::recommend}) {
    EngineRig rig(plan_of({{.kind = Then::Kind::rollback}}));
    fail(rig);
    answer(rig, Phase::unknown, 0);
    RolloutStarted next = rollout_of(rig, "v3");
    next.mode = mode;
    rig.push(next);
    rig.run(5s);
    EXPECT_TRUE(rig.recalls.empty()) << "v3 has no traffic yet";
    serve(rig, "v3");
    rig.run(5s);
    ASSERT_THAT(rig.recalls, SizeIs(1));
    EXPECT_EQ(rig.recalls[0].intent, rig.orders[0].intent);
    EXPECT_EQ(rig.recalls[0].why,
              "v3 has come since and has traffic: a rollback would take it out");
  }
}

TEST(TwoRollouts, TheSameVersionSentAgainBeginsNoLadderAnew) {
  EngineRig rig(plan_of(kRunFirst));
  fail(rig);
  answer(rig, Phase::applied, 0);
  rig.run(3s);
  rig.push(rollout_of(rig, "v2"));
  rig.run(1min);
  ASSERT_THAT(rig.orders, SizeIs(2));
  ASSERT_NE(rollback(rig, 1), nullptr) << "the second rung of the first ladder";
  answer(rig, Phase::applied, 1);
  serve(rig, "v2", 500, 0);
  rig.run(3min);
  EXPECT_THAT(rig.orders, SizeIs(2));
  EXPECT_EQ(older(rig).state, RolloutState::recovered);
  EXPECT_NE(newer(rig).state, RolloutState::promoted);
}

/// v2 was rolled back, and comes again after `away`.
void send_again(EngineRig& rig, Duration away) {
  fail(rig);
  answer(rig, Phase::applied, 0);
  serve(rig, "v2", 500, 0);
  rig.run(away);
  serve(rig, "v2");
  rig.push(rollout_of(rig, "v2"));
  rig.run(15s);
  serve(rig, "v2", 500);
  rig.run(15s);
}

TEST(TwoRollouts, TheSameVersionSentAgainAfterItWasGoneIsRolledBackAgain) {
  EngineRig rig(plan_of({{.kind = Then::Kind::rollback}}));
  send_again(rig, 8s);
  EXPECT_EQ(older(rig).state, RolloutState::inconclusive);
  EXPECT_EQ(older(rig).why, "v2 was deployed again");
  ASSERT_THAT(rig.orders, SizeIs(2));
  EXPECT_EQ(rig.orders[1].rollout, newer(rig).id);
  EXPECT_EQ(newer(rig).state, RolloutState::rolling_back);
}

TEST(TwoRollouts, TheSameVersionSentAgainSoonIsHeldBackByTheCooldownAsAnyOther) {
  Plan plan = plan_of({{.kind = Then::Kind::rollback}});
  plan.services[0].cooldown = 10min;
  EngineRig rig(plan);
  send_again(rig, 8s);
  EXPECT_THAT(rig.orders, SizeIs(1));
  EXPECT_EQ(newer(rig).state, RolloutState::failed);
  EXPECT_TRUE(was_told(rig, Notice::Kind::not_acted, "did not roll back from v2 to v1: cooldown"));
}

TEST(TwoRollouts, OneThatNeverWentAwayIsToldWhatWasDoneAndThatNothingMoreIs) {
  EngineRig rig(plan_of({{.kind = Then::Kind::rollback}}));
  send_again(rig, 2s);
  EXPECT_THAT(rig.orders, SizeIs(1));
  EXPECT_TRUE(was_told(rig, Notice::Kind::not_acted, "did not roll back: v2 was rolled back at "));
}

/// The rollback of v2 is not known to be done, and v3 fails as well.
void fail_behind(EngineRig& rig) {
  fail(rig);
  answer(rig, Phase::unknown, 0);
  serve(rig, "v2", 500, 0);
  rig.push(rollout_of(rig, "v3"));
  serve(rig, "v3");
  rig.run(15s);
  serve(rig, "v3", 500);
  rig.run(15s);
  EXPECT_EQ(newer(rig).state, RolloutState::rolling_back);
  EXPECT_THAT(rig.orders, SizeIs(1)) << "one at a time";
  const Instant begun = rig.orders[0].at;
  EXPECT_TRUE(was_told(rig, Notice::Kind::not_acted, "waits before it can "));
  EXPECT_TRUE(was_told(rig, Notice::Kind::not_acted,
                       " was begun at " + format_utc(begun) +
                           " and has not ended: Belay finds out how it ended, or gives it up, "
                           "until " +
                           format_utc(begun + 10min)));
}

TEST(TwoRollouts, AFailWaitsForWhatIsStillOpenAndNobodySaysRecovered) {
  for (const Phase phase : {Phase::applied, Phase::already, Phase::abandoned, Phase::rejected,
                            Phase::conflict, Phase::superseded}) {
    SCOPED_TRACE(name_of(phase));
    const bool was_done =
        phase == Phase::applied || phase == Phase::already || phase == Phase::abandoned;
    Plan plan = plan_of({{.kind = Then::Kind::rollback}});
    // What changed nothing is no action that the next must wait for.
    if (!was_done) plan.services[0].cooldown = 10min;
    EngineRig rig(plan);
    fail_behind(rig);
    answer(rig, phase, 0);
    ASSERT_THAT(rig.orders, SizeIs(2));
    ASSERT_NE(rollback(rig, 1), nullptr);
    EXPECT_EQ(rollback(rig, 1)->expected, "v3");
    EXPECT_EQ(older(rig).state, was_done ? RolloutState::inconclusive : RolloutState::superseded);
    EXPECT_TRUE(rig.notices_of(Notice::Kind::recovered).empty());
    serve(rig, "v3", 500, 0);
    answer(rig, Phase::applied, 1);
    rig.run(65s);
    EXPECT_EQ(newer(rig).state, RolloutState::recovered);
    EXPECT_THAT(rig.orders, SizeIs(2));
  }
}

TEST(TwoRollouts, WhatWasNeverSentOfTheOlderOneIsTakenBack) {
  EngineRig rig(plan_of(
      {{.kind = Then::Kind::run, .name = "fix"}, {.kind = Then::Kind::run, .name = "note"}}));
  fail_behind(rig);
  ASSERT_THAT(rig.recalls, SizeIs(1));
  EXPECT_EQ(rig.recalls[0].intent, rig.orders[0].intent);
  EXPECT_EQ(rig.recalls[0].why, "another rollout began: v3");
  answer(rig, Phase::rejected, 0);
  ASSERT_THAT(rig.orders, SizeIs(2)) << "and no further rung of its ladder";
  EXPECT_EQ(rig.orders[1].candidate, "v3");
}

TEST(TwoRollouts, AReadingOfBeforeTheRollbackIsNotWhatTheNextOneFinds) {
  struct Case {
    bool is_read_again;
    const char* baseline;
    double percent;
  };
  for (const auto& [is_read_again, baseline, percent] :
       {Case{false, "v1", 100}, Case{true, "v1", 99}, Case{false, "v5", 100}}) {
    EngineRig rig(plan_of({{.kind = Then::Kind::rollback}}));
    const auto live = [&rig](std::vector<Deployment::Share> shares) {
      rig.push(
          Deployment{.service = "shop", .at = rig.now(), .id = "d", .versions = std::move(shares)});
    };
    live({{"v1", 70}, {"v2", 30}});
    fail(rig);
    rig.run(1s);
    answer(rig, Phase::applied, 0);
    serve(rig, "v2", 200, 0);
    rig.run(90s);
    if (is_read_again) live({{"v1", 99}, {"v4", 1}});
    RolloutStarted next = rollout_of(rig, "v3");
    next.steps = *parse_steps("30% for 20s, 100%");
    next.is_driving = true;
    next.baseline = baseline;
    rig.push(next);
    rig.run(12s);
    rig.push(OperatorCommand{.kind = OperatorCommand::Kind::approve,
                             .at = rig.now(),
                             .rollout = newer(rig).id,
                             .by = "ann"});
    rig.run(2s);
    ASSERT_THAT(rig.orders, SizeIs(2));
    const auto& expected = std::get<MoveTraffic>(rig.orders[1].action).expected;
    EXPECT_EQ(expected.size(), is_read_again ? 2U : 1U);
    EXPECT_EQ(expected[0].percent, percent);
    EXPECT_EQ(expected[0].version, baseline);
  }
}

TEST(TwoRollouts, WhatWasJustPromotedIsTheBaselineThoughNobodyHasReadIt) {
  EngineRig rig(plan_of({{.kind = Then::Kind::rollback}}));
  const auto drive = [&rig](const char* candidate, const char* steps) {
    rig.push(RolloutStarted{.at = rig.now(),
                            .service = "shop",
                            .candidate = candidate,
                            .steps = *parse_steps(steps),
                            .is_driving = true});
    rig.run(2s);
  };
  serve(rig, "v1");
  rig.push(Deployment{.service = "shop", .at = rig.now(), .id = "d", .versions = {{"v1", 100}}});
  rig.run(12s);
  drive("v2", "10% for 20s, 100%");
  serve(rig, "v2");
  ASSERT_THAT(rig.orders, SizeIs(1));
  answer(rig, Phase::applied, 0);
  rig.push(Deployment{
      .service = "shop", .at = rig.now(), .id = "d", .versions = {{"v1", 90}, {"v2", 10}}});
  rig.run(25s);
  ASSERT_THAT(rig.orders, SizeIs(2));
  answer(rig, Phase::applied, 1);
  rig.run(1s);
  ASSERT_EQ(newer(rig).state, RolloutState::promoted);
  drive("v3", "10% for 20s, 100%");
  EXPECT_EQ(newer(rig).baseline, "v2");
  ASSERT_THAT(rig.orders, SizeIs(3));
  EXPECT_EQ(std::get<MoveTraffic>(rig.orders[2].action).expected[0].version, "v2");
}

TEST(TwoRollouts, NothingIsDrivenThatCouldNotBeTakenBackYet) {
  Plan plan = plan_of({{.kind = Then::Kind::rollback}});
  plan.services[0].cooldown = 5min;
  EngineRig rig(plan);
  fail(rig);
  answer(rig, Phase::applied, 0);
  serve(rig, "v2", 200, 0);
  rig.run(90s);
  RolloutStarted next = rollout_of(rig, "v3");
  next.steps = *parse_steps("30% for 20s, 100%");
  next.is_driving = true;
  rig.push(next);
  rig.run(15s);
  EXPECT_EQ(newer(rig).held, HoldReason::preflight);
  EXPECT_THAT(newer(rig).why, HasSubstr("it could not be taken back yet: cooldown"));
  rig.run(4min);
  EXPECT_THAT(rig.orders, SizeIs(2)) << "the cooldown is over";
}

TEST(TwoRollouts, OneReadingOfBeforeTheRollbackIsNobodysDeployment) {
  for (const bool is_read_again : {false, true}) {
    EngineRig rig(plan_of({{.kind = Then::Kind::rollback}}));
    const auto live = [&rig](const char* other) {
      rig.push(Deployment{
          .service = "shop", .at = rig.now(), .id = "d", .versions = {{"v1", 70}, {other, 30}}});
      rig.run(6s);
    };
    fail(rig);
    answer(rig, Phase::applied, 0);
    serve(rig, "v2", 200, 0);
    rig.run(90s);
    rig.push(rollout_of(rig, "v3"));
    serve(rig, "v3");
    live("v3");
    live("v2");
    EXPECT_EQ(newer(rig).state, RolloutState::baking) << "it may be older than the one before it";
    live(is_read_again ? "v2" : "v3");
    live(is_read_again ? "v2" : "v3");
    EXPECT_EQ(newer(rig).state, is_read_again ? RolloutState::superseded : RolloutState::baking);
  }
}

}  // namespace
}  // namespace belay::rules
