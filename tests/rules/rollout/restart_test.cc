// What an engine does that was started again in the middle of an action.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/rollout/remembered_rollout.h"

namespace belay::rules {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;

Plan plan_of(std::vector<Rule> always, std::vector<Rule> rollout) {
  Plan plan = EngineRig::plan_of(std::move(always), std::move(rollout));
  plan.services[0].verify_for = 30s;
  return plan;
}

Rule errors(const char* then = "rollback") {
  return make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s", then);
}

Remembered open_rollback() {
  Order order;
  order.intent = "old";
  order.at = EngineRig::kStart - 10s;
  order.service = "shop";
  order.action = RollBack{.target = "v1", .expected = "v2"};
  order.rule = "errors";
  order.candidate = "v2";
  order.baseline = "v1";
  Remembered remembered;
  remembered.actions.push_back({.at = order.at,
                                .service = "shop",
                                .intent = "old",
                                .target = "v1",
                                .is_open = true,
                                .expected = "v2",
                                .order = order});
  return remembered;
}

void answer(EngineRig& rig, ActionOutcome::Phase phase) {
  rig.push(ActionOutcome{.at = rig.now(), .intent = "old", .phase = phase});
  rig.run(1s);
}

TEST(Restart, GoesOnToVerifyWhatWasOrderedBefore) {
  EngineRig rig(plan_of({}, {errors()}), open_rollback());
  rig.stream("v1", 20, {.version = "v1"});
  rig.run(5s);
  answer(rig, ActionOutcome::Phase::applied);
  EXPECT_EQ(rig.service().actions.at(0).kind, "rollback");
  EXPECT_EQ(rig.service().actions.at(0).rule, "errors");
  rig.run(31s);
  EXPECT_EQ(rig.notices_of(Notice::Kind::recovered).size(), 1U);
  EXPECT_EQ(rig.service().actions.at(0).verified, "recovered");
}

TEST(Restart, PagesWhenWhatWasRestoredIsBadToo) {
  EngineRig rig(plan_of({}, {errors()}), open_rollback());
  rig.stream("v1", 20, {.version = "v1", .status = 500});
  rig.run(5s);
  answer(rig, ActionOutcome::Phase::already);
  rig.run(31s);
  EXPECT_EQ(rig.notices_of(Notice::Kind::not_recovered).size(), 1U);
  EXPECT_TRUE(rig.orders.empty());
}

TEST(Restart, WatchesWithTheCriticalRulesOfTheServiceWhenTheCauseIsGone) {
  Rule other = errors("alert");
  other.name = "other";
  EngineRig rig(plan_of({other}, {}), open_rollback());
  rig.stream("v1", 20, {.version = "v1"});
  rig.run(5s);
  answer(rig, ActionOutcome::Phase::applied);
  rig.run(31s);
  EXPECT_EQ(rig.notices_of(Notice::Kind::recovered).size(), 1U);
}

TEST(Restart, SaysThatNobodyWatchesWhenNoRuleIsLeft) {
  EngineRig rig(plan_of({}, {}), open_rollback());
  rig.run(5s);
  answer(rig, ActionOutcome::Phase::applied);
  rig.run(31s);
  ASSERT_EQ(rig.notices_of(Notice::Kind::acted).size(), 1U);
  EXPECT_TRUE(rig.notices_of(Notice::Kind::acted)[0].page);
  EXPECT_EQ(rig.service().actions.at(0).verified, "inconclusive");
}

TEST(Restart, KnowsWhatWasPutBackAlthoughNobodyWatchesIt) {
  Remembered remembered = open_rollback();
  remembered.last_good["shop"] = "v2";
  EngineRig rig(plan_of({}, {}), remembered);
  answer(rig, ActionOutcome::Phase::applied);
  rig.push(RolloutStarted{
      .at = rig.now(), .service = "shop", .candidate = "v3", .baseline = "", .lasts = 10min});
  rig.run(1s);
  EXPECT_EQ(rig.service().rollout->baseline, "v1");
}

TEST(Restart, TriesNothingElseForARuleOutsideARolloutThatIsGone) {
  Remembered remembered = open_rollback();
  Remembered::Action& action = remembered.actions[0];
  action.target.clear();
  action.expected.clear();
  action.order->action = ResetFlag{.flag = "cart"};
  action.order->rule = "gone";
  action.order->candidate.clear();
  action.order->baseline.clear();
  Plan plan = plan_of({errors("alert")}, {});
  plan.services[0].on_fail = {{.kind = Then::Kind::reset_flag, .name = "cart"},
                              {.kind = Then::Kind::run, .name = "drain"}};
  EngineRig rig(plan, remembered);
  rig.run(1s);
  answer(rig, ActionOutcome::Phase::conflict);
  rig.run(5s);
  EXPECT_TRUE(rig.orders.empty()) << "nobody asked for the command";
}

TEST(Restart, GoesOnUpTheLadderButOnlyWhereItMayStillAct) {
  Remembered remembered = open_rollback();
  remembered.actions[0].order->action = ResetFlag{.flag = "cart"};
  remembered.actions[0].target.clear();
  remembered.actions[0].expected.clear();
  Plan plan = plan_of({}, {errors()});
  plan.services[0].on_fail = {{.kind = Then::Kind::reset_flag, .name = "cart"},
                              {.kind = Then::Kind::rollback}};
  EngineRig enforcing(plan, remembered);
  answer(enforcing, ActionOutcome::Phase::conflict);
  ASSERT_EQ(enforcing.orders.size(), 1U);
  EXPECT_EQ(std::get<RollBack>(enforcing.orders[0].action).target, "v1");

  plan.services[0].mode = Mode::recommend;
  EngineRig recommending(plan, remembered);
  answer(recommending, ActionOutcome::Phase::conflict);
  EXPECT_TRUE(recommending.orders.empty());
}

TEST(Restart, WhatWaitedForAnotherActionGoesOnByItself) {
  EngineRig first(plan_of({}, {errors()}), open_rollback());
  first.stream("v1", 20, {.version = "v1"});
  first.run(15s);
  RolloutStarted asked{.at = first.now(),
                       .service = "shop",
                       .candidate = "v2",
                       .baseline = "v1",
                       .id = "11111111-1111-4111-8111-111111111111",
                       .steps = *parse_steps("10% for 15s, 100% for 15s"),
                       .is_driving = true,
                       .mode = Mode::enforce};
  first.push(asked);
  first.run(5s);
  const RolloutStatus held = *first.service().rollout;
  ASSERT_EQ(held.state, RolloutState::held);
  EXPECT_EQ(held.why, "another action on this service is still under way");
  asked.at = EngineRig::kStart;
  Remembered remembered;  // The action has ended, and it was not looked at again.
  remembered.rollouts = {{.started = asked,
                          .at = EngineRig::kStart,
                          .state = held.state,
                          .held = held.held,
                          .why = held.why}};
  EngineRig second(plan_of({}, {errors()}), remembered);
  second.stream("v1", 20, {.version = "v1"});
  second.run(15s);
  EXPECT_EQ(second.orders.size(), 1U) << second.service().rollout->why;
}

/// A gate on `candidate` that fails.
void fail_gate(EngineRig& rig, const char* candidate, const char* baseline) {
  rig.stream("bad", 0);
  rig.stream("base", 20, {.version = baseline});
  rig.run(12s);
  rig.push(RolloutStarted{.at = rig.now(),
                          .service = "shop",
                          .candidate = candidate,
                          .baseline = baseline,
                          .lasts = 10min});
  rig.stream("bad", 20, {.version = candidate, .status = 500});
  rig.run(20s);
}

Remembered left_v2(ActionOutcome::Phase phase) {
  Remembered remembered;
  remembered.actions.push_back({.at = EngineRig::kStart - 3h,
                                .service = "shop",
                                .intent = "old",
                                .target = "v1",
                                .expected = "v2",
                                .phase = phase});
  return remembered;
}

TEST(Restart, DoesNotForgetWhichVersionWasRolledAwayFrom) {
  EngineRig rig(plan_of({}, {errors()}), left_v2(ActionOutcome::Phase::applied));
  fail_gate(rig, "v3", "v2");
  EXPECT_TRUE(rig.orders.empty());

  EngineRig refused(plan_of({}, {errors()}), left_v2(ActionOutcome::Phase::rejected));
  fail_gate(refused, "v3", "v2");
  EXPECT_EQ(refused.orders.size(), 1U);
}

TEST(Restart, TakesARollbackThatDidNotHappenForNone) {
  EngineRig rig(plan_of({}, {errors()}), left_v2(ActionOutcome::Phase::rejected));
  fail_gate(rig, "v1", "v0");
  EXPECT_EQ(rig.orders.size(), 1U) << "v1 was never put there by a rollback";
}

RememberedRollout promoted(const char* candidate, Duration ago) {
  RememberedRollout rollout;
  rollout.started = {.at = EngineRig::kStart - ago - 10min,
                     .service = "shop",
                     .candidate = candidate,
                     .baseline = "v1",
                     .id = "11111111-1111-4111-8111-111111111111",
                     .steps = *parse_steps("100% for 10m"),
                     .mode = Mode::enforce};
  rollout.at = EngineRig::kStart - ago;
  rollout.state = RolloutState::promoted;
  rollout.verdict = Outcome::pass;
  return rollout;
}

TEST(Restart, HoldsNothingAgainstAVersionThatPassedBeforeItAndAfterItsRollback) {
  for (const Duration ago : {1h, 5h}) {
    Remembered remembered = left_v2(ActionOutcome::Phase::applied);
    remembered.rollouts = {promoted("v2", ago)};
    EngineRig rig(plan_of({}, {errors()}), remembered);
    fail_gate(rig, "v3", "v2");
    ASSERT_EQ(rig.orders.size(), ago == 1h ? 1U : 0U);
    if (ago != 1h) continue;
    EXPECT_EQ(std::get<RollBack>(rig.orders[0].action).target, "v2");
  }
}

TEST(Restart, RollsBackWhatARollbackPutThereAndPassedSince) {
  for (const Duration ago : {1h, 5h}) {
    Remembered remembered = left_v2(ActionOutcome::Phase::applied);
    remembered.rollouts = {promoted("v1", ago)};
    EngineRig rig(plan_of({}, {errors()}), remembered);
    fail_gate(rig, "v1", "v0");
    EXPECT_EQ(rig.orders.size(), ago == 1h ? 1U : 0U);
  }
}

TEST(Restart, RollsBackWhatARollbackPutThereBeforeAnotherVersionWasPromoted) {
  for (const Duration ago : {1h, 5h}) {
    Remembered remembered = left_v2(ActionOutcome::Phase::applied);
    remembered.rollouts = {promoted("v3", ago)};
    EngineRig rig(plan_of({}, {errors()}), remembered);
    fail_gate(rig, "v1", "v3");
    EXPECT_EQ(rig.orders.size(), ago == 1h ? 1U : 0U);
  }
}

TEST(Restart, HoldsNothingAgainstAVersionThatPassedAGateSince) {
  EngineRig rig(plan_of({}, {errors()}), left_v2(ActionOutcome::Phase::applied));
  rig.stream("base", 20, {.version = "v2"});
  rig.push(RolloutStarted{
      .at = rig.now(), .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = 30s});
  rig.run(31s);
  ASSERT_EQ(decided(*rig.service().rollout), Outcome::pass);
  fail_gate(rig, "v3", "v2");
  EXPECT_EQ(rig.orders.size(), 1U);
}

TEST(Restart, EndsWhatIsJudgedOfAServiceThatIsGoneAndPages) {
  Remembered remembered;
  remembered.rollouts.push_back(
      rollout_of("v2", RolloutState::baking, Outcome::unknown, EngineRig::kStart - 10s));
  remembered.rollouts[0].started.service = "cart";
  EngineRig rig(EngineRig::plan_of({}, {}), remembered);
  rig.run(1s);
  EXPECT_EQ(rig.service("cart").rollout->state, RolloutState::inconclusive);
  EXPECT_THAT(rig.notices,
              Contains(AllOf(
                  Field(&Notice::service, "cart"), Field(&Notice::page, true),
                  Field(&Notice::headline, HasSubstr("its service is not in the configuration")))));
  Plan plan = EngineRig::plan_of({}, {});
  for (SourcePlan& source : plan.sources) source.service.clear();
  const std::vector<SourceId> ids = {SourceId{4}, SourceId{5}, SourceId{6}, SourceId{7}};
  ASSERT_TRUE(rig.engine.adopt(plan, ids).ok());
  rig.push(RolloutStarted{.at = rig.now(), .service = "cart", .candidate = "v3", .lasts = 1min});
  rig.run(1s);
  EXPECT_EQ(rig.service("cart").rollout->why, "its service is not in the configuration");
}

TEST(Restart, EndsARolloutWhoseServiceHasAnotherName) {
  Remembered remembered;
  remembered.rollouts.push_back(
      rollout_of("v2", RolloutState::baking, Outcome::unknown, EngineRig::kStart - 10s));
  remembered.rollouts[0].started.service = "cart";
  Plan plan = EngineRig::plan_of({}, {});
  plan.services[0].aliases = {"cart"};
  EngineRig rig(plan, remembered);
  rig.run(1s);
  EXPECT_THAT(
      rig.notices,
      Contains(AllOf(Field(&Notice::page, true),
                     Field(&Notice::headline, HasSubstr("its service is called shop since")))));
  rig.stream("errors", 20, {.service = "cart", .version = "v2", .status = 500});
  for (const char* rule : {"first", "after a reload"}) {
    plan.services[0].rules = {make_rule(rule, "error rate > 5% over 10s, min 20 requests")};
    const std::vector<SourceId> ids = {SourceId{0}, SourceId{1}, SourceId{2}, SourceId{3}};
    ASSERT_TRUE(rig.engine.adopt(plan, ids).ok());
    rig.run(20s);
    EXPECT_TRUE(rig.rule(rule).firing) << "what is left over must not have its name";
  }
}

TEST(Restart, TellsWhichRulesHaveChangedUnderARunningRollout) {
  Remembered remembered;
  remembered.rollouts.push_back(
      rollout_of("v2", RolloutState::baking, Outcome::unknown, EngineRig::kStart - 10s));
  remembered.rollouts[0].step_started = EngineRig::kStart - 20s;
  remembered.rollouts[0].before = {
      {.rule = "errors", .sentence = "error rate > 5% over 10s", .truth = Truth::fine},
      {.rule = "slow", .sentence = "p95 latency > 1s over 10s", .truth = Truth::fine},
      {.rule = "same", .sentence = "5xx rate > 5% over 10s", .truth = Truth::fine}};
  EngineRig rig(
      EngineRig::plan_of({}, {make_rule("errors", "error rate > 99% over 10s", "rollback"),
                              make_rule("same", "5xx rate > 5% over 10s", "rollback")}),
      remembered);
  rig.run(1s);
  EXPECT_THAT(
      rig.notices_of(Notice::Kind::rollout_moved),
      Contains(Field(&Notice::headline,
                     HasSubstr("by other rules than before: errors was `error rate > 5% over "
                               "10s`, is `error rate > 99% over 10s`; slow was `p95 latency "
                               "> 1s over 10s` and is gone"))));
}

}  // namespace
}  // namespace belay::rules
