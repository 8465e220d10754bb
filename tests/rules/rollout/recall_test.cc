// What is on its way and may not be done any more is taken back, and what a person may not
// override.

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

constexpr const char* kId = "11111111-1111-4111-8111-111111111111";
using Phase = ActionOutcome::Phase;
using Kind = OperatorCommand::Kind;

Plan plan_of() {
  Plan plan = EngineRig::plan_of(
      {}, {make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s", "rollback")});
  plan.services[0].verify_for = 20s;
  return plan;
}

/// The first move is on its way.
void begin(EngineRig& rig, const char* steps = "10% for 20s max 60s, 100%") {
  rig.stream("v1", 20, {.version = "v1"});
  rig.run(15s);
  rig.push(RolloutStarted{.at = rig.now(),
                          .service = "shop",
                          .candidate = "v2",
                          .baseline = "v1",
                          .id = kId,
                          .steps = *parse_steps(steps),
                          .is_driving = true});
  rig.run(2s);
}

void answer(EngineRig& rig, Phase phase) {
  rig.push(ActionOutcome{.at = rig.now(), .intent = rig.orders.back().intent, .phase = phase});
}

/// What is taken back within one step of this.
std::vector<Recall> recalls_after(EngineRig& rig, Event event) {
  rig.recalls.clear();
  rig.push(std::move(event));
  rig.run(250ms);
  return rig.recalls;
}

OperatorCommand command(const EngineRig& rig, Kind kind) {
  return {.kind = kind, .at = rig.now(), .rollout = kId, .by = "ann", .reason = ""};
}

Disarmed disarmed(const EngineRig& rig) {
  return {.at = rig.now(), .service = "shop", .until = rig.now() + 1min, .by = "ann"};
}

RolloutStatus rollout(const EngineRig& rig) { return *rig.service().rollout; }

TEST(Recall, AMoveOfWhatIsAbortedOrPausedOrDisarmedIsTakenBack) {
  for (const Kind kind : {Kind::abort, Kind::pause}) {
    EngineRig rig(plan_of());
    begin(rig);
    ASSERT_EQ(rig.orders.size(), 1U);
    const std::vector<Recall> recalls = recalls_after(rig, command(rig, kind));
    ASSERT_EQ(recalls.size(), 1U) << name_of(kind);
    EXPECT_EQ(recalls[0].intent, rig.orders[0].intent);
    rig.run(5s);
    EXPECT_EQ(rig.recalls.size(), 1U) << "once is enough";
  }
  EngineRig rig(plan_of());
  begin(rig);
  const std::vector<Recall> recalls = recalls_after(rig, disarmed(rig));
  ASSERT_EQ(recalls.size(), 1U);
  EXPECT_TRUE(recalls[0].why.starts_with("disarmed until ")) << recalls[0].why;
}

TEST(Recall, NoApprovalIsSaidToOverrideADisarm) {
  EngineRig rig(plan_of());
  rig.push(disarmed(rig));
  begin(rig);
  ASSERT_EQ(rollout(rig).held, HoldReason::freeze);
  const auto said = [&](Kind kind) {
    rig.push(command(rig, kind));
    rig.run(250ms);
    const auto refusals = rig.notices_of(Notice::Kind::not_acted);
    return refusals.empty() ? "" : refusals.back().headline;
  };
  EXPECT_EQ(said(Kind::promote),
            "shop: did not promote v2: its first step has not begun: it is held (freeze: disarmed "
            "until 2023-11-14T22:14:20.000Z by ann), and it goes on by itself when that is over");
  EXPECT_EQ(said(Kind::approve),
            "shop: did not approve v2: no approval overrides this: disarmed until "
            "2023-11-14T22:14:20.000Z by ann");
  EXPECT_TRUE(rig.orders.empty());
  rig.run(1min);
  EXPECT_EQ(rig.orders.size(), 1U);
}

TEST(Recall, AHoldThatHasAnotherReasonByNowSaysThat) {
  Plan plan = plan_of();
  plan.services[0].rollout.freezes = {
      {.from = EngineRig::kStart, .to = EngineRig::kStart + 20s, .why = "sale"}};
  EngineRig rig(plan);
  begin(rig);
  EXPECT_TRUE(rollout(rig).why.ends_with(": sale")) << rollout(rig).why;
  rig.push(disarmed(rig));
  rig.run(10s);
  EXPECT_TRUE(rollout(rig).why.starts_with("disarmed until ")) << rollout(rig).why;
}

TEST(Recall, AMoveOfWhatHasFailedIsTakenBackAndTheRollbackFollowsItsOutcome) {
  EngineRig rig(plan_of());
  begin(rig);
  answer(rig, Phase::applied);
  rig.stream("v2", 20, {.version = "v2"});
  rig.run(23s);
  ASSERT_EQ(rig.orders.size(), 2U) << "the next move is on its way";
  rig.stream("v2", 20, {.version = "v2", .status = 500});
  EXPECT_TRUE(rig.recalls.empty());
  rig.run(20s);
  ASSERT_EQ(rollout(rig).state, RolloutState::rolling_back);
  ASSERT_EQ(rig.recalls.size(), 1U);
  EXPECT_EQ(rig.recalls[0].intent, rig.orders[1].intent);
  answer(rig, Phase::rejected);
  rig.run(1s);
  ASSERT_EQ(rig.orders.size(), 3U);
  EXPECT_TRUE(std::holds_alternative<RollBack>(rig.orders[2].action));
}

TEST(Recall, AMoveIntoAFreezeIsTakenBackButNotOneThatAPersonWanted) {
  Plan plan = plan_of();
  plan.services[0].rollout.freezes = {
      {.from = EngineRig::kStart + 30s, .to = EngineRig::kStart + 60s, .why = "sale"}};
  EngineRig rig(plan);
  begin(rig);
  ASSERT_EQ(rig.orders.size(), 1U);
  EXPECT_TRUE(rig.recalls.empty());
  rig.run(15s);
  EXPECT_EQ(rig.recalls.size(), 1U);
  answer(rig, Phase::rejected);
  rig.run(1s);
  EXPECT_EQ(rollout(rig).held, HoldReason::freeze) << "not refused: it goes on by itself";
  rig.push(command(rig, Kind::approve));
  rig.run(2s);
  ASSERT_EQ(rig.orders.size(), 2U);
  rig.run(5s);
  EXPECT_EQ(rig.recalls.size(), 1U);
}

TEST(Recall, WhatWasTakenBackIsOrderedAgainWhenNothingIsInTheWay) {
  EngineRig rig(plan_of());
  begin(rig);
  EXPECT_EQ(recalls_after(rig, command(rig, Kind::pause)).size(), 1U);
  answer(rig, Phase::rejected);
  rig.run(10s);
  EXPECT_EQ(rollout(rig).held, HoldReason::paused);
  EXPECT_EQ(rig.orders.size(), 1U);
  rig.push(command(rig, Kind::resume));
  rig.run(2s);
  ASSERT_EQ(rig.orders.size(), 2U);
  EXPECT_NE(rig.orders[0].intent, rig.orders[1].intent);
}

TEST(Recall, ARollbackIsTakenBackByADisarm) {
  EngineRig rig(plan_of());
  begin(rig);
  answer(rig, Phase::applied);
  rig.stream("v2", 20, {.version = "v2", .status = 500});
  rig.run(15s);
  ASSERT_EQ(rig.orders.size(), 2U);
  ASSERT_TRUE(std::holds_alternative<RollBack>(rig.orders[1].action));
  const std::vector<Recall> recalls = recalls_after(rig, disarmed(rig));
  ASSERT_EQ(recalls.size(), 1U);
  EXPECT_EQ(recalls[0].intent, rig.orders[1].intent);
}

TEST(Recall, NoApprovalOverridesADisarm) {
  EngineRig rig(plan_of());
  rig.push(Disarmed{.at = rig.now(), .service = "shop", .until = rig.now() + 1min, .by = "ann"});
  begin(rig);
  EXPECT_EQ(rollout(rig).held, HoldReason::freeze);
  rig.push(command(rig, Kind::approve));
  rig.run(5s);
  EXPECT_TRUE(rig.orders.empty());
  rig.run(1min);
  EXPECT_EQ(rig.orders.size(), 1U) << "it is over";
}

TEST(Recall, AResumeInTheVerySecondOfARefusalTriesAgain) {
  EngineRig rig(plan_of());
  begin(rig);
  answer(rig, Phase::rejected);
  rig.push(command(rig, Kind::resume));
  rig.run(2s);
  EXPECT_EQ(rig.orders.size(), 2U);
}

TEST(Recall, AnOutcomeThatComesTwiceIsRecordedOnce) {
  EngineRig rig(plan_of());
  begin(rig);
  answer(rig, Phase::applied);
  answer(rig, Phase::applied);
  rig.run(2s);
  EXPECT_EQ(std::count_if(rig.journal.begin(), rig.journal.end(),
                          [](const JournalEntry& entry) {
                            return entry.kind == JournalEntry::Kind::outcome;
                          }),
            1);
}

}  // namespace
}  // namespace belay::rules
