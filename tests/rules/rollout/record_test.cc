// Goal: what a verdict rests on, what was missing, and how rollouts ended is all in the journal,
// and the measures of delivery follow from it. Method: an engine on the tests' clock, and numbers
// that were worked out by hand.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/rollout/deployment_totals.h"
#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;
using Kind = JournalEntry::Kind;

Plan plan() {
  return EngineRig::plan_of(
      {make_rule("shop-slow", "p95 latency > 2s over 5s, min 20 requests", "pause"),
       make_rule("shop-loud", "requests rate > 1000/s over 5s", "alert")},
      {make_rule("shop-errors", "error rate > 20% over 5s, min 20 requests, for 1s", "rollback")});
}

RolloutStarted gate(const EngineRig& rig) {
  return {.at = rig.now(),
          .service = "shop",
          .candidate = "v2",
          .baseline = "v1",
          .lasts = 30s,
          .id = "one"};
}

std::vector<JournalEntry> entries(const EngineRig& rig, Kind kind) {
  std::vector<JournalEntry> found;
  for (const JournalEntry& entry : rig.journal)
    if (entry.kind == kind) found.push_back(entry);
  return found;
}

TEST(Record, TheVerdictTellsEveryRuleThatCountsWithItsNumbers) {
  EngineRig rig(plan());
  rig.stream("bad", 20, {.version = "v2", .status = 500});
  rig.push(gate(rig));
  rig.run(10s);
  const auto judged = entries(rig, Kind::judged);
  ASSERT_EQ(judged.size(), 1U);
  EXPECT_EQ(judged[0].rollout, "one");
  EXPECT_THAT(judged[0].text, HasSubstr(R"("rule":"shop-errors")"));
  EXPECT_THAT(judged[0].text, HasSubstr(R"("firing":true)"));
  EXPECT_THAT(judged[0].text, HasSubstr(R"("value":1,)"));
  EXPECT_THAT(judged[0].text, HasSubstr(R"("threshold":0.2,"compare":">","dimension":"share")"));
  EXPECT_THAT(judged[0].text, HasSubstr(R"("rule":"shop-slow")"));
  EXPECT_THAT(judged[0].text, testing::Not(HasSubstr("shop-loud"))) << "an alert never counts";
}

TEST(Record, WhatHappensInARolloutCarriesItsId) {
  EngineRig rig(plan());
  rig.stream("bad", 20, {.version = "v2", .status = 500});
  rig.push(gate(rig));
  rig.run(10s);
  for (const Kind kind : {Kind::rollout_started, Kind::rollout_moved, Kind::fired, Kind::notice}) {
    ASSERT_FALSE(entries(rig, kind).empty());
    for (const JournalEntry& entry : entries(rig, kind)) EXPECT_EQ(entry.rollout, "one");
  }
}

TEST(Record, ABlindSpellIsToldAtItsBeginningAndAtItsEnd) {
  EngineRig rig(plan());
  rig.stream("good", 20, {.version = "v2"});
  rig.run(5s);
  rig.push(gate(rig));
  rig.run(5s);
  rig.say(EngineRig::kTail, SourceHealth::down);
  rig.run(5s);
  const auto begun = entries(rig, Kind::evidence_lost);
  ASSERT_EQ(begun.size(), 1U);
  EXPECT_THAT(begun[0].text, HasSubstr(R"("source":"tail","what":"blind")"));
  EXPECT_THAT(begun[0].text, testing::Not(HasSubstr("until_ms")));
  rig.set_alive(EngineRig::kTail, true);
  rig.push(SourceState{.source = EngineRig::kTail, .at = rig.now()});
  rig.run(5s);
  const auto ended = entries(rig, Kind::evidence_lost);
  ASSERT_EQ(ended.size(), 2U);
  EXPECT_THAT(ended[1].text, HasSubstr("until_ms"));
}

TEST(Record, ASourceThatComesAndGoesCannotFillTheJournal) {
  EngineRig rig(plan());
  RolloutStarted started = gate(rig);
  started.lasts = 2h;
  rig.push(started);
  rig.run(1s);
  for (int i = 0; i < 300; ++i) {
    const bool is_up = i % 2 == 1;
    rig.push(SourceState{.source = EngineRig::kTail,
                         .at = rig.now(),
                         .health = is_up ? SourceHealth::alive : SourceHealth::down});
    rig.set_alive(EngineRig::kTail, is_up);
    rig.run(1s);
  }
  EXPECT_LE(entries(rig, Kind::evidence_lost).size(), 200U);
}

TEST(Record, ALossIsToldWithHowMuch) {
  EngineRig rig(plan());
  rig.stream("good", 20, {.version = "v2"});
  rig.push(
      SourceGap{.source = EngineRig::kTail, .at = rig.now(), .lost = 1000, .reason = "before"});
  rig.run(5s);
  rig.push(gate(rig));
  rig.run(2s);
  for (int i = 0; i < 3; ++i) {
    rig.push(SourceGap{.source = EngineRig::kTail, .at = rig.now(), .lost = 5, .reason = "inbox"});
    rig.run(1s);
  }
  rig.run(30s);
  const auto lost = entries(rig, Kind::evidence_lost);
  ASSERT_EQ(lost.size(), 2U);
  EXPECT_THAT(lost[0].text, HasSubstr(R"("reason":"inbox","lost":5)"));
  EXPECT_THAT(lost[1].text, HasSubstr(R"("reason":"inbox","lost":15)"));
}

TEST(Record, TheFailureBeganWhenItsRuleTurnedBad) {
  EngineRig rig(plan());
  rig.stream("good", 20, {.version = "v2"});
  rig.run(10s);
  rig.push(gate(rig));
  rig.run(8s);
  const Instant bad_from = rig.now();
  rig.stream("good", 0);
  rig.stream("bad", 20, {.version = "v2", .status = 500});
  rig.run(10s);
  const RolloutStatus rollout = *rig.service().rollout;
  EXPECT_EQ(rollout.verdict, Outcome::fail);
  ASSERT_TRUE(rollout.failing_since);
  // A fifth of a window of five seconds is one second's requests: bad one to two seconds in.
  EXPECT_GE(*rollout.failing_since, bad_from);
  EXPECT_LE(*rollout.failing_since, bad_from + 3s);
  EXPECT_EQ(rollout.ends - *rollout.failing_since, 1s) << "its rule fires after a second";
}

TEST(DeploymentTotals, AreWhatOneWouldCountByHand) {
  DeploymentTotals totals;
  const Instant at = from_unix_ms(1'700'000'000'000);
  // Lead times of 10 min (on the bound), 2 h and 3 days and a second.
  for (const Duration lead : {Duration{10min}, Duration{2h}, Duration{72h + 1s}})
    totals.add({.state = RolloutState::promoted,
                .verdict = Outcome::pass,
                .ended = at,
                .committed_at = at - lead});
  totals.add({.state = RolloutState::promoted, .verdict = Outcome::pass, .ended = at});
  totals.add({.state = RolloutState::promoted,
              .verdict = Outcome::pass,
              .ended = at,
              .committed_at = at + 1s});  // Somebody's clock is wrong.
  // Recoveries after 31 s and 400 s; one that did not recover has no time.
  for (const Duration took : {31s, 400s})
    totals.add({.state = RolloutState::recovered,
                .verdict = Outcome::fail,
                .ended = at,
                .failing_since = at - took});
  totals.add({.state = RolloutState::not_recovered,
              .verdict = Outcome::fail,
              .ended = at,
              .failing_since = at - 5min});
  totals.add({.state = RolloutState::aborted, .ended = at});
  EXPECT_EQ((totals.ended[{RolloutState::promoted, Outcome::pass}]), 5U);
  EXPECT_EQ((totals.ended[{RolloutState::recovered, Outcome::fail}]), 2U);
  EXPECT_EQ((totals.ended[{RolloutState::not_recovered, Outcome::fail}]), 1U);
  EXPECT_EQ((totals.ended[{RolloutState::aborted, Outcome::unknown}]), 1U);
  // Bounds: 600, 1800, 3600, 14400, 43200, 86400, 259200, 604800, 2592000, inf.
  EXPECT_THAT(totals.lead_time.buckets, testing::ElementsAre(1, 0, 0, 1, 0, 0, 0, 1, 0, 0));
  EXPECT_DOUBLE_EQ(totals.lead_time.sum_seconds, 600 + 7'200 + 259'201);
  // Bounds: 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400, inf.
  EXPECT_THAT(totals.recovery.buckets, testing::ElementsAre(0, 1, 0, 0, 1, 0, 0, 0, 0, 0));
  EXPECT_DOUBLE_EQ(totals.recovery.sum_seconds, 431);
}

TEST(DeploymentTotals, CountEachRolloutOnceAndGoOnAfterARestart) {
  DeploymentTotals before;
  before.add({.state = RolloutState::promoted, .verdict = Outcome::pass});
  Remembered remembered;
  remembered.deployments["shop"] = before;
  EngineRig rig(plan(), remembered);
  rig.stream("good", 20, {.version = "v2"});
  rig.run(10s);
  RolloutStarted started = gate(rig);
  started.lasts = 10s;
  started.committed_at = rig.now() - 1h;
  rig.push(started);
  rig.run(60s);
  const DeploymentTotals totals = rig.service().deployments;
  EXPECT_EQ((totals.ended.at({RolloutState::promoted, Outcome::pass})), 2U);
  EXPECT_EQ(totals.lead_time.buckets[3], 1U) << "an hour and ten seconds";
  const auto ended = entries(rig, Kind::rollout_ended);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_THAT(ended[0].text, HasSubstr("committed_at_ms"));
}

}  // namespace
}  // namespace belay::rules
