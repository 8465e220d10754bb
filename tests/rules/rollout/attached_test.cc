// A rollout in steps whose traffic somebody else moves.

#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

constexpr const char* kId = "11111111-1111-4111-8111-111111111111";

Rule errors(const char* then = "rollback") {
  return make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s", then);
}

Plan plan_of(std::vector<Rule> rollout = {errors()}) {
  Plan plan = EngineRig::plan_of({}, std::move(rollout));
  plan.services[0].verify_for = 20s;
  return plan;
}

RolloutStarted asked(Instant at, const char* steps = "10% for 30s max 90s, 100%") {
  return {.at = at,
          .service = "shop",
          .candidate = "v2",
          .baseline = "v1",
          .id = kId,
          .steps = *parse_steps(steps)};
}

Deployment split(Instant at, double candidate) {
  Deployment deployment{.service = "shop", .at = at, .id = "d", .versions = {}};
  if (candidate > 0) deployment.versions.push_back({"v2", candidate});
  if (candidate < 100) deployment.versions.push_back({"v1", 100 - candidate});
  return deployment;
}

void traffic(EngineRig& rig, std::uint16_t status = 200, std::uint16_t before = 200) {
  rig.stream("v1", 20, {.version = "v1", .status = before});
  rig.stream("v2", 20, {.version = "v2", .status = status});
}

RolloutStatus rollout(const EngineRig& rig) { return *rig.service().rollout; }

void command(EngineRig& rig, OperatorCommand::Kind kind) {
  rig.push(OperatorCommand{.kind = kind, .at = rig.now(), .rollout = kId, .by = "ann"});
  rig.run(1s);
}

std::size_t entries(const EngineRig& rig, JournalEntry::Kind kind) {
  return static_cast<std::size_t>(
      std::count_if(rig.journal.begin(), rig.journal.end(),
                    [kind](const JournalEntry& entry) { return entry.kind == kind; }));
}

TEST(Attached, WhereNobodyReportsASplitTheStepsFollowEachOther) {
  EngineRig rig(plan_of());
  traffic(rig);
  rig.run(12s);
  rig.push(asked(rig.now(), "10% for 30s, 50% for 30s, 100%"));
  rig.run(29s);
  EXPECT_EQ(rollout(rig).step, 0U);
  EXPECT_EQ(rollout(rig).state, RolloutState::baking);
  rig.run(4s);
  EXPECT_EQ(rollout(rig).step, 1U);
  rig.run(33s);
  EXPECT_EQ(rollout(rig).state, RolloutState::promoted);
  EXPECT_EQ(decided(rollout(rig)), Outcome::pass);
  EXPECT_EQ(entries(rig, JournalEntry::Kind::rollout_started), 1U);
  EXPECT_EQ(entries(rig, JournalEntry::Kind::rollout_ended), 1U);
  EXPECT_TRUE(rig.orders.empty());
}

TEST(Attached, AStepThatPassedWaitsForTheSplitAndALargerSplitIsTheNextStep) {
  EngineRig rig(plan_of());
  traffic(rig);
  rig.push(split(rig.now(), 0));
  rig.run(12s);
  rig.push(split(rig.now(), 10));
  rig.push(asked(rig.now(), "10% for 20s, 50% for 20s, 100%"));
  rig.run(40s);
  EXPECT_EQ(rollout(rig).step, 0U) << "nobody moved it";
  EXPECT_NE(rollout(rig).why.find("waits until the platform gives it 50%"), std::string::npos)
      << rollout(rig).why;
  rig.push(split(rig.now(), 50));
  rig.run(2s);
  EXPECT_EQ(rollout(rig).step, 1U);
  rig.push(split(rig.now(), 100));
  rig.run(3s);
  EXPECT_EQ(rollout(rig).step, 2U);
  EXPECT_EQ(rollout(rig).state, RolloutState::baking) << "who goes ahead is spared no bake";
  rig.run(20s);
  EXPECT_EQ(rollout(rig).state, RolloutState::promoted) << rollout(rig).why;
}

TEST(Attached, AReadingOfBeforeItBeganSparesItNoBake) {
  EngineRig rig(plan_of());
  traffic(rig);
  // As a version that had all of it before, and is rolled out once more.
  rig.push(split(rig.now(), 100));
  rig.run(12s);
  rig.push(asked(rig.now(), "10% for 20s, 100%"));
  rig.run(15s);
  EXPECT_EQ(rollout(rig).state, RolloutState::baking) << rollout(rig).why;
  rig.run(10s);
  EXPECT_EQ(rollout(rig).state, RolloutState::promoted) << rollout(rig).why;
}

TEST(Attached, TheSameIdIsTheSameRolloutAndANewCandidateSupersedes) {
  EngineRig rig(plan_of());
  traffic(rig);
  rig.run(12s);
  rig.push(asked(rig.now()));
  rig.push(asked(rig.now()));
  rig.run(5s);
  EXPECT_EQ(entries(rig, JournalEntry::Kind::rollout_started), 1U);
  RolloutStarted next = asked(rig.now());
  next.id = "22222222-2222-4222-8222-222222222222";
  next.candidate = "v3";
  rig.push(next);
  rig.run(2s);
  EXPECT_EQ(rollout(rig).candidate, "v3");
  ASSERT_EQ(rig.service().past.size(), 1U);
  EXPECT_EQ(rig.service().past[0].state, RolloutState::superseded);
  const auto says_so = [](const RolloutStatus::Moment& moment) {
    return moment.what == "it takes the place of the rollout of v2 that went on (" +
                              std::string(kId) + ", baking, following)";
  };
  EXPECT_TRUE(std::ranges::any_of(rollout(rig).timeline, says_so)) << "whoever began it is told";
}

TEST(Attached, TooLittleEvidenceDelaysAndUnknownHoldsAndPagesAtTheMaximum) {
  EngineRig rig(plan_of());
  rig.stream("v1", 20, {.version = "v1"});
  rig.stream("v2", 1, {.version = "v2"});
  rig.run(12s);
  rig.push(asked(rig.now()));
  rig.run(80s);
  EXPECT_EQ(rollout(rig).state, RolloutState::baking);
  rig.run(12s);
  EXPECT_EQ(rollout(rig).state, RolloutState::held);
  EXPECT_EQ(rollout(rig).held, HoldReason::too_few_samples);
  const std::vector<Notice> held = rig.notices_of(Notice::Kind::rollout_held);
  ASSERT_EQ(held.size(), 1U);
  EXPECT_TRUE(held[0].page);
  rig.stream("v2", 20, {.version = "v2"});
  rig.run(15s);
  EXPECT_EQ(rollout(rig).state, RolloutState::promoted) << "it goes on by itself";
}

TEST(Attached, AFiringPauseHoldsAndGoesOnByItself) {
  EngineRig rig(plan_of({errors("pause")}));
  traffic(rig);
  rig.run(12s);
  rig.push(asked(rig.now()));
  rig.run(5s);
  traffic(rig, 500);
  rig.run(20s);
  EXPECT_EQ(rollout(rig).held, HoldReason::rule);
  traffic(rig);
  rig.run(30s);
  EXPECT_EQ(rollout(rig).state, RolloutState::promoted);
}

TEST(Attached, ASharedCauseHoldsAndGoesOnByItself) {
  EngineRig rig(plan_of());
  traffic(rig);
  rig.run(12s);
  rig.push(asked(rig.now()));
  rig.run(5s);
  traffic(rig, 500, 500);
  rig.run(25s);
  EXPECT_EQ(rollout(rig).held, HoldReason::shared_cause);
  EXPECT_TRUE(rig.orders.empty());
  traffic(rig);
  rig.run(60s);
  EXPECT_EQ(rollout(rig).state, RolloutState::promoted);
}

TEST(Attached, AnOperatorPausesResumesPromotesAndAborts) {
  EngineRig rig(plan_of());
  traffic(rig);
  rig.run(12s);
  rig.push(asked(rig.now(), "10% for 20s, 50% for 10m, 100% for 10m"));
  rig.run(2s);
  command(rig, OperatorCommand::Kind::pause);
  EXPECT_EQ(rollout(rig).held, HoldReason::paused);
  rig.run(30s);
  EXPECT_EQ(rollout(rig).step, 0U) << "no step ends in a pause";
  command(rig, OperatorCommand::Kind::resume);
  rig.run(2s);
  EXPECT_EQ(rollout(rig).step, 1U);
  command(rig, OperatorCommand::Kind::promote);
  EXPECT_EQ(rollout(rig).step, 2U);
  command(rig, OperatorCommand::Kind::approve);
  EXPECT_EQ(rig.notices_of(Notice::Kind::not_acted).size(), 1U) << "nothing waits for it";
  command(rig, OperatorCommand::Kind::abort);
  EXPECT_EQ(rollout(rig).state, RolloutState::aborted);
  command(rig, OperatorCommand::Kind::promote);
  EXPECT_EQ(rollout(rig).state, RolloutState::aborted) << "what is over stays over";
  EXPECT_EQ(entries(rig, JournalEntry::Kind::commanded), 6U);
}

TEST(Attached, NobodyPromotesOverAFiringRule) {
  EngineRig rig(plan_of({errors("pause")}));
  traffic(rig);
  rig.run(12s);
  rig.push(asked(rig.now()));
  traffic(rig, 500);
  rig.run(20s);
  command(rig, OperatorCommand::Kind::promote);
  EXPECT_EQ(rollout(rig).step, 0U);
  EXPECT_EQ(rollout(rig).state, RolloutState::held);
}

TEST(Attached, AStepAfterApprovalWaitsForAPerson) {
  EngineRig rig(plan_of());
  traffic(rig);
  rig.run(12s);
  rig.push(asked(rig.now(), "10% for 20s, 100% after approval"));
  rig.run(5s);
  command(rig, OperatorCommand::Kind::approve);
  EXPECT_EQ(
      rig.notices_of(Notice::Kind::not_acted).at(0).headline,
      "shop: did not approve v2: nothing waits for an approval yet: the step before 100% has not "
      "passed; approve when the rollout is held for it");
  rig.run(25s);
  EXPECT_EQ(rollout(rig).held, HoldReason::approval);
  command(rig, OperatorCommand::Kind::approve);
  rig.run(3s);
  EXPECT_EQ(rollout(rig).state, RolloutState::promoted);
}

TEST(Attached, AFailRollsBackOnceAndSaysWhatBecameOfIt) {
  EngineRig rig(plan_of());
  traffic(rig);
  rig.run(12s);
  rig.push(asked(rig.now()));
  rig.run(5s);
  traffic(rig, 500);
  rig.run(15s);
  ASSERT_EQ(rig.orders.size(), 1U);
  EXPECT_EQ(rig.orders[0].rollout, kId);
  EXPECT_EQ(rollout(rig).state, RolloutState::rolling_back);
  EXPECT_EQ(decided(rollout(rig)), Outcome::fail);
  rig.push(ActionOutcome{
      .at = rig.now(), .intent = rig.orders[0].intent, .phase = ActionOutcome::Phase::applied});
  rig.run(1s);
  EXPECT_EQ(rollout(rig).state, RolloutState::verifying);
  rig.stream("v2", 0);
  rig.run(21s);
  EXPECT_EQ(rollout(rig).state, RolloutState::recovered);
  EXPECT_EQ(rollout(rig).intents, std::vector{rig.orders[0].intent});
}

TEST(Attached, WhatIsIrreversibleIsHeldAndNeverRolledBack) {
  EngineRig rig(plan_of());
  traffic(rig);
  rig.run(12s);
  RolloutStarted started = asked(rig.now());
  started.is_irreversible = true;
  rig.push(started);
  rig.run(5s);
  traffic(rig, 500);
  rig.run(30s);
  EXPECT_EQ(rollout(rig).held, HoldReason::irreversible);
  EXPECT_TRUE(rig.orders.empty());
  const std::vector<Notice> told = rig.notices_of(Notice::Kind::not_acted);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(told[0].page);
}

TEST(Attached, OneReadingWithoutTheCandidateMayBeAnOldOne) {
  EngineRig rig(plan_of());
  traffic(rig);
  rig.push(split(rig.now(), 0));
  rig.run(12s);
  rig.push(split(rig.now(), 10));
  rig.push(asked(rig.now()));
  rig.run(2s);
  rig.push(split(rig.now(), 0));
  rig.run(2s);
  EXPECT_EQ(rollout(rig).state, RolloutState::baking);
  rig.push(split(rig.now(), 10));
  rig.run(15s);
  EXPECT_EQ(rollout(rig).state, RolloutState::baking);
  rig.push(split(rig.now(), 0));
  rig.run(10s);
  rig.push(split(rig.now(), 0));
  rig.run(1s);
  EXPECT_EQ(rollout(rig).state, RolloutState::superseded);
}

TEST(Attached, SomeoneElsesDeploymentSupersedes) {
  EngineRig rig(plan_of());
  traffic(rig);
  rig.push(split(rig.now(), 10));
  rig.run(12s);
  rig.push(asked(rig.now()));
  rig.run(2s);
  Deployment other = split(rig.now(), 10);
  other.versions = {{"v9", 90}, {"v2", 10}};
  rig.push(other);
  rig.run(1s);
  EXPECT_EQ(rollout(rig).state, RolloutState::superseded);
}

TEST(Attached, AfterThePromotionRulesOnlyAlert) {
  Plan plan = plan_of();
  plan.services[0].rollout.watch_for = 5min;
  EngineRig rig(plan);
  traffic(rig);
  rig.run(12s);
  rig.push(asked(rig.now()));
  rig.run(35s);
  ASSERT_EQ(rollout(rig).state, RolloutState::promoted);
  rig.run(5s);
  EXPECT_EQ(rig.service().verdict, Outcome::pass);
  traffic(rig, 500);
  rig.run(20s);
  EXPECT_EQ(rig.notices_of(Notice::Kind::fired).size(), 1U);
  EXPECT_EQ(rig.service().verdict, Outcome::fail);
  EXPECT_EQ(rollout(rig).verdict, Outcome::pass) << "the rollout's own was given";
  EXPECT_TRUE(rig.orders.empty());
  rig.run(5min);
  EXPECT_TRUE(rig.service().rules.empty()) << "the watch is over";
}

TEST(Attached, LatencyIsNotBlamedWhileItWarmsUp) {
  Plan plan =
      plan_of({make_rule("slow", "p95 latency > 1s over 10s, min 20 requests", "rollback")});
  plan.services[0].rollout.warm_up = 40s;
  for (const char* steps : {"10% for 1m, 100%", "100% for 1m"}) {
    EngineRig rig(plan);
    traffic(rig);
    rig.run(12s);
    rig.push(asked(rig.now(), steps));
    rig.stream("v2", 20, {.version = "v2", .latency = 3s});
    rig.run(35s);
    EXPECT_TRUE(rig.orders.empty()) << steps;
    rig.run(10s);
    EXPECT_EQ(rig.orders.size(), 1U) << "it is slow for good";
  }
}

TEST(Attached, AnOnlyStepHasItsWarmUpToo) {
  Plan plan = plan_of();
  plan.services[0].rollout.warm_up = 30s;
  EngineRig rig(plan);
  traffic(rig);
  rig.run(12s);
  rig.push(asked(rig.now(), "10% for 15s max 2m"));
  rig.run(35s);
  EXPECT_EQ(rollout(rig).state, RolloutState::baking) << "a window of 10s does not fit yet";
  rig.run(10s);
  EXPECT_EQ(rollout(rig).state, RolloutState::promoted);
}

TEST(Attached, WhoGoesOverAStepBehindOneThatPassedIsSparedNoBake) {
  EngineRig rig(plan_of());
  traffic(rig);
  rig.push(split(rig.now(), 0));
  rig.run(12s);
  rig.push(split(rig.now(), 10));
  rig.push(asked(rig.now(), "10% for 20s, 50% for 20s, 100%"));
  rig.run(30s);
  ASSERT_NE(rollout(rig).why.find("waits until the platform gives it 50%"), std::string::npos);
  rig.push(split(rig.now(), 100));
  rig.run(10s);
  EXPECT_EQ(rollout(rig).step, 2U);
  EXPECT_EQ(rollout(rig).state, RolloutState::baking) << "nobody has judged it at 50%";
  rig.run(15s);
  EXPECT_EQ(rollout(rig).state, RolloutState::promoted) << rollout(rig).why;
}

TEST(Attached, ARemedyOfTheServiceItselfActsInTheWatchAndSaysNothingElse) {
  Plan plan = plan_of();
  plan.services[0].rules = {
      make_rule("drains", "error rate > 50% over 10s, min 20 requests, for 5s", "run drain")};
  plan.services[0].rollout.watch_for = 5min;
  EngineRig rig(plan);
  traffic(rig);
  rig.run(12s);
  rig.push(asked(rig.now()));
  rig.run(35s);
  ASSERT_EQ(rollout(rig).state, RolloutState::promoted);
  traffic(rig, 500, 500);
  rig.run(20s);
  ASSERT_EQ(rig.orders.size(), 1U);
  for (const Notice& fired : rig.notices_of(Notice::Kind::fired))
    for (const std::string& line : fired.details)
      EXPECT_FALSE(fired.rule == "drains" && line == "after the promotion rules only alert");
}

}  // namespace
}  // namespace belay::rules
