#include <algorithm>

#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

Rule errors() {
  return make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s", "rollback");
}

Plan plan_of(Mode mode = Mode::enforce) {
  Plan plan = EngineRig::plan_of({}, {errors()});
  plan.services[0].mode = mode;
  plan.services[0].verify_for = 30s;
  return plan;
}

/// A gate on v2 that turns bad.
void fail_gate(EngineRig& rig, const char* candidate = "v2", const char* baseline = "v1") {
  rig.stream("base", 20, {.version = baseline});
  rig.stream("new", 0);
  rig.run(12s);
  rig.push(RolloutStarted{.at = rig.now(),
                          .service = "shop",
                          .candidate = candidate,
                          .baseline = baseline,
                          .lasts = 10min});
  rig.stream("new", 20, {.version = candidate, .status = 500});
  rig.run(20s);
}

void answer(EngineRig& rig, ActionOutcome::Phase phase) {
  rig.push(ActionOutcome{.at = rig.now(), .intent = rig.orders.back().intent, .phase = phase});
  rig.run(250ms);
}

std::string only_refusal(const EngineRig& rig) {
  const std::vector<Notice> refusals = rig.notices_of(Notice::Kind::not_acted);
  return refusals.size() == 1 ? refusals[0].headline : std::to_string(refusals.size());
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Action, IsVerifiedOnTheRestoredVersion) {
  EngineRig rig(plan_of());
  fail_gate(rig);
  ASSERT_EQ(rig.orders.size(), 1U);
  rig.stream("new", 0);
  answer(rig, ActionOutcome::Phase::applied);
  EXPECT_EQ(rig.notices_of(Notice::Kind::acted).size(), 1U);
  rig.run(31s);
  EXPECT_EQ(rig.notices_of(Notice::Kind::recovered).size(), 1U);
  EXPECT_EQ(rig.service().actions.back().verified, "recovered");
  EXPECT_EQ(rig.service().actions_total.at("rollback/applied"), 1U);
}

TEST(Action, IsInconclusiveWhenNobodyKnowsWhetherItWasDone) {
  EngineRig rig(plan_of());
  fail_gate(rig);
  ASSERT_EQ(rig.orders.size(), 1U);
  answer(rig, ActionOutcome::Phase::unknown);
  EXPECT_EQ(only_refusal(rig), "shop: still trying to roll back from v2 to v1");
  answer(rig, ActionOutcome::Phase::abandoned);
  rig.run(31s);
  EXPECT_EQ(rig.notices_of(Notice::Kind::not_acted).size(), 2U);
  EXPECT_TRUE(rig.notices_of(Notice::Kind::recovered).empty()) << "v1 was fine all along";
  EXPECT_EQ(rig.notices_of(Notice::Kind::inconclusive).size(), 1U);
}

TEST(Action, IsNotJudgedByWhatIsStillOnItsWayToTheOldVersion) {
  Plan plan = EngineRig::plan_of(
      {make_rule("errors", "error rate > 5% over 10s, min 20 requests", "rollback")}, {});
  plan.services[0].verify_for = 30s;
  EngineRig rig(plan);
  fail_gate(rig);
  ASSERT_EQ(rig.orders.size(), 1U);
  answer(rig, ActionOutcome::Phase::applied);
  rig.run(8s);  // v2 still answers here and there.
  rig.stream("new", 0);
  rig.run(30s);
  EXPECT_TRUE(rig.notices_of(Notice::Kind::not_recovered).empty());
  EXPECT_EQ(rig.notices_of(Notice::Kind::recovered).size(), 1U);
}

TEST(Action, HelpedNobodyWhileTheVersionItRolledBackFromKeepsItsRequests) {
  for (const int per_second : {1, 20}) {
    EngineRig rig(plan_of());
    fail_gate(rig);
    ASSERT_EQ(rig.orders.size(), 1U);
    answer(rig, ActionOutcome::Phase::applied);
    const bool is_left = per_second == 20;
    const std::uint16_t status = is_left ? 500 : 200;
    rig.stream("new", per_second, {.version = "v2", .status = status});
    rig.run(31s);
    EXPECT_EQ(rig.notices_of(Notice::Kind::recovered).size(), is_left ? 0U : 1U) << per_second;
    const std::vector<Notice> cannot_say = rig.notices_of(Notice::Kind::inconclusive);
    ASSERT_EQ(cannot_say.size(), is_left ? 1U : 0U) << per_second;
    if (!is_left) continue;
    EXPECT_TRUE(cannot_say[0].page);
    EXPECT_TRUE(contains(cannot_say[0].details[0],
                         "v2 still gets 100 of 200 requests, so it may not have been"))
        << cannot_say[0].details[0];
    EXPECT_EQ(rig.orders.size(), 1U) << "nothing more is tried by itself";
  }
}

TEST(Action, IsNotWatchedAnyMoreOnceAnotherRolloutBegins) {
  for (const bool comes_late : {false, true}) {
    SCOPED_TRACE(comes_late);
    Plan plan = plan_of();
    plan.services[0].verify_for = 5min;
    plan.services[0].cooldown = 1s;
    EngineRig rig(plan);
    fail_gate(rig);
    ASSERT_EQ(rig.orders.size(), 1U);
    if (!comes_late) answer(rig, ActionOutcome::Phase::applied);
    rig.stream("new", 0);
    rig.run(15s);
    rig.push(RolloutStarted{
        .at = rig.now(), .service = "shop", .candidate = "v3", .baseline = "v1", .lasts = 10min});
    rig.stream("next", 20, {.version = "v3"});
    rig.run(2s);
    if (comes_late) answer(rig, ActionOutcome::Phase::applied);
    rig.run(10s);
    EXPECT_EQ(rig.service().past[0].state, RolloutState::inconclusive);
    EXPECT_EQ(rig.service().past[0].why, "another rollout began: v3");
    EXPECT_EQ(rig.notices_of(Notice::Kind::inconclusive).size(), 1U);
    rig.stream("next", 20, {.version = "v3", .status = 500});
    rig.run(20s);
    ASSERT_EQ(rig.orders.size(), 2U);
    EXPECT_EQ(std::get<RollBack>(rig.orders[1].action).expected, "v3");
    rig.run(6min);
    EXPECT_TRUE(rig.notices_of(Notice::Kind::recovered).empty());
  }
}

TEST(Action, MayStillBeTheDeployWhenTheRollbackCouldNotBeDone) {
  Plan plan = plan_of();
  plan.services[0].cooldown = 0s;
  plan.services[0].on_fail = {{.kind = Then::Kind::rollback},
                              {.kind = Then::Kind::run, .name = "drain"}};
  EngineRig rig(plan);
  fail_gate(rig);
  ASSERT_EQ(rig.orders.size(), 1U);
  answer(rig, ActionOutcome::Phase::rejected);
  ASSERT_EQ(rig.orders.size(), 2U);
  answer(rig, ActionOutcome::Phase::applied);
  rig.run(1min);
  const std::vector<Notice> told = rig.notices_of(Notice::Kind::not_recovered);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].headline,
            "shop: still bad after: run drain. Nothing else is tried: a person must decide");
  EXPECT_EQ(told[0].details[0], "errors fires still");
}

TEST(Action, ThatWasNotDoneIsToldWithAllOfTheCommandThatDoesIt) {
  EngineRig rig(plan_of());
  fail_gate(rig);
  ASSERT_EQ(rig.orders.size(), 1U);
  const std::string command = "curl " + std::string(600, 'x') + " --end";
  rig.push(ActionOutcome{.at = rig.now(),
                         .intent = rig.orders.back().intent,
                         .phase = ActionOutcome::Phase::rejected,
                         .detail = std::string(600, 'y'),
                         .by_hand = command});
  rig.run(250ms);
  const std::vector<Notice> refusals = rig.notices_of(Notice::Kind::not_acted);
  ASSERT_EQ(refusals.size(), 1U);
  const std::vector<std::string>& details = refusals[0].details;
  EXPECT_NE(std::find(details.begin(), details.end(), "by hand: " + command), details.end());
  EXPECT_TRUE(std::any_of(rig.journal.begin(), rig.journal.end(), [&](const JournalEntry& one) {
    return one.kind == JournalEntry::Kind::outcome && contains(one.text, command);
  }));
}

TEST(Action, IsNotTheDeployWhenTheRestoredVersionIsBadToo) {
  EngineRig rig(plan_of());
  fail_gate(rig);
  ASSERT_EQ(rig.orders.size(), 1U);
  rig.stream("new", 0);
  rig.stream("base", 20, {.version = "v1", .status = 500});
  answer(rig, ActionOutcome::Phase::applied);
  rig.run(20s);
  ASSERT_EQ(rig.notices_of(Notice::Kind::not_recovered).size(), 1U);
  EXPECT_TRUE(rig.notices_of(Notice::Kind::not_recovered)[0].page);
  EXPECT_TRUE(contains(rig.notices_of(Notice::Kind::not_recovered)[0].headline,
                       "either it was not the deploy, or it has left something behind"));
  rig.run(2min);
  EXPECT_EQ(rig.orders.size(), 1U) << "no second rollback";
}

TEST(Action, IsInconclusiveWhenNothingComesAfterwards) {
  EngineRig rig(plan_of());
  fail_gate(rig);
  rig.stream("new", 0);
  rig.stream("base", 0);
  answer(rig, ActionOutcome::Phase::already);
  rig.run(31s);
  EXPECT_EQ(rig.notices_of(Notice::Kind::inconclusive).size(), 1U);
}

TEST(Action, WalksTheLadderOnlyWhenTheStepBeforeDidNotHelp) {
  Plan plan = plan_of();
  plan.services[0].on_fail = {{.kind = Then::Kind::reset_flag, .name = "checkout-v2"},
                              {.kind = Then::Kind::rollback}};
  EngineRig rig(plan);
  fail_gate(rig);
  ASSERT_EQ(rig.orders.size(), 1U);
  EXPECT_EQ(std::get<ResetFlag>(rig.orders[0].action).flag, "checkout-v2");
  rig.run(1min);
  EXPECT_EQ(rig.orders.size(), 1U) << "the first step is still open";
  answer(rig, ActionOutcome::Phase::applied);
  rig.run(30s);
  ASSERT_EQ(rig.orders.size(), 2U);
  EXPECT_EQ(std::get<RollBack>(rig.orders[1].action).target, "v1");
  EXPECT_NE(rig.orders[0].intent, rig.orders[1].intent);
}

TEST(Action, OfAFlagHasTimeToReachTheServiceBeforeItIsJudged) {
  for (const bool helps : {true, false}) {
    Plan plan = EngineRig::plan_of(
        {}, {make_rule("errors", "error rate > 5% over 30s, min 50 requests", "rollback")});
    plan.services[0].verify_for = 40s;
    plan.services[0].on_fail = {{.kind = Then::Kind::reset_flag, .name = "checkout-v2"},
                                {.kind = Then::Kind::rollback}};
    EngineRig rig(plan);
    fail_gate(rig);
    ASSERT_EQ(rig.orders.size(), 1U);
    answer(rig, ActionOutcome::Phase::applied);
    rig.run(3s);  // What it has cached.
    if (helps) rig.stream("new", 20, {.version = "v2"});
    rig.run(6s);
    EXPECT_EQ(rig.orders.size(), 1U);
    rig.run(50s);
    EXPECT_EQ(rig.orders.size(), helps ? 1U : 2U);
    EXPECT_EQ(rig.notices_of(Notice::Kind::recovered).size(), helps ? 1U : 0U);
  }
}

TEST(Action, OfAFlagThatDoesNotHelpLeavesACandidateOfWhichThePageTells) {
  Plan plan = plan_of();
  plan.services[0].on_fail = {{.kind = Then::Kind::reset_flag, .name = "checkout-v2"}};
  EngineRig rig(plan);
  fail_gate(rig);
  answer(rig, ActionOutcome::Phase::applied);
  rig.run(60s);
  const std::vector<Notice> still_bad = rig.notices_of(Notice::Kind::not_recovered);
  ASSERT_EQ(still_bad.size(), 1U);
  const std::string& ways = still_bad[0].details.back();
  EXPECT_TRUE(contains(ways, "if v2 is still live: `belay rollout start ")) << ways;
  EXPECT_FALSE(contains(ways, "rollout rollback")) << "it would reset the flag again";
}

TEST(Action, GoesOnWhenAStepIsRefusedAndStopsWhenSomeoneElseActed) {
  Plan plan = plan_of();
  plan.services[0].on_fail = {{.kind = Then::Kind::reset_flag, .name = "checkout-v2"},
                              {.kind = Then::Kind::rollback}};
  EngineRig refused(plan);
  fail_gate(refused);
  answer(refused, ActionOutcome::Phase::conflict);
  EXPECT_EQ(refused.orders.size(), 2U);

  EngineRig superseded(plan);
  fail_gate(superseded);
  answer(superseded, ActionOutcome::Phase::superseded);
  superseded.run(1min);
  EXPECT_EQ(superseded.orders.size(), 1U);
}

TEST(Action, IsOnlyToldInRecommendAndNotEvenThatInObserve) {
  EngineRig recommend(plan_of(Mode::recommend));
  fail_gate(recommend);
  EXPECT_TRUE(recommend.orders.empty());
  EXPECT_EQ(recommend.notices_of(Notice::Kind::would_act).size(), 1U);
  EXPECT_EQ(decided(*recommend.service().rollout), Outcome::fail);

  EngineRig observe(plan_of(Mode::observe));
  fail_gate(observe);
  EXPECT_TRUE(observe.orders.empty());
  EXPECT_TRUE(observe.notices_of(Notice::Kind::would_act).empty());
  EXPECT_EQ(observe.notices_of(Notice::Kind::fired).size(), 1U);
}

TEST(Action, IsStoppedByADisarm) {
  EngineRig rig(plan_of());
  rig.push(Disarmed{.at = rig.now(), .service = "", .until = rig.now() + 2h, .by = "ann"});
  fail_gate(rig);
  EXPECT_TRUE(rig.orders.empty());
  EXPECT_TRUE(contains(only_refusal(rig), "disarmed until"));
  EXPECT_TRUE(contains(only_refusal(rig), "by ann"));
  const std::string ways = rig.notices_of(Notice::Kind::not_acted)[0].details.back();
  EXPECT_TRUE(contains(ways, "; now it would be refused: disarmed until ")) << ways;
  EXPECT_TRUE(rig.service().disarmed_until.has_value());
}

TEST(Action, IsStoppedByTheCooldownAndTheCapThatTheJournalRemembers) {
  const Instant before = EngineRig::kStart - 5min;
  Remembered one;
  one.actions.push_back({.at = before, .service = "shop", .intent = "a"});
  EngineRig cooling(plan_of(), one);
  fail_gate(cooling);
  EXPECT_TRUE(contains(only_refusal(cooling), "cooldown"));

  Plan plan = plan_of();
  plan.services[0].cooldown = 0s;
  plan.services[0].actions_per_hour_max = 1;
  EngineRig capped(plan, one);
  fail_gate(capped);
  EXPECT_TRUE(contains(only_refusal(capped), "cap: 1 action "));
}

TEST(Action, DoesNotBeginWhileOneOfBeforeTheRestartIsOpen) {
  Remembered open;
  open.actions.push_back({.at = EngineRig::kStart - 3h,
                          .service = "shop",
                          .intent = "old",
                          .target = "v0",
                          .is_open = true});
  EngineRig rig(plan_of(), open);
  EXPECT_EQ(rig.service().actions.size(), 1U);
  fail_gate(rig);
  EXPECT_TRUE(rig.orders.empty());
  EXPECT_TRUE(contains(rig.notices_of(Notice::Kind::not_acted)[0].headline,
                       "the rollback to v0 was begun at " + format_utc(EngineRig::kStart - 3h)));
  EXPECT_TRUE(contains(rig.notices_of(Notice::Kind::not_acted)[0].headline,
                       "until " + format_utc(EngineRig::kStart + 10min) + " (action old)"))
      << "this life looks for it anew";
  rig.push(ActionOutcome{.at = rig.now(), .intent = "old", .phase = ActionOutcome::Phase::applied});
  rig.run(1s);
  EXPECT_EQ(rig.service().actions[0].phase, ActionOutcome::Phase::applied);
}

TEST(Action, NeverRollsBackARollback) {
  Remembered earlier;
  earlier.actions.push_back(
      {.at = EngineRig::kStart - 3h, .service = "shop", .intent = "old", .target = "v2"});
  EngineRig rig(plan_of(), earlier);
  fail_gate(rig);
  EXPECT_TRUE(rig.orders.empty());
  EXPECT_TRUE(contains(only_refusal(rig), "a rollback is never rolled back"));
}

TEST(Action, NeverGoesBackToTheVersionThatFailed) {
  EngineRig rig(plan_of());
  fail_gate(rig, "v2", "v2");
  EXPECT_TRUE(rig.orders.empty());
}

TEST(Action, OfAFlagIsTakenOutsideAGateToo) {
  Plan plan = EngineRig::plan_of(
      {make_rule("errors", "error rate > 5% over 10s, min 20 requests", "reset flag new-cart"),
       make_rule("same", "error rate > 5% over 10s, min 20 requests", "rollback")});
  EngineRig rig(plan);
  rig.stream("bad", 20, {.status = 500});
  rig.run(20s);
  ASSERT_EQ(rig.orders.size(), 1U);
  EXPECT_EQ(std::get<ResetFlag>(rig.orders[0].action).flag, "new-cart");
}

TEST(Action, CarriesAllThatIsNeededToMakeItsOrderAgain) {
  EngineRig rig(plan_of());
  fail_gate(rig);
  ASSERT_EQ(rig.orders.size(), 1U);
  const auto entry = std::find_if(rig.journal.begin(), rig.journal.end(), [](const auto& one) {
    return one.kind == JournalEntry::Kind::intent;
  });
  ASSERT_NE(entry, rig.journal.end());
  EXPECT_EQ(entry->intent, rig.orders[0].intent);
  for (const char* part : {R"("kind":"rollback")", R"("service":"shop")", R"("rule":"errors")",
                           R"("target":"v1")", R"("expected":"v2")", R"("candidate":"v2")",
                           R"("baseline":"v1")", R"("at_ms":)", R"("evidence":[{"what":)"})
    EXPECT_TRUE(contains(entry->text, part)) << part << " in " << entry->text;
}

TEST(Action, APagesCommandIsOneForAShellWhateverAVersionIsCalled) {
  EngineRig rig(plan_of());
  rig.push(Disarmed{.at = rig.now(), .service = "", .until = rig.now() + 2h, .by = "ann"});
  fail_gate(rig, "v2;reboot");
  const std::string ways = rig.notices_of(Notice::Kind::not_acted)[0].details.back();
  EXPECT_TRUE(contains(ways, "--candidate 'v2;reboot' --baseline v1")) << ways;
}

}  // namespace
}  // namespace belay::rules
