// What is left of the ladder of a rollout that has failed, after a restart: it goes on where it
// was, and nowhere in a lower mode.

#include <gtest/gtest.h>

#include "tests/rules/rollout/remembered_rollout.h"
#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

constexpr const char* kId = "11111111-1111-4111-8111-111111111111";
using Phase = ActionOutcome::Phase;

const std::vector<Then> kRollback = {{.kind = Then::Kind::rollback}};
const std::vector<Then> kFlagFirst = {{.kind = Then::Kind::reset_flag, .name = "cart"},
                                      {.kind = Then::Kind::rollback}};

Plan plan_of(Mode mode, const std::vector<Then>& rungs = kRollback) {
  Plan plan = EngineRig::plan_of(
      {}, {make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s", "rollback")});
  plan.services[0].verify_for = 30s;
  plan.services[0].mode = mode;
  plan.services[0].on_fail = rungs;
  return plan;
}

/// A rollout that began in enforce and has failed, and the last that was ordered for it; without a
/// phase that is still on its way.
Remembered failed(const Order& order, std::optional<Phase> phase = std::nullopt) {
  Remembered remembered;
  const auto* back = std::get_if<RollBack>(&order.action);
  remembered.actions.push_back({.at = order.at,
                                .service = "shop",
                                .intent = order.intent,
                                .target = back != nullptr ? back->target : "",
                                .is_open = !phase,
                                .expected = back != nullptr ? back->expected : "",
                                .phase = phase,
                                .order = order});
  RememberedRollout rollout;
  rollout.started = {.at = EngineRig::kStart - 30s,
                     .service = "shop",
                     .candidate = "v2",
                     .baseline = "v1",
                     .id = kId,
                     .steps = *parse_steps("10% for 15s max 60s, 100% for 15s max 60s"),
                     .is_driving = std::holds_alternative<MoveTraffic>(order.action),
                     .mode = Mode::enforce};
  rollout.at = EngineRig::kStart - 10s;
  rollout.state = phase ? RolloutState::verifying : RolloutState::rolling_back;
  rollout.step_started = EngineRig::kStart - 25s;
  rollout.verdict = Outcome::fail;
  rollout.why = "errors: 100%";
  rollout.rule = "errors";
  rollout.intents = {order.intent};
  remembered.rollouts.push_back(rollout);
  return remembered;
}

Order rollback() { return left_order(RollBack{.target = "v1", .expected = "v2"}, kId); }
Order flag() { return left_order(ResetFlag{.flag = "cart"}, kId); }
Order move() {
  return left_order(MoveTraffic{.candidate = "v2",
                                .baseline = "v1",
                                .percent = 100,
                                .expected = {{"v2", 10}, {"v1", 90}}},
                    kId);
}

void serve(EngineRig& rig, bool is_bad) {
  rig.stream("v1", 20, {.version = "v1"});
  rig.stream("v2", 20,
             {.version = "v2", .status = is_bad ? std::uint16_t{500} : std::uint16_t{200}});
}

void answer(EngineRig& rig, Phase phase) {
  rig.push(ActionOutcome{.at = rig.now(), .intent = "old", .phase = phase});
  rig.run(1s);
}

RolloutStatus rollout(const EngineRig& rig) { return *rig.service().rollout; }

bool was_told(const EngineRig& rig, Notice::Kind kind, const std::string& part) {
  for (const Notice& notice : rig.notices_of(kind))
    if (notice.headline.find(part) != std::string::npos) return true;
  return false;
}

TEST(LadderRestart, InALowerModeAnActionThatIsOnItsWayIsRecalledUnlessEnforceWasAskedFor) {
  for (const Mode mode : {Mode::recommend, Mode::observe, Mode::enforce})
    for (const bool is_asked : {false, true})
      for (const Order& order : {rollback(), flag()}) {
        SCOPED_TRACE(std::string(name_of(mode)) + " " + std::to_string(is_asked));
        Remembered remembered = failed(order);
        remembered.rollouts[0].is_mode_asked = is_asked;
        EngineRig rig(plan_of(mode, kFlagFirst), remembered);
        serve(rig, true);
        rig.run(2s);
        if (is_asked || mode == Mode::enforce) {
          EXPECT_TRUE(rig.recalls.empty());
          continue;
        }
        ASSERT_EQ(rig.recalls.size(), 1U);
        EXPECT_EQ(rig.recalls[0].intent, "old");
        EXPECT_EQ(rig.recalls[0].why,
                  "its mode is " + std::string(name_of(mode)) + " now, and only enforce acts");
        answer(rig, Phase::rejected);
        rig.run(1min);
        EXPECT_TRUE(rig.orders.empty());
        EXPECT_EQ(rollout(rig).state, RolloutState::not_recovered);
      }
}

TEST(LadderRestart, StandsInTheJournal) {
  EngineRig rig(plan_of(Mode::enforce), failed(rollback(), Phase::applied));
  rig.run(1s);
  const std::string words = R"("restated":"Belay was restarted: it looks how far it had come")";
  EXPECT_NE(rig.journal.at(0).text.find(words), std::string::npos) << rig.journal[0].text;
}

TEST(LadderRestart, WhatMayNotBeDoneAnyMoreSaysWhyInItsTimeline) {
  Remembered remembered = failed(rollback());
  remembered.actions.clear();
  remembered.rollouts[0].intents.clear();
  remembered.disarmed = {{.service = "shop", .until = EngineRig::kStart + 1h}};
  EngineRig rig(plan_of(Mode::enforce), remembered);
  rig.run(2s);
  ASSERT_EQ(rollout(rig).state, RolloutState::failed);
  EXPECT_TRUE(rollout(rig).timeline.back().what.starts_with("nothing was done: "));
}

TEST(LadderRestart, AnActionThatNoRuleIsLeftToVerifyIsRecalledInALowerModeToo) {
  for (const Mode mode : {Mode::recommend, Mode::enforce}) {
    Plan plan = plan_of(mode);
    plan.services[0].rollout_rules.clear();
    EngineRig rig(plan, failed(rollback()));
    rig.run(2s);
    EXPECT_EQ(rig.recalls.size(), mode == Mode::enforce ? 0U : 1U);
  }
}

TEST(LadderRestart, WhatWasSentBeforeTheModeWasLoweredIsStillVerified) {
  EngineRig rig(plan_of(Mode::observe), failed(rollback()));
  serve(rig, false);
  rig.run(2s);
  answer(rig, Phase::applied);
  rig.stream("v2", 0);
  rig.run(31s);
  EXPECT_EQ(rollout(rig).state, RolloutState::recovered);
}

TEST(LadderRestart, InALowerModeNothingFollowsTrafficThatWasOnItsWay) {
  for (const Mode mode : {Mode::recommend, Mode::observe, Mode::enforce}) {
    SCOPED_TRACE(name_of(mode));
    EngineRig rig(plan_of(mode), failed(move()));
    serve(rig, true);
    rig.run(2s);
    EXPECT_EQ(rig.recalls.size(), 1U);
    answer(rig, Phase::rejected);
    rig.run(1min);
    EXPECT_EQ(rig.orders.size(), mode == Mode::enforce ? 1U : 0U);
    if (mode == Mode::enforce) continue;
    EXPECT_EQ(rollout(rig).state, RolloutState::failed);
    EXPECT_EQ(rollout(rig).why,
              "its mode is " + std::string(name_of(mode)) + " now, and only enforce acts");
    EXPECT_TRUE(was_told(
        rig, mode == Mode::observe ? Notice::Kind::not_acted : Notice::Kind::would_act,
        mode == Mode::observe ? "did not roll back, although it has failed" : "would roll back"));
  }
}

TEST(LadderRestart, InALowerModeWhatHasFailedAndWasNotOrderedYetIsNotRolledBack) {
  for (const Mode mode : {Mode::recommend, Mode::enforce}) {
    Remembered remembered = failed(rollback());
    remembered.actions.clear();
    remembered.rollouts[0].intents.clear();
    EngineRig rig(plan_of(mode), remembered);
    serve(rig, true);
    rig.run(2s);
    EXPECT_EQ(rig.orders.size(), mode == Mode::enforce ? 1U : 0U);
    EXPECT_EQ(rig.notices_of(Notice::Kind::would_act).size(), mode == Mode::enforce ? 0U : 1U);
  }
}

TEST(LadderRestart, TheModeOfTheRolloutSaysWhetherLaterRungsAreTried) {
  for (const bool is_asked : {true, false}) {
    SCOPED_TRACE(is_asked);
    Remembered remembered = failed(flag());
    remembered.rollouts[0].is_mode_asked = is_asked;
    EngineRig rig(plan_of(Mode::recommend, kFlagFirst), remembered);
    serve(rig, true);
    rig.run(2s);
    answer(rig, Phase::applied);
    rig.run(1min);
    ASSERT_EQ(rig.orders.size(), is_asked ? 1U : 0U);
    EXPECT_FALSE(was_told(rig, Notice::Kind::not_recovered, "not the deploy,"));
    if (is_asked) {
      EXPECT_EQ(std::get<RollBack>(rig.orders[0].action).target, "v1");
    } else {
      EXPECT_TRUE(was_told(rig, Notice::Kind::not_acted,
                           "did not roll back from v2 to v1: its mode is recommend now"));
      EXPECT_EQ(rollout(rig).state, RolloutState::not_recovered);
    }
  }
}

TEST(LadderRestart, WhyItFailedIsRememberedWhateverCameOfIt) {
  Remembered remembered = failed(flag(), Phase::applied);
  remembered.rollouts[0].why = "reset flag cart";
  EngineRig rig(plan_of(Mode::enforce, kFlagFirst), remembered);
  serve(rig, true);
  rig.run(1min);
  ASSERT_FALSE(rollout(rig).timeline.empty());
  EXPECT_EQ(rollout(rig).timeline[0].state, RolloutState::rolling_back);
  EXPECT_EQ(rollout(rig).timeline[0].what, "errors: 100%");
  ASSERT_EQ(rig.orders.size(), 1U);
  EXPECT_EQ(rig.orders[0].reason, "errors: 100%");
}

TEST(LadderRestart, ARungThatWasVerifiedIsWatchedOnAndTheNextFollowsIfItDidNotHelp) {
  const Order run = left_order(RunCommand{.command = "drain"}, kId);
  const std::vector<Then> run_first = {{.kind = Then::Kind::run, .name = "drain"},
                                       {.kind = Then::Kind::rollback}};
  for (const bool is_bad : {true, false})
    for (const bool is_flag : {true, false}) {
      SCOPED_TRACE(std::to_string(is_bad) + " " + std::to_string(is_flag));
      EngineRig rig(plan_of(Mode::enforce, is_flag ? kFlagFirst : run_first),
                    failed(is_flag ? flag() : run, Phase::applied));
      serve(rig, is_bad);
      rig.run(5s);
      EXPECT_EQ(rollout(rig).state, RolloutState::verifying);
      rig.run(55s);
      ASSERT_EQ(rig.orders.size(), is_bad ? 1U : 0U);
      if (is_bad) {
        EXPECT_EQ(std::get<RollBack>(rig.orders[0].action).target, "v1");
        EXPECT_EQ(rollout(rig).intents.back(), rig.orders[0].intent);
      }
      EXPECT_EQ(rollout(rig).state, is_bad ? RolloutState::rolling_back : RolloutState::recovered);
    }
}

/// A rollout of v3 began after what has failed.
Remembered with_newer(Remembered remembered, RolloutState state = RolloutState::baking) {
  RememberedRollout next = remembered.rollouts[0];
  next.started.id = "22222222-2222-4222-8222-222222222222";
  next.started.candidate = "v3";
  next.started.at += 20s;
  next.started.is_driving = state == RolloutState::preflight;
  next.state = state;
  next.verdict = Outcome::unknown;
  next.rule.clear();
  next.intents.clear();
  remembered.rollouts.push_back(next);
  return remembered;
}

TEST(LadderRestart, WhatWasVerifiedWhenAnotherRolloutHadBegunIsNotVerifiedForEver) {
  EngineRig rig(plan_of(Mode::enforce, kFlagFirst), with_newer(failed(flag(), Phase::applied)));
  rig.run(12s);
  ASSERT_EQ(rig.service().past.size(), 1U);
  EXPECT_EQ(rig.service().past[0].state, RolloutState::inconclusive);
  EXPECT_TRUE(was_told(rig, Notice::Kind::inconclusive, "cannot say whether it helped"));
}

TEST(LadderRestart, OfAnOlderRolloutItGoesOnWhileTheNewerOneHasNoTraffic) {
  for (const RolloutState newer :
       {RolloutState::preflight, RolloutState::baking, RolloutState::promoted}) {
    EngineRig rig(plan_of(Mode::enforce, kFlagFirst),
                  with_newer(failed(flag(), Phase::applied), newer));
    rig.run(3s);  // Nothing has been read yet.
    serve(rig, true);
    rig.run(1min);
    ASSERT_EQ(rig.orders.size(), 1U) << name_of(newer);
    EXPECT_EQ(std::get<RollBack>(rig.orders[0].action).expected, "v2");
  }
}

TEST(LadderRestart, OfAnOlderRolloutItFollowsTheTrafficThatWasOnItsWay) {
  EngineRig rig(plan_of(Mode::enforce), with_newer(failed(move()), RolloutState::preflight));
  serve(rig, true);
  rig.run(2s);
  answer(rig, Phase::applied);
  ASSERT_EQ(rig.orders.size(), 1U);
  EXPECT_EQ(std::get<RollBack>(rig.orders[0].action).expected, "v2");
}

TEST(LadderRestart, OfAnOlderRolloutThatNothingIsDoneAboutPeopleAreTold) {
  Remembered remembered = failed(rollback());
  remembered.actions.clear();
  remembered.rollouts[0].intents.clear();
  EngineRig rig(plan_of(Mode::enforce), with_newer(remembered));
  rig.run(2s);
  EXPECT_EQ(rig.service().past.at(0).state, RolloutState::inconclusive);
  const std::vector<Notice> told = rig.notices_of(Notice::Kind::inconclusive);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(told[0].page);
  EXPECT_EQ(told[0].headline,
            "shop: v2: restarted after another rollout had begun: it is not rolled back");
}

TEST(LadderRestart, WhatIsToldOfAnOlderRolloutThatWaitsNamesThatOne) {
  Order of_service = flag();
  of_service.rollout.clear();
  Remembered remembered = failed(of_service);
  remembered.rollouts[0].intents.clear();
  EngineRig rig(plan_of(Mode::enforce), with_newer(remembered));
  rig.run(1s);
  const std::vector<Notice> told = rig.notices_of(Notice::Kind::not_acted);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(told[0].headline.starts_with(
      "shop: waits before it can roll back: the reset of flag cart was begun at "))
      << told[0].headline;
  EXPECT_EQ(told[0].candidate, "v2");
  EXPECT_EQ(told[0].baseline, "v1");
}

TEST(LadderRestart, WhereTheLadderIsAnotherOneNobodySaysThatItIsNotTheDeploy) {
  EngineRig rig(plan_of(Mode::enforce), failed(flag()));
  serve(rig, true);
  rig.run(2s);
  answer(rig, Phase::applied);
  rig.run(1min);
  EXPECT_TRUE(rig.orders.empty());
  EXPECT_TRUE(was_told(rig, Notice::Kind::not_recovered,
                       "still bad after: reset flag cart. Nothing else is tried"));
}

/// How it stood before is forgotten over a restart, and what the log named.
TEST(LadderRestart, WhatWasRolledBackIsNoGoodNewsWhereNobodySeesWhoGetsTheRequests) {
  struct Logs {
    bool is_alive;
    const char* version;
    int per_second;
    bool shows_enough;
    int stragglers = 0;
  };
  for (const Logs& logs :
       {Logs{.is_alive = true, .version = "v1", .per_second = 20, .shows_enough = true},
        Logs{.is_alive = false, .version = "v1", .per_second = 0, .shows_enough = false},
        Logs{.is_alive = true, .version = "v1", .per_second = 0, .shows_enough = false},
        Logs{.is_alive = true, .version = "", .per_second = 20, .shows_enough = false},
        Logs{.is_alive = true,
        .version = "v1",
        .per_second = 0,
        .shows_enough = false,
        .stragglers = 9}}) {
    SCOPED_TRACE(std::string(logs.version) + " " + std::to_string(logs.per_second));
    Plan plan = plan_of(Mode::enforce);
    plan.services[0].rollout_rules = {
        make_rule("errors", "probe healthz fails 3 of 5", "rollback")};
    EngineRig rig(plan, failed(rollback()));
    if (!logs.is_alive) rig.set_alive(EngineRig::kTail, false);
    rig.stream("log", logs.per_second, {.version = logs.version});
    rig.run(2s);
    answer(rig, Phase::applied);
    for (int i = 0; i < 45; ++i) {
      if (i >= 20 && i < 20 + logs.stragglers)
        rig.push(rig.request({.version = logs.version}, rig.now()));
      rig.push(Probe{.source = EngineRig::kProbe, .at = rig.now()});
      rig.run(1s);
    }
    EXPECT_EQ(rig.notices_of(Notice::Kind::recovered).size(), logs.shows_enough ? 1U : 0U);
    EXPECT_EQ(rig.notices_of(Notice::Kind::inconclusive).size(), logs.shows_enough ? 0U : 1U);
  }
}

TEST(LadderRestart, KnowsHowManyRequestsASmallCanaryHadBefore) {
  struct Seen {
    int per_second;  ///< Of v1.
    bool is_taken_back;
    bool shows_it;
  };
  for (const Seen& seen : {Seen{20, true, true}, Seen{20, false, false}, Seen{2, true, false}}) {
    SCOPED_TRACE(std::to_string(seen.per_second) + (seen.is_taken_back ? " back" : ""));
    Plan plan = plan_of(Mode::enforce);
    plan.services[0].rollout_rules = {
        make_rule("errors", "probe healthz fails 3 of 5", "rollback")};
    Remembered remembered = failed(rollback());
    RolloutNumbers& numbers = remembered.rollouts[0].numbers.emplace();
    numbers.since_start[Role::candidate].total = 10;
    numbers.since_start[Role::baseline].total = 390;
    EngineRig rig(plan, remembered);
    rig.stream("v1", seen.per_second, {.version = "v1"});
    rig.run(2s);
    answer(rig, Phase::applied);
    for (int i = 0; i < 45; ++i) {
      if (!seen.is_taken_back && i % 2 == 0) rig.push(rig.request({.version = "v2"}, rig.now()));
      rig.push(Probe{.source = EngineRig::kProbe, .at = rig.now()});
      rig.run(1s);
    }
    EXPECT_EQ(rig.notices_of(Notice::Kind::recovered).size(), seen.shows_it ? 1U : 0U);
    EXPECT_EQ(rig.notices_of(Notice::Kind::inconclusive).size(), seen.shows_it ? 0U : 1U);
  }
}

}  // namespace
}  // namespace belay::rules
