// A rollout whose traffic Belay moves.

#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

constexpr const char* kId = "11111111-1111-4111-8111-111111111111";
using Phase = ActionOutcome::Phase;

Plan plan_of() {
  Plan plan = EngineRig::plan_of(
      {}, {make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s", "rollback")});
  plan.services[0].verify_for = 20s;
  return plan;
}

RolloutStarted asked(Instant at) {
  return {.at = at,
          .service = "shop",
          .candidate = "v2",
          .baseline = "v1",
          .id = kId,
          .steps = *parse_steps("10% for 20s max 60s, 100%"),
          .is_driving = true};
}

void begin(EngineRig& rig) {
  rig.stream("v1", 20, {.version = "v1"});
  rig.run(15s);
  rig.push(asked(rig.now()));
  rig.run(2s);
}

void answer(EngineRig& rig, Phase phase) {
  rig.push(ActionOutcome{.at = rig.now(), .intent = rig.orders.back().intent, .phase = phase});
  rig.run(1s);
}

void say_live(EngineRig& rig, double candidate) {
  Deployment deployment{.service = "shop", .at = rig.now(), .id = "d", .versions = {}};
  if (candidate > 0) deployment.versions.push_back({"v2", candidate});
  if (candidate < 100) deployment.versions.push_back({"v1", 100 - candidate});
  rig.push(deployment);
  rig.run(1s);
}

RolloutStatus rollout(const EngineRig& rig) { return *rig.service().rollout; }

const MoveTraffic& move(const EngineRig& rig) {
  return std::get<MoveTraffic>(rig.orders.back().action);
}

TEST(Driving, OrdersTheFirstStepAndBakesFromWhenItIsThere) {
  EngineRig rig(plan_of());
  begin(rig);
  ASSERT_EQ(rig.orders.size(), 1U);
  EXPECT_EQ(move(rig).percent, 10);
  ASSERT_EQ(move(rig).expected.size(), 1U);
  EXPECT_EQ(move(rig).expected[0].version, "v1");
  EXPECT_EQ(rollout(rig).state, RolloutState::preflight);
  rig.run(1min);
  EXPECT_EQ(rollout(rig).state, RolloutState::preflight) << "nothing bakes while it is on its way";
  EXPECT_EQ(rig.orders.size(), 1U);
  answer(rig, Phase::applied);
  EXPECT_EQ(rollout(rig).state, RolloutState::baking);
  rig.stream("v2", 20, {.version = "v2"});
  rig.run(22s);
  ASSERT_EQ(rig.orders.size(), 2U);
  EXPECT_EQ(move(rig).percent, 100);
  EXPECT_EQ(move(rig).expected.size(), 2U);
  answer(rig, Phase::applied);
  rig.run(2s);
  EXPECT_EQ(rollout(rig).state, RolloutState::promoted);
  EXPECT_EQ(rig.service().actions_total.at("move/applied"), 2U);
}

TEST(Driving, APlanThatEndsBelowAllOfTheTrafficSaysSoAndLeavesABaselineForTheNext) {
  EngineRig rig(plan_of());
  rig.stream("v1", 20, {.version = "v1"});
  rig.run(15s);
  RolloutStarted small = asked(rig.now());
  small.steps = *parse_steps("10% for 20s max 60s");
  rig.push(small);
  rig.run(2s);
  EXPECT_NE(
      rig.notices_of(Notice::Kind::rollout_started)[0].details.back().find("its steps end at 10%"),
      std::string::npos);
  answer(rig, Phase::applied);
  rig.stream("v2", 5, {.version = "v2"});
  rig.run(30s);
  ASSERT_EQ(rollout(rig).state, RolloutState::promoted) << rollout(rig).why;
  EXPECT_NE(rollout(rig).why.find("its steps end at 10%: v1 keeps the rest of the traffic"),
            std::string::npos)
      << rollout(rig).why;
  RolloutStarted next = asked(rig.now());
  next.id = "22222222-2222-4222-8222-222222222222";
  next.candidate = "v3";
  rig.push(next);
  rig.run(2s);
  EXPECT_EQ(rig.orders.size(), 2U) << rollout(rig).why;
}

TEST(Driving, APromotionBeforeTheFirstStepSaysWhatItWaitsForAndWhatCanBeDone) {
  Plan plan = plan_of();
  plan.services[0].rollout.asks_preflight = true;
  EngineRig rig(plan);
  begin(rig);
  const auto say_promote = [&] {
    rig.push(OperatorCommand{
        .kind = OperatorCommand::Kind::promote, .at = rig.now(), .rollout = kId, .by = "ann"});
    rig.run(250ms);
    return rig.notices_of(Notice::Kind::not_acted).back().headline;
  };
  EXPECT_NE(say_promote().find("it begins by itself when nothing is in the way"),
            std::string::npos);
  rig.run(12s);
  ASSERT_EQ(rollout(rig).held, HoldReason::preflight);
  EXPECT_NE(say_promote().find("it is held (preflight), and approve lets it begin"),
            std::string::npos);
}

TEST(Driving, EachMoveHasItsIntentBeforeIt) {
  EngineRig rig(plan_of());
  begin(rig);
  const auto intent = std::find_if(rig.journal.begin(), rig.journal.end(), [](const auto& entry) {
    return entry.kind == JournalEntry::Kind::intent;
  });
  ASSERT_NE(intent, rig.journal.end());
  EXPECT_EQ(intent->intent, rig.orders[0].intent);
  EXPECT_NE(intent->text.find(R"("kind":"move")"), std::string::npos);
  EXPECT_NE(intent->text.find(R"("percent":10)"), std::string::npos) << intent->text;
  EXPECT_NE(intent->text.find(kId), std::string::npos);
}

TEST(Driving, AFailWhileTrafficIsOnItsWayIsActedUponWhenThatHasEnded) {
  EngineRig rig(plan_of());
  begin(rig);
  answer(rig, Phase::applied);
  rig.stream("v2", 20, {.version = "v2"});
  rig.run(22s);
  ASSERT_EQ(rig.orders.size(), 2U) << "the next move is on its way";
  rig.stream("v2", 20, {.version = "v2", .status = 500});
  rig.run(20s);
  EXPECT_EQ(rollout(rig).state, RolloutState::rolling_back);
  EXPECT_EQ(rig.orders.size(), 2U);
  answer(rig, Phase::applied);
  ASSERT_EQ(rig.orders.size(), 3U);
  EXPECT_EQ(std::get<RollBack>(rig.orders[2].action).target, "v1");
  EXPECT_EQ(rollout(rig).state, RolloutState::rolling_back) << "and never promoted";
  rig.run(1min);
  EXPECT_EQ(rig.orders.size(), 3U);
}

/// Aborted while the second move is on its way, which ends so.
std::vector<Notice> told_after_abort(EngineRig& rig, Phase phase) {
  begin(rig);
  answer(rig, Phase::applied);
  rig.stream("v2", 20, {.version = "v2"});
  rig.run(22s);
  EXPECT_EQ(rig.orders.size(), 2U) << "the next move is on its way";
  rig.push(OperatorCommand{.kind = OperatorCommand::Kind::abort,
                           .at = rig.now(),
                           .rollout = kId,
                           .by = "ann",
                           .reason = ""});
  rig.run(1s);
  EXPECT_EQ(rollout(rig).state, RolloutState::aborted);
  EXPECT_EQ(rollout(rig).why,
            "aborted by ann; this is under way, and people are told how it ends: "
            "move 100% of the traffic to v2");
  rig.notices.clear();
  answer(rig, phase);
  return rig.notices;
}

TEST(Driving, AnAbortPagesWhereTheVersionKeepsTrafficAndSaysSo) {
  for (const bool has_traffic : {true, false}) {
    EngineRig rig(plan_of());
    begin(rig);
    answer(rig, has_traffic ? Phase::applied : Phase::rejected);
    rig.run(3s);
    rig.notices.clear();
    rig.push(OperatorCommand{
        .kind = OperatorCommand::Kind::abort, .at = rig.now(), .rollout = kId, .by = "ann"});
    rig.run(1s);
    const std::vector<Notice> told = rig.notices_of(Notice::Kind::rollout_ended);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].page, has_traffic);
    EXPECT_EQ(rollout(rig).why,
              std::string("aborted by ann") +
                  (has_traffic ? "; it keeps 10% of the traffic, and nobody judges it any more: to "
                                 "take it back, give v1 all of the traffic by hand"
                               : ""));
  }
}

TEST(Driving, AMoveThatOutlivesItsRolloutIsToldWithWhatTheTrafficIsNow) {
  for (const Phase phase : {Phase::applied, Phase::already}) {
    EngineRig rig(plan_of());
    const std::vector<Notice> told = told_after_abort(rig, phase);
    ASSERT_EQ(told.size(), 1U) << name_of(phase);
    EXPECT_TRUE(told[0].page);
    EXPECT_EQ(told[0].headline,
              "shop: v2 has 100% of the traffic, and nobody watches it: its rollout was aborted");
    ASSERT_FALSE(told[0].details.empty());
    EXPECT_EQ(told[0].details.back(),
              "to take it back, give v1 all of the traffic by hand; to have it watched, begin a "
              "rollout of v2");
  }
  EngineRig lost(plan_of());
  const std::vector<Notice> told = told_after_abort(lost, Phase::abandoned);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(told[0].page);
  EXPECT_NE(told[0].headline.find("v2 may have 100% of the traffic"), std::string::npos);
  EngineRig refused(plan_of());
  const std::vector<Notice> known = told_after_abort(refused, Phase::rejected);
  ASSERT_EQ(known.size(), 1U);
  EXPECT_FALSE(known[0].page) << "nothing has changed";
  EXPECT_NE(known[0].headline.find("v2 was not given 100% of the traffic"), std::string::npos);
}

TEST(Driving, AMoveThatOutlivesItsRolloutPagesUnlessWhatCameAfterHasBegunToWatch) {
  for (const bool is_watched : {false, true}) {
    EngineRig rig(plan_of());
    begin(rig);
    answer(rig, Phase::applied);
    rig.stream("v2", 20, {.version = "v2"});
    rig.run(22s);
    ASSERT_EQ(rig.orders.size(), 2U);
    rig.push(OperatorCommand{.kind = OperatorCommand::Kind::abort,
                             .at = rig.now(),
                             .rollout = kId,
                             .by = "ann",
                             .reason = ""});
    RolloutStarted again = asked(rig.now());
    again.id = "22222222-2222-4222-8222-222222222222";
    again.is_driving = !is_watched;
    rig.push(again);
    rig.run(2s);
    rig.notices.clear();
    answer(rig, Phase::applied);
    ASSERT_FALSE(rig.notices.empty());
    EXPECT_EQ(rig.notices[0].page, !is_watched) << rig.notices[0].headline;
  }
}

TEST(Driving, MovesCountForNoCapAndNoCooldown) {
  Plan plan = plan_of();
  plan.services[0].actions_per_hour_max = 1;
  EngineRig rig(plan);
  begin(rig);
  answer(rig, Phase::applied);
  rig.stream("v2", 20, {.version = "v2", .status = 500});
  rig.run(20s);
  ASSERT_EQ(rig.orders.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<RollBack>(rig.orders[1].action));
}

TEST(Driving, SomeoneElseWhoActsSupersedes) {
  EngineRig refused(plan_of());
  begin(refused);
  answer(refused, Phase::superseded);
  EXPECT_EQ(rollout(refused).state, RolloutState::superseded);

  EngineRig moved(plan_of());
  begin(moved);
  answer(moved, Phase::applied);
  say_live(moved, 10);
  say_live(moved, 80);
  EXPECT_EQ(rollout(moved).state, RolloutState::baking) << "one reading may be an old one";
  moved.run(30s);
  say_live(moved, 80);
  EXPECT_EQ(rollout(moved).state, RolloutState::superseded);
}

TEST(Driving, ARefusedMoveHoldsUntilAPersonResumes) {
  EngineRig rig(plan_of());
  begin(rig);
  answer(rig, Phase::rejected);
  rig.run(1s);
  EXPECT_EQ(rollout(rig).held, HoldReason::traffic);
  rig.run(1min);
  EXPECT_EQ(rig.orders.size(), 1U) << "it is not tried again by itself";
  rig.push(OperatorCommand{
      .kind = OperatorCommand::Kind::resume, .at = rig.now(), .rollout = kId, .by = "ann"});
  rig.run(2s);
  EXPECT_EQ(rig.orders.size(), 2U);
}

TEST(Driving, PreflightAsksAndWaitsAndHoldsWithItsReason) {
  Plan plan = plan_of();
  plan.services[0].rollout.asks_preflight = true;
  EngineRig rig(plan);
  begin(rig);
  EXPECT_EQ(rig.preflight.size(), 1U);
  EXPECT_TRUE(rig.orders.empty());
  rig.run(15s);
  EXPECT_EQ(rollout(rig).held, HoldReason::preflight);
  EXPECT_NE(rollout(rig).why.find("has not answered"), std::string::npos);
  rig.run(1min);
  EXPECT_GE(rig.preflight.size(), 2U) << "it asks again";
  PreflightDone done{.at = rig.now(), .rollout = kId, .checks = {}};
  done.checks = {{.name = "target exists", .result = Truth::bad, .detail = "deleted"}};
  rig.push(done);
  rig.run(2s);
  EXPECT_TRUE(rig.orders.empty());
  EXPECT_EQ(rollout(rig).why, "target exists is not so: deleted") << "the reason of now";
  done.checks[0].result = Truth::fine;
  rig.push(done);
  rig.run(2s);
  EXPECT_EQ(rig.orders.size(), 1U) << "it goes on by itself";
}

TEST(Driving, BeginsInNoFreezeUnlessAPersonApproves) {
  Plan plan = plan_of();
  plan.services[0].rollout.freezes = {
      {.from = EngineRig::kStart, .to = EngineRig::kStart + 24h, .why = "sale"}};
  EngineRig rig(plan);
  begin(rig);
  EXPECT_EQ(rollout(rig).held, HoldReason::freeze);
  rig.push(OperatorCommand{
      .kind = OperatorCommand::Kind::approve, .at = rig.now(), .rollout = kId, .by = "ann"});
  rig.run(2s);
  EXPECT_EQ(rig.orders.size(), 1U);
}

TEST(Driving, IsRefusedWhereBelayMayNotAct) {
  Plan plan = plan_of();
  plan.services[0].mode = Mode::recommend;
  EngineRig rig(plan);
  begin(rig);
  EXPECT_TRUE(rig.orders.empty());
  EXPECT_EQ(rollout(rig).state, RolloutState::inconclusive);
}

TEST(Driving, WhatIsRequiredElsewhereMustHavePassedThere) {
  Plan plan = plan_of();
  plan.services[0].rollout.requirements = {
      {.environment = "staging", .passed = 30s, .is_same_commit = true}};
  ServicePlan staging = plan.services[0];
  staging.name = "shop-staging";
  staging.environment = "staging";
  staging.rollout = {};
  plan.services.push_back(staging);
  plan.sources.push_back({.name = "staging", .kind = SourceKind::log, .service = "shop-staging"});
  EngineRig rig(plan);
  rig.stream("v1", 20, {.version = "v1"});
  rig.run(15s);
  RolloutStarted wanted = asked(rig.now());
  wanted.commit = "abc";
  rig.push(wanted);
  rig.run(3s);
  EXPECT_EQ(rollout(rig).held, HoldReason::preflight);
  EXPECT_NE(rollout(rig).why.find("staging"), std::string::npos);
  Alike there{.service = "shop-staging", .version = "v2"};
  rig.stream("there", 20, there);
  rig.push(RolloutStarted{.at = rig.now(),
                          .service = "shop-staging",
                          .candidate = "v2",
                          .baseline = "v1",
                          .lasts = 20s,
                          .commit = "abc"});
  rig.run(40s);
  EXPECT_TRUE(rig.orders.empty());
  rig.run(20s);
  EXPECT_EQ(rig.orders.size(), 1U);
}

TEST(Driving, TheLadderAsksTheBaselineAgainBeforeItRollsBack) {
  Plan plan = plan_of();
  plan.services[0].on_fail = {{.kind = Then::Kind::reset_flag, .name = "cart"},
                              {.kind = Then::Kind::rollback}};
  EngineRig rig(plan);
  begin(rig);
  answer(rig, Phase::applied);
  rig.stream("v2", 20, {.version = "v2", .status = 500});
  rig.run(15s);
  ASSERT_EQ(rig.orders.size(), 2U);
  rig.stream("v1", 20, {.version = "v1", .status = 500});
  answer(rig, Phase::applied);
  rig.run(25s);
  EXPECT_EQ(rig.orders.size(), 2U) << "both are bad now: the rollback would not help";
  rig.stream("v1", 20, {.version = "v1"});
  rig.run(40s);
  ASSERT_EQ(rig.orders.size(), 3U) << "only the candidate is bad again";
  EXPECT_TRUE(std::holds_alternative<RollBack>(rig.orders[2].action));
}

}  // namespace
}  // namespace belay::rules
