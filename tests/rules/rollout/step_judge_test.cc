#include "rules/rollout/step_judge.h"

#include <chrono>

#include <gtest/gtest.h>

#include "rules/rollout/preflight.h"

namespace belay::rules {
namespace {

using namespace std::chrono_literals;
using Kind = StepAnswer::Kind;

constexpr RolloutStep kStep{.percent = 10, .bake = 10min, .bake_max = 30min};

StepEvidence fine(std::uint64_t requests, std::uint64_t errors = 0) {
  StepEvidence evidence;
  evidence.requests = requests;
  evidence.errors = errors;
  evidence.rules = {.outcome = Outcome::pass, .why = "2 rules are fine"};
  return evidence;
}

StepAnswer after(Duration baked, const StepEvidence& evidence, RolloutStep step = kStep) {
  return judge_step(step, evidence, Instant{baked});
}

TEST(StepJudge, AStepPassesWhenItsBakeIsOverAndItHasSeenEnough) {
  EXPECT_EQ(after(10min - 1s, fine(5000)).kind, Kind::bakes);
  EXPECT_EQ(after(10min, fine(50)).kind, Kind::passes);
  EXPECT_EQ(after(10min, fine(49)).kind, Kind::bakes);
  EXPECT_EQ(after(10min, fine(37)).why.substr(0, 54),
            "37 of 50 requests; 0 of 37 requests failed, so at most");
}

TEST(StepJudge, ThreeHundredRequestsWithoutAnErrorAreEnoughForAnyone) {
  RolloutStep step = kStep;
  step.samples_min = 1000;
  EXPECT_EQ(after(10min, fine(300), step).kind, Kind::passes);
  EXPECT_EQ(after(10min, fine(300, 1), step).kind, Kind::bakes);
}

TEST(StepJudge, AtTheHardMaximumWhatIsKnownToBeFineIsEnough) {
  const StepAnswer little = after(30min, fine(7));
  EXPECT_EQ(little.kind, Kind::passes);
  EXPECT_NE(little.why.find("0 of 7 requests failed, so at most "), std::string::npos)
      << little.why;
}

TEST(StepJudge, SaysThatNothingOfTheCandidateItselfWasSeen) {
  RolloutStep gate = kStep;
  gate.samples_min = 0;
  const StepAnswer unseen = after(10min, fine(0), gate);
  EXPECT_EQ(unseen.kind, Kind::passes) << "probes and queues are the whole service's";
  EXPECT_NE(unseen.why.find("no request of the candidate was seen"), std::string::npos)
      << unseen.why;
}

TEST(StepJudge, UnknownNeverPromotesNotEvenAtTheHardMaximum) {
  StepEvidence unknown = fine(5000);
  unknown.rules = {.outcome = Outcome::unknown, .unknown = UnknownKind::blind, .why = "blind"};
  EXPECT_EQ(after(29min, unknown).kind, Kind::bakes);
  EXPECT_EQ(after(30min, unknown).kind, Kind::overdue);
  EXPECT_EQ(after(30min, unknown).reason, HoldReason::unknown);
  unknown.rules.unknown = UnknownKind::no_traffic;
  EXPECT_EQ(after(30min, unknown).reason, HoldReason::too_few_samples);
}

PreflightFacts good() {
  return {.candidate = "v2", .baseline = "v1", .is_driving = true, .last_good = "v1"};
}

TEST(Preflight, WhatIsKnownToBeGoodMayBegin) {
  EXPECT_TRUE(judge_preflight(good()).hindrances.empty());
  PreflightFacts first = good();
  first.last_good.reset();
  EXPECT_TRUE(judge_preflight(first).hindrances.empty()) << "the first rollout has no history";
}

TEST(Preflight, AWrongTargetIsBadAndAnOpenQuestionIsOnlyUnknown) {
  PreflightFacts same = good();
  same.baseline = "v2";
  EXPECT_TRUE(judge_preflight(same).is_bad);
  PreflightFacts none = good();
  none.baseline.clear();
  EXPECT_TRUE(judge_preflight(none).is_bad);
  PreflightFacts left = good();
  left.was_rolled_away = true;
  EXPECT_TRUE(judge_preflight(left).is_bad);
  PreflightFacts unmet = good();
  unmet.unmet = {"it has not passed in staging"};
  EXPECT_TRUE(judge_preflight(unmet).is_bad);
  for (const auto& change : {+[](PreflightFacts& facts) { facts.last_good = "v0"; },
                             +[](PreflightFacts& facts) { facts.baseline_unknown = "blind"; },
                             +[](PreflightFacts& facts) { facts.is_asked = true; }}) {
    PreflightFacts open = good();
    change(open);
    EXPECT_FALSE(judge_preflight(open).is_bad);
    EXPECT_EQ(judge_preflight(open).hindrances.size(), 1U);
  }
}

TEST(Preflight, WhatHasTheTrafficIsAVersionToGoBackToWhateverWasPromotedLast) {
  PreflightFacts facts = good();
  facts.last_good = "v0";
  facts.serving = "v1";
  EXPECT_TRUE(judge_preflight(facts).hindrances.empty());
  facts.serving = "v0";
  ASSERT_EQ(judge_preflight(facts).hindrances.size(), 1U);
  EXPECT_EQ(judge_preflight(facts).hindrances[0],
            "v1 is not the version that was promoted or put back last (v0), and v0 has most of the "
            "traffic");
  facts.serving.clear();
  EXPECT_EQ(judge_preflight(facts).hindrances.size(), 1U);
  facts.serving = "v1";
  facts.was_rolled_away = true;
  EXPECT_TRUE(judge_preflight(facts).is_bad) << "whatever it has";
}

TEST(Preflight, EachAnswerOfThePlatformCounts) {
  PreflightFacts asked = good();
  asked.is_asked = true;
  asked.answered = PreflightDone{};
  asked.answered->checks = {{.name = "target exists", .result = Truth::fine}};
  EXPECT_TRUE(judge_preflight(asked).hindrances.empty());
  asked.answered->checks.push_back({.name = "deployable", .result = Truth::unknown});
  EXPECT_FALSE(judge_preflight(asked).is_bad);
  asked.answered->checks.push_back({.name = "smoke", .result = Truth::bad, .detail = "exit 1"});
  const PreflightAnswer answer = judge_preflight(asked);
  EXPECT_TRUE(answer.is_bad);
  ASSERT_EQ(answer.hindrances.size(), 2U);
  EXPECT_EQ(answer.hindrances[1], "smoke is not so: exit 1");
}

TEST(Preflight, DeploymentWindowsAreHoursOfTheWeek) {
  RolloutPlan plan;
  EXPECT_FALSE(frozen(plan, from_unix_ms(0)));
  DeployWindow weekdays{
      .days = {true, true, true, true, true, false, false}, .from = 9h, .to = 17h};
  plan.windows = {weekdays};
  const Instant friday = *parse_rfc3339("2026-11-20T00:00:00Z");
  EXPECT_TRUE(frozen(plan, friday + 9h - 1s));
  EXPECT_FALSE(frozen(plan, friday + 9h));
  EXPECT_FALSE(frozen(plan, friday + 17h - 1s));
  EXPECT_TRUE(frozen(plan, friday + 17h));
  EXPECT_TRUE(frozen(plan, friday + 24h + 10h)) << "a Saturday";
  plan.freezes = {{.from = friday, .to = friday + 24h, .why = "sale"}};
  EXPECT_EQ(frozen(plan, friday + 10h), "frozen until 2026-11-21T00:00:00.000Z: sale");
}

}  // namespace
}  // namespace belay::rules
