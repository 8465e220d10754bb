// What is known of before a candidate's first traffic, in the life that gives it and in later ones.

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using Phase = ActionOutcome::Phase;

constexpr const char* kId = "11111111-1111-4111-8111-111111111111";
constexpr const char* kSentence = "error rate > 5% over 10s, min 20 requests, for 5s";

RolloutStarted asked(Instant at) {
  return {.at = at,
          .service = "shop",
          .candidate = "v2",
          .baseline = "v1",
          .id = kId,
          .steps = *parse_steps("10% for 1m max 2m, 100% for 1m"),
          .is_driving = true};
}

Plan plan_of() { return EngineRig::plan_of({}, {make_rule("errors", kSentence, "rollback")}); }

/// Killed while the first move was on its way, with what the journal had of before it.
Remembered killed(std::vector<RuleBefore> before) {
  Order move{.intent = "old",
             .at = EngineRig::kStart - 10s,
             .service = "shop",
             .action =
                 MoveTraffic{
                     .candidate = "v2", .baseline = "v1", .percent = 10, .expected = {{"v1", 100}}},
             .rule = "",
             .evidence = {},
             .reason = "step 1 of 2",
             .candidate = "v2",
             .baseline = "v1",
             .rollout = kId};
  RememberedRollout rollout;
  rollout.started = asked(EngineRig::kStart - 20s);
  rollout.started.mode = Mode::enforce;
  rollout.at = EngineRig::kStart - 10s;
  rollout.state = RolloutState::preflight;
  rollout.intents = {"old"};
  rollout.before = std::move(before);
  Remembered remembered;
  remembered.actions.push_back(
      {.at = move.at, .service = "shop", .intent = "old", .is_open = true, .order = move});
  remembered.rollouts.push_back(std::move(rollout));
  return remembered;
}

void serve(EngineRig& rig, const char* version, std::uint16_t status) {
  // Of all that is bad where only v2 is, its own is less than twice.
  const int per_second = version == std::string("v1") ? 10 : 20;
  rig.stream(version, per_second, {.version = version, .status = status});
}

void answer(EngineRig& rig, const std::string& intent, Phase phase) {
  rig.push(ActionOutcome{.at = rig.now(), .intent = intent, .phase = phase});
  rig.run(250ms);
}

void resume(EngineRig& rig) {
  ASSERT_EQ(rig.service().rollout->held, HoldReason::traffic);
  rig.push(OperatorCommand{.kind = OperatorCommand::Kind::resume,
                           .at = rig.now(),
                           .rollout = kId,
                           .by = "ann",
                           .reason = ""});
  rig.run(1s);
}

/// v1 is bad for a while before the move is tried once more, and v2, which has all then, is as bad.
void move_again_though_bad(EngineRig& rig) {
  serve(rig, "v1", 500);
  rig.run(15s);
  resume(rig);
  ASSERT_FALSE(rig.orders.empty());
  answer(rig, rig.orders.back().intent, Phase::applied);
  rig.stream("v1", 0);
  serve(rig, "v2", 500);
  rig.run(30s);
}

/// v2 fails from the first line that is read; that the move was done is found out after a while.
std::vector<Order> orders_after(std::vector<RuleBefore> before) {
  EngineRig rig(plan_of(), killed(std::move(before)));
  serve(rig, "v1", 200);
  serve(rig, "v2", 500);
  rig.run(8s);
  answer(rig, "old", Phase::applied);
  rig.run(30s);
  return rig.orders;
}

RuleBefore was_fine() { return {.rule = "errors", .sentence = kSentence, .truth = Truth::fine}; }

RuleBefore was_bad(double share) {
  RuleBefore bad{.rule = "errors", .sentence = kSentence, .truth = Truth::bad};
  bad.evidence.resize(1);
  bad.evidence[0].value = share;
  bad.evidence[0].has_value = true;
  bad.evidence[0].denominator = 200;
  bad.evidence[0].truth = Truth::bad;
  return bad;
}

/// Of this life.
EngineRig with_first_move() {
  EngineRig rig(plan_of());
  serve(rig, "v1", 200);
  rig.run(15s);
  rig.push(asked(rig.now()));
  rig.run(2s);
  return rig;
}

std::string journaled_fine() {
  return std::string(R"("before":[{"rule":"errors","sentence":")") + kSentence +
         R"(","truth":"fine")";
}

/// The entry ahead of the newest intent.
std::string text_of_look(const EngineRig& rig) {
  std::string look;
  for (std::size_t i = 1; i < rig.journal.size(); ++i)
    if (rig.journal[i].kind == JournalEntry::Kind::intent) look = rig.journal[i - 1].text;
  EXPECT_THAT(look, HasSubstr(R"("restated":"kept how its rules stand ahead of its first move")"));
  return look;
}

TEST(BeforeFirstMove, IsJournaledWithItAndAheadOfItsIntent) {
  const EngineRig rig = with_first_move();
  ASSERT_THAT(rig.orders, SizeIs(1));
  EXPECT_THAT(text_of_look(rig), HasSubstr(journaled_fine()));
}

TEST(BeforeFirstMove, WhatFailsAfterTheRestartIsNoExcuse) {
  const std::vector<Order> orders = orders_after({was_fine()});
  ASSERT_THAT(orders, SizeIs(1));
  EXPECT_EQ(std::get<RollBack>(orders[0].action).target, "v1");
}

TEST(BeforeFirstMove, NorWhereNothingWasKnown) {
  EXPECT_THAT(orders_after({{.rule = "errors", .sentence = kSentence}}), SizeIs(1));
}

TEST(BeforeFirstMove, WhatWasBadStaysExcused) {
  EXPECT_THAT(orders_after({was_bad(0.4)}), SizeIs(1)) << "all of v2 is more than twice of it";
  EXPECT_THAT(orders_after({was_bad(0.6)}), SizeIs(0));
}

TEST(BeforeFirstMove, WhatWasBadAndIsFineByTheTimeOfItsTrafficCounts) {
  EngineRig rig(plan_of(), killed({was_bad(0.6)}));
  serve(rig, "v1", 200);
  rig.run(15s);
  answer(rig, "old", Phase::applied);
  serve(rig, "v2", 500);
  rig.run(30s);
  EXPECT_THAT(rig.orders, SizeIs(1));
}

TEST(BeforeFirstMove, WhatTurnedBadBeforeAnotherTryOfARejectedMoveIsAnExcuse) {
  EngineRig rig(plan_of(), killed({was_fine()}));
  serve(rig, "v1", 500);
  answer(rig, "old", Phase::rejected);
  move_again_though_bad(rig);
  EXPECT_THAT(rig.orders, SizeIs(1)) << "the move alone";
}

TEST(BeforeFirstMove, AResumeAfterAnAbandonedMoveFindsNoExcuseInWhatItHasDone) {
  EngineRig rig(plan_of(), killed({was_fine()}));
  serve(rig, "v1", 200);
  serve(rig, "v2", 500);
  rig.run(8s);
  answer(rig, "old", Phase::abandoned);
  rig.run(8s);
  resume(rig);
  ASSERT_THAT(rig.orders, SizeIs(1)) << "the move once more";
  answer(rig, rig.orders[0].intent, Phase::applied);
  rig.run(30s);
  EXPECT_THAT(rig.orders, SizeIs(2));
}

TEST(BeforeFirstMove, NorDoesOneInTheSameLife) {
  EngineRig rig = with_first_move();
  rig.stream("v2 of a log without versions", 20, {.status = 500});
  rig.run(20s);
  answer(rig, rig.orders.at(0).intent, Phase::abandoned);
  rig.run(1s);
  resume(rig);
  ASSERT_THAT(rig.orders, SizeIs(2)) << "the move once more";
  EXPECT_THAT(text_of_look(rig), HasSubstr(journaled_fine()));
}

TEST(BeforeFirstMove, SaysNothingOfATryAfterARejectedOne) {
  EngineRig rig = with_first_move();
  answer(rig, rig.orders.at(0).intent, Phase::rejected);
  rig.run(2s);
  ASSERT_EQ(rig.service().rollout->state, RolloutState::held);
  ASSERT_EQ(rig.journal.back().kind, JournalEntry::Kind::notice);
  const JournalEntry& held = rig.journal.end()[-2];
  EXPECT_THAT(held.text, HasSubstr(R"("state":"held")"));
  EXPECT_THAT(held.text, HasSubstr(R"("before":[])"));
}

TEST(BeforeFirstMove, SaysNothingOfATryAfterRejectedOnesOfTwoLives) {
  Remembered remembered = killed({});
  remembered.actions.clear();  // It was rejected, which is nobody's concern after a restart.
  remembered.rollouts[0].state = RolloutState::held;
  remembered.rollouts[0].held = HoldReason::traffic;
  EngineRig rig(plan_of(), remembered);
  serve(rig, "v1", 200);
  rig.run(15s);
  resume(rig);
  answer(rig, rig.orders.at(0).intent, Phase::rejected);
  move_again_though_bad(rig);
  EXPECT_THAT(rig.orders, SizeIs(2)) << "the moves alone";
}

/// v1 turns bad while the move `intent` is on its way, and v2, which has all then, is as bad.
void turn_bad_before_it_comes(EngineRig& rig, const std::string& intent) {
  serve(rig, "v1", 500);
  rig.run(20s);
  rig.stream("v1", 0);
  serve(rig, "v2", 500);
  rig.run(250ms);
  answer(rig, intent, Phase::applied);
  rig.run(30s);
}

TEST(BeforeFirstMove, WhatTurnsBadUntilTheCandidatesFirstRequestIsAnExcuse) {
  EngineRig rig = with_first_move();
  turn_bad_before_it_comes(rig, rig.orders.at(0).intent);
  EXPECT_THAT(rig.orders, SizeIs(1)) << "the move alone";
}

TEST(BeforeFirstMove, AlsoWhereTheCandidateHasNoRequestYetAsItIsDone) {
  EngineRig rig = with_first_move();
  serve(rig, "v1", 500);
  rig.run(20s);
  answer(rig, rig.orders.at(0).intent, Phase::applied);
  rig.stream("v1", 0);
  serve(rig, "v2", 500);
  rig.run(30s);
  EXPECT_THAT(rig.orders, SizeIs(1)) << "the move alone";
}

TEST(BeforeFirstMove, WhatWasBadIsToldByItsNumbersOfThen) {
  EngineRig rig(plan_of());
  rig.stream("bad v1", 2, {.version = "v1", .status = 500});
  rig.stream("v1", 18, {.version = "v1"});
  rig.run(15s);
  rig.push(asked(rig.now()));
  rig.run(2s);
  ASSERT_THAT(rig.orders, SizeIs(1));
  rig.stream("v2", 20, {.version = "v2", .status = 500});
  rig.run(20s);
  answer(rig, rig.orders[0].intent, Phase::applied);
  rig.run(30s);
  EXPECT_THAT(rig.orders, SizeIs(2)) << "more than twice the 10% of before";
}

TEST(BeforeFirstMove, AlsoWhereItWasFineInAnEarlierLife) {
  EngineRig rig(plan_of(), killed({was_fine()}));
  serve(rig, "v1", 200);
  rig.run(15s);
  turn_bad_before_it_comes(rig, "old");
  EXPECT_THAT(rig.orders, SizeIs(0));
}

/// The candidate has its traffic long before the platform says so, and fails its probe since then.
std::vector<Order> orders_of_slow_move(bool logs_in_it) {
  EngineRig rig(
      EngineRig::plan_of({}, {make_rule("dead", "probe healthz fails 3 of 3", "rollback")}));
  const auto probe = [&rig](ProbeFailure failure) {
    rig.push(Probe{.source = EngineRig::kProbe, .at = rig.now(), .failure = failure});
    rig.run(2s);
  };
  for (int i = 0; i < 8; ++i) probe(ProbeFailure::none);
  rig.push(asked(rig.now()));
  probe(ProbeFailure::none);
  EXPECT_THAT(rig.orders, SizeIs(1));
  for (int i = 0; i < 8; ++i) probe(ProbeFailure::refused);
  if (logs_in_it) rig.push(rig.request({.version = "v2"}, rig.now()));
  probe(ProbeFailure::refused);
  answer(rig, rig.orders.at(0).intent, Phase::applied);
  for (int i = 0; i < 8; ++i) probe(ProbeFailure::refused);
  return rig.orders;
}

TEST(BeforeFirstMove, WhatFailsInASlowMoveAndNamesNoVersionIsNoExcuse) {
  for (const bool logs_in_it : {false, true}) {
    const std::vector<Order> orders = orders_of_slow_move(logs_in_it);
    ASSERT_THAT(orders, SizeIs(2)) << logs_in_it;
    EXPECT_EQ(std::get<RollBack>(orders[1].action).target, "v1");
  }
}

}  // namespace
}  // namespace belay::rules
