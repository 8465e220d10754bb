// What probes say in a rollout that the default judgement decides.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/rollout/default_rollout.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;

/// `version`: empty if nobody knows which one answered.
void probe(EngineRig& rig, const char* version, bool failed) {
  rig.push(Probe{.source = EngineRig::kProbe,
                 .version = *version == '\0' ? kNoText : rig.text(EngineRig::kProbe, version),
                 .at = rig.now(),
                 .failure = failed ? ProbeFailure::timeout : ProbeFailure::none});
}

/// Both versions; `failed`: what the candidate answers.
void ask_both(EngineRig& rig, bool failed) {
  probe(rig, "v2", failed);
  probe(rig, "v1", /*failed=*/false);
  rig.run(5s);
}

TEST(DefaultProbes, RollsBackByThreeFailedProbesOfTheCandidateInARow) {
  for (const int failed : {2, 3}) {
    EngineRig rig(plan_by_default());
    traffic(rig, 200);
    rig.push(gate(rig.now()));
    rig.run(2s);
    for (int i = 0; i < 3; ++i) ask_both(rig, i < failed);
    EXPECT_EQ(rig.orders.size(), failed == 3 ? 1U : 0U);
    EXPECT_EQ(rollout(rig).rule, failed == 3 ? "default/probes/healthz" : "");
    for (const Order& order : rig.orders)
      EXPECT_NE(order.reason.find("the newest failure: timeout"), std::string::npos)
          << order.reason;
  }
}

TEST(DefaultProbes, NothingPassesWhileOneFailsOfWhichNobodyKnowsTheVersion) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  rig.push(gate(rig.now()));
  for (int i = 0; i < 23; ++i) probe(rig, "", /*failed=*/true), rig.run(5s);
  EXPECT_EQ(rollout(rig).state, RolloutState::held);
  EXPECT_THAT(rollout(rig).why,
              HasSubstr("the last three answers of probe healthz failed, and they "
                        "name no version"));
  EXPECT_THAT(rollout(rig).why, HasSubstr("the newest failure: timeout"));
  rig.run(10s);
  EXPECT_EQ(rollout(rig).state, RolloutState::inconclusive) << rollout(rig).why;
  EXPECT_TRUE(rig.orders.empty()) << "it may be the baseline's";
  const Notice held = rig.notices_of(Notice::Kind::rollout_held).at(0);
  EXPECT_TRUE(held.page);
  EXPECT_THAT(held.details,
              testing::Contains("to take it back: belay rollout rollback " + std::string(kId)));
}

TEST(DefaultProbes, WhatHoldsItIsOverWhenItAnswersAgain) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  rig.push(gate(rig.now()));
  for (int i = 0; i < 3; ++i) probe(rig, "", /*failed=*/true), rig.run(5s);
  EXPECT_EQ(rollout(rig).state, RolloutState::held);
  for (int i = 0; i < 22; ++i) probe(rig, "", /*failed=*/false), rig.run(5s);
  EXPECT_EQ(rollout(rig).state, RolloutState::promoted) << rollout(rig).why;
}

TEST(DefaultProbes, TheNewestAnswersMustNotBeFailures) {
  for (const int failed : {1, 2}) {
    EngineRig rig(plan_by_default());
    traffic(rig, 200);
    rig.push(gate(rig.now()));
    for (int i = 0; i < 23; ++i) probe(rig, "", i >= 23 - failed), rig.run(5s);
    rig.run(7s);
    EXPECT_EQ(rollout(rig).state, failed == 1 ? RolloutState::promoted : RolloutState::inconclusive)
        << rollout(rig).why;
  }
}

TEST(DefaultProbes, AnOnlyAnswerMustNotBeAFailure) {
  for (const char* version : {"", "v2"}) {
    EngineRig rig(plan_by_default());
    traffic(rig, 200);
    rig.push(gate(rig.now()));
    rig.run(2s);
    probe(rig, version, /*failed=*/true);
    rig.run(2min);
    EXPECT_EQ(rollout(rig).state, RolloutState::inconclusive) << version << rollout(rig).why;
  }
}

TEST(DefaultProbes, WhatTheyHoldForIsNotHeldAgainstTheVersion) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  rig.push(gate(rig.now()));
  for (int i = 0; i < 23; ++i) probe(rig, "", i >= 21), rig.run(5s);
  rig.run(7s);
  ASSERT_EQ(rollout(rig).state, RolloutState::inconclusive);
  RolloutStarted next = gate(rig.now());
  next.candidate = "v3";
  next.baseline.clear();
  next.id = "22222222-2222-4222-8222-222222222222";
  rig.stream("v1", 1, {.version = "v1"});
  rig.stream("v2", 40, {.version = "v2"});
  rig.run(10min);
  next.at = rig.now();
  rig.push(next);
  rig.run(1s);
  EXPECT_EQ(rollout(rig).baseline, "v2");
}

TEST(DefaultProbes, AnswersOfWhomNobodyMeantAreNobodys) {
  for (const bool are_good : {false, true}) {
    EngineRig rig(plan_by_default());
    traffic(rig, 200);
    rig.push(gate(rig.now()));
    for (int i = 0; i < 23; ++i) {
      probe(rig, "release-7", !are_good || i < 3);
      probe(rig, "v1", /*failed=*/false);
      rig.run(5s);
    }
    rig.run(7s);
    EXPECT_EQ(rollout(rig).state, are_good ? RolloutState::promoted : RolloutState::inconclusive)
        << rollout(rig).why;
  }
}

TEST(DefaultProbes, OneThatDoesNotAnswerInTheRolloutLetsNothingPass) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  probe(rig, "", /*failed=*/false);
  rig.run(5s);
  rig.push(gate(rig.now()));
  rig.run(2min + 2s);
  EXPECT_EQ(rollout(rig).state, RolloutState::inconclusive);
  EXPECT_THAT(rollout(rig).why, HasSubstr("probe healthz has not answered since the rollout"));
}

TEST(DefaultProbes, WhatIsPutBackMustAnswerThemToHaveRecovered) {
  for (const bool is_red : {false, true}) {
    Plan plan = plan_by_default();
    plan.services[0].verify_for = 1min;
    EngineRig rig(plan);
    traffic(rig, 200);
    rig.push(gate(rig.now()));
    rig.run(2s);
    for (int i = 0; i < 3; ++i) ask_both(rig, /*failed=*/true);
    ASSERT_EQ(rig.orders.size(), 1U);
    rig.push(ActionOutcome{
        .at = rig.now(), .intent = rig.orders[0].intent, .phase = ActionOutcome::Phase::applied});
    rig.stream("v2", 0);
    for (int i = 0; i < 16; ++i) probe(rig, "", is_red), rig.run(5s);
    EXPECT_EQ(rollout(rig).state, is_red ? RolloutState::not_recovered : RolloutState::recovered)
        << rollout(rig).why;
  }
}

/// A rollback for errors: before the rollout the probe is `asked_before` times, to nobody's name,
/// and after the rollback it `is_red`.
RolloutStatus verified(int asked_before, bool was_good, bool is_red,
                       bool passes_meanwhile = false) {
  Plan plan = plan_by_default();
  plan.services[0].verify_for = 1min;
  EngineRig rig(plan);
  traffic(rig, 200);
  for (int i = 0; i < asked_before; ++i) probe(rig, "", !was_good), rig.run(5s);
  rig.push(gate(rig.now()));
  rig.run(20s);
  if (passes_meanwhile) probe(rig, "", /*failed=*/false);
  rig.run(10s);
  traffic(rig, 503);
  rig.run(20s);
  EXPECT_EQ(rig.orders.size(), 1U);
  EXPECT_EQ(rollout(rig).rule, "default/clear");
  rig.push(ActionOutcome{
      .at = rig.now(), .intent = rig.orders[0].intent, .phase = ActionOutcome::Phase::applied});
  rig.stream("v2", 0);
  rig.run(1s);
  for (int i = 0; i < 16; ++i) probe(rig, "", is_red), rig.run(5s);
  EXPECT_EQ(rig.orders.size(), 1U);
  return rollout(rig);
}

TEST(DefaultProbes, WhatIsPutBackIsNotCalledWellBesideOneThatFails) {
  EXPECT_EQ(verified(1, /*was_good=*/true, /*is_red=*/false).state, RolloutState::recovered);
  const RolloutStatus red = verified(1, /*was_good=*/true, /*is_red=*/true);
  EXPECT_EQ(red.state, RolloutState::not_recovered);
  EXPECT_THAT(red.why, HasSubstr("the last three answers of probe healthz failed (timeout)"));
  EXPECT_EQ(verified(0, /*was_good=*/true, /*is_red=*/true).state, RolloutState::not_recovered)
      << "nobody knows that it failed before";
  EXPECT_EQ(verified(1, /*was_good=*/false, /*is_red=*/true).state, RolloutState::recovered)
      << "it says nothing of what was done";
  EXPECT_EQ(verified(1, /*was_good=*/false, /*is_red=*/true, /*passes_meanwhile=*/true).state,
            RolloutState::not_recovered);
}

/// A rollback by the probe, after a rung before it that has helped the probe; the errors of v2 from
/// the first action on, those of v1 from the rollback on, and those of before.
struct Errors {
  std::uint16_t of_candidate = 200;
  std::uint16_t of_baseline = 200;
  bool were_before = false;
  bool are_meanwhile = false;  // Of v1, in the rollout.
  Duration last = 80s;
};
RolloutStatus mended(const std::vector<Then>& on_fail, const Errors& errors, std::size_t& orders) {
  Plan plan = plan_by_default();
  plan.services[0].on_fail = on_fail;
  plan.services[0].verify_for = 1min;
  EngineRig rig(plan);
  const std::uint16_t before = errors.were_before ? 500 : 200;
  rig.stream("v1", 40, {.version = "v1", .status = before});
  rig.run(70s);
  traffic(rig, 200, errors.are_meanwhile ? 500 : before);
  rig.push(gate(rig.now()));
  rig.run(2s);
  for (int i = 0; i < 3; ++i) ask_both(rig, /*failed=*/true);
  EXPECT_EQ(rig.orders.size(), 1U);
  const bool is_back = std::holds_alternative<RollBack>(rig.orders[0].action);
  rig.push(ActionOutcome{
      .at = rig.now(), .intent = rig.orders[0].intent, .phase = ActionOutcome::Phase::applied});
  traffic(rig, errors.of_candidate, errors.of_baseline);
  if (is_back) rig.stream("v2", 0);
  for (Duration since{}; since < 80s; since += 5s) {
    if (since == errors.last) rig.stream("v1", 40, {.version = "v1"});
    ask_both(rig, /*failed=*/false);
  }
  orders = rig.orders.size();
  return rollout(rig);
}

TEST(DefaultProbes, WhatIsMendedMustNotFailItsRequestsInstead) {
  const std::vector<Then> back = {{.kind = Then::Kind::rollback}};
  const std::vector<Then> fix = {{.kind = Then::Kind::reset_flag, .name = "checkout"},
                                 {.kind = Then::Kind::rollback}};
  std::size_t orders = 0;
  EXPECT_EQ(mended(back, {}, orders).state, RolloutState::recovered);
  const RolloutStatus bad = mended(back, {.of_baseline = 500}, orders);
  EXPECT_EQ(bad.state, RolloutState::not_recovered) << bad.why;
  EXPECT_THAT(bad.why, HasSubstr("default/errors fires on what was restored"));
  EXPECT_EQ(mended(fix, {}, orders).state, RolloutState::recovered);
  EXPECT_EQ(orders, 1U);
  EXPECT_EQ(mended(fix, {.of_candidate = 500}, orders).state, RolloutState::rolling_back);
  EXPECT_EQ(orders, 2U);
  EXPECT_EQ(mended(back, {.of_baseline = 500, .were_before = true}, orders).state,
            RolloutState::recovered)
      << "it is as it was";
  EXPECT_EQ(mended(back, {.of_baseline = 500, .are_meanwhile = true}, orders).state,
            RolloutState::recovered)
      << "it was so in the rollout";
  EXPECT_EQ(mended(back, {.of_baseline = 500, .last = 10s}, orders).state, RolloutState::recovered)
      << "what was on its way";
  EXPECT_EQ(mended(fix, {.of_candidate = 500, .of_baseline = 500}, orders).state,
            RolloutState::recovered)
      << "both fail, and the probe is mended";
  EXPECT_EQ(orders, 1U);
}

TEST(DefaultProbes, WhatFailsWhileTheOldVersionComesBackIsForgiven) {
  Plan plan = plan_by_default();
  plan.services[0].verify_for = 1min;
  EngineRig rig(plan);
  traffic(rig, 200);
  rig.push(gate(rig.now()));
  probe(rig, "", /*failed=*/false);
  rig.run(30s);
  traffic(rig, 503);
  rig.run(20s);
  ASSERT_EQ(rig.orders.size(), 1U);
  rig.push(ActionOutcome{
      .at = rig.now(), .intent = rig.orders[0].intent, .phase = ActionOutcome::Phase::applied});
  rig.stream("v2", 0);
  for (int i = 0; i < 4; ++i) probe(rig, "", /*failed=*/true), rig.run(3s);
  rig.run(80s);
  EXPECT_EQ(rollout(rig).state, RolloutState::recovered) << rollout(rig).why;
}

TEST(DefaultProbes, AfterAFlagWasResetTheCandidateSaysWhetherThatHelped) {
  for (const bool has_helped : {false, true}) {
    Plan plan = plan_by_default();
    plan.services[0].on_fail = {{.kind = Then::Kind::reset_flag, .name = "checkout"},
                                {.kind = Then::Kind::rollback}};
    plan.services[0].verify_for = 1min;
    EngineRig rig(plan);
    traffic(rig, 200);
    rig.push(gate(rig.now()));
    rig.run(2s);
    for (int i = 0; i < 3; ++i) ask_both(rig, /*failed=*/true);
    ASSERT_EQ(rig.orders.size(), 1U);
    rig.push(ActionOutcome{
        .at = rig.now(), .intent = rig.orders[0].intent, .phase = ActionOutcome::Phase::applied});
    for (int i = 0; i < 16; ++i) ask_both(rig, !has_helped);
    EXPECT_EQ(rig.orders.size(), has_helped ? 1U : 2U);
    EXPECT_EQ(rollout(rig).state, has_helped ? RolloutState::recovered : RolloutState::rolling_back)
        << rollout(rig).why;
  }
}

TEST(DefaultProbes, DrivingNothingIsMovedWhileOneFails) {
  for (const bool failed : {false, true}) {
    EngineRig rig(plan_by_default());
    rig.stream("v1", 40, {.version = "v1"});
    for (int i = 0; i < 3; ++i) probe(rig, "", failed), rig.run(5s);
    RolloutStarted driven = gate(rig.now());
    driven.steps = *parse_steps("10% for 1m, 100%");
    driven.is_driving = true;
    rig.push(driven);
    rig.run(15s);
    EXPECT_EQ(rig.orders.size(), failed ? 0U : 1U) << rollout(rig).why;
  }
}

}  // namespace
}  // namespace belay::rules
