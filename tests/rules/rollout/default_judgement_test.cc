// A rollout for which nobody wrote a rule: the default judgement alone decides it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/rollout/default_rollout.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(DefaultJudgement, ShowsWhatItHoldsTheErrorsAgainst) {
  for (const int per_second : {3, 10}) {
    EngineRig rig(plan_by_default());
    rig.stream("v1", 40, {.version = "v1"});
    rig.stream("v2", per_second, {.version = "v2"});
    rig.push(gate(rig.now()));
    rig.run(30s);
    rig.stream("v2", per_second, {.version = "v2", .status = 503});
    rig.run(30s);
    const bool is_broken = rollout(rig).rule == "default/broken";
    EXPECT_EQ(is_broken, per_second == 3) << rollout(rig).rule;
    ASSERT_EQ(rig.orders.size(), 1U);
    ASSERT_EQ(rig.orders[0].evidence.size(), 1U);
    EXPECT_EQ(rig.orders[0].evidence[0].threshold, is_broken ? 0.5 : 0.1);
  }
}

TEST(DefaultJudgement, TellsWhoseTheErrorsAreAndFreezesItAtTheDecision) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  rig.push(gate(rig.now()));
  rig.run(30s);
  EXPECT_TRUE(rollout(rig).rule.empty());
  ASSERT_TRUE(rollout(rig).comparison);
  const RolloutNumbers running = *rollout(rig).comparison;
  EXPECT_EQ(running.since_start[Role::candidate].total, 300U);
  EXPECT_EQ(running.since_start[Role::baseline].total, 1200U);
  EXPECT_EQ(running.odds_limit, 200);
  traffic(rig, 503);
  rig.run(20s);
  const RolloutStatus failed = rollout(rig);
  EXPECT_EQ(decided(failed), Outcome::fail);
  EXPECT_EQ(failed.rule, "default/clear");
  ASSERT_TRUE(failed.comparison);
  const RolloutNumbers decided_on = *failed.comparison;
  EXPECT_EQ(decided_on.counts[Role::baseline].bad, 0U);
  EXPECT_GE(decided_on.counts[Role::candidate].bad, 30U);
  EXPECT_EQ(decided_on.share, 1);
  EXPECT_NEAR(decided_on.allowed, 0.2, 0.01);
  ASSERT_EQ(decided_on.routes.size(), 1U);
  EXPECT_EQ(decided_on.routes[0].name, "/buy");
  ASSERT_EQ(decided_on.reasons.size(), 1U);
  EXPECT_EQ(decided_on.reasons[0].name, "503");
  rig.run(30s);
  EXPECT_EQ(rollout(rig).comparison->window, decided_on.window);
  EXPECT_EQ(rollout(rig).comparison->counts[Role::candidate].bad,
            decided_on.counts[Role::candidate].bad);
  const auto entry =
      std::find_if(rig.journal.begin(), rig.journal.end(), [](const JournalEntry& one) {
        return one.text.find(R"("state":"rolling_back")") != std::string::npos;
      });
  ASSERT_NE(entry, rig.journal.end());
  EXPECT_THAT(entry->text, HasSubstr(R"("numbers":{"compared":"errors")"));
  EXPECT_THAT(entry->text, HasSubstr(R"({"name":"/buy","bad":)"));
}

TEST(DefaultJudgement, NamesWhatTheCandidateThrew) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  rig.push(gate(rig.now()));
  rig.run(20s);
  traffic(rig, 500);
  const auto thrown = [&](const char* version, const char* what) {
    rig.push(Thrown{.source = EngineRig::kTail,
                    .version = rig.text(EngineRig::kTail, version),
                    .at = rig.now(),
                    .what = what});
  };
  for (int i = 0; i < 3; ++i) thrown("v2", "TypeError: x is not a function");
  thrown("v2", "Error: late");
  for (int i = 0; i < 9; ++i) thrown("v1", "Error: of the baseline");
  rig.run(20s);
  ASSERT_TRUE(rollout(rig).comparison);
  const std::vector<TopFailure> top = rollout(rig).comparison->exceptions;
  ASSERT_EQ(top.size(), 2U);
  EXPECT_EQ(top[0].name, "TypeError: x is not a function");
  EXPECT_EQ(top[0].bad, 3U);
  EXPECT_EQ(top[1].name, "Error: late");
  const std::vector<Notice> fired = rig.notices_of(Notice::Kind::fired);
  ASSERT_FALSE(fired.empty());
  EXPECT_THAT(fired.back().details,
              testing::Contains(testing::ContainsRegex(
                  "^exceptions in the last [0-9]+s: TypeError: x is not a function \\(3\\), Error: "
                  "late \\(1\\)$")));
}

TEST(DefaultJudgement, PassesAGateThatHasSeenEnough) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  rig.push(gate(rig.now(), 30s));
  rig.run(31s);
  EXPECT_EQ(decided(rollout(rig)), Outcome::pass) << rollout(rig).why;
  EXPECT_THAT(rollout(rig).why, HasSubstr("0 of 300 requests failed, so at most "));
}

TEST(DefaultJudgement, OfTooFewRequestsIsUnknownAndSaysWhatTheyShow) {
  EngineRig rig(plan_by_default());
  rig.stream("v1", 40, {.version = "v1"});
  rig.stream("v2", 1, {.version = "v2"});
  rig.push(gate(rig.now(), 37s));
  rig.run(36s);
  EXPECT_EQ(rollout(rig).verdict, Outcome::unknown) << "while it runs";
  rig.run(3s);
  EXPECT_EQ(decided(rollout(rig)), Outcome::unknown);
  EXPECT_THAT(rollout(rig).why, StartsWith("37 of 50 requests; 0 of 37 requests failed, so at "
                                           "most 17.2%"));
}

TEST(DefaultJudgement, OfABlindSourceIsUnknown) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  rig.push(gate(rig.now(), 30s));
  rig.run(20s);
  rig.set_alive(EngineRig::kTail, false);
  traffic(rig, 200);
  rig.stream("v1", 0);
  rig.stream("v2", 0);
  rig.run(16s);
  EXPECT_EQ(decided(rollout(rig)), Outcome::unknown);
  EXPECT_THAT(rollout(rig).why, HasSubstr("nobody knows"));
}

TEST(DefaultJudgement, NeverPassesAStepWithoutARequest) {
  EngineRig rig(plan_by_default());
  rig.stream("v1", 40, {.version = "v1"});
  RolloutStarted started = gate(rig.now(), 0s);
  started.steps = *parse_steps("10% for 20s max 40s, 100%");
  rig.push(started);
  rig.run(50s);
  EXPECT_EQ(rollout(rig).state, RolloutState::held);
  EXPECT_EQ(rollout(rig).held, HoldReason::too_few_samples);
  rig.stream("v2", 1, {.version = "v2"});
  rig.run(5s);
  EXPECT_NE(rollout(rig).state, RolloutState::held) << "at the hard maximum little is enough";
}

TEST(DefaultJudgement, HoldsWhileAQueueIsDeepAndDeeperThanWhenItBegan) {
  for (const std::uint64_t before : {100U, 1900U}) {
    EngineRig rig(plan_by_default());
    traffic(rig, 200);
    const auto poll = [&rig](std::uint64_t depth, int seconds) {
      for (int i = 0; i < seconds; ++i) {
        rig.push(QueueSample{.source = EngineRig::kQueues,
                             .queue = rig.text(EngineRig::kQueues, "emails"),
                             .at = rig.now(),
                             .depth = depth});
        rig.run(1s);
      }
    };
    poll(before, 5);
    rig.push(gate(rig.now(), 20min));
    poll(before, 5);
    poll(2000, 119);
    EXPECT_NE(rollout(rig).state, RolloutState::held) << "not for the duration";
    poll(2000, 10);
    const bool is_deeper = before == 100U;
    EXPECT_EQ(rollout(rig).state == RolloutState::held, is_deeper) << before;
    if (!is_deeper) continue;
    EXPECT_THAT(rollout(rig).why, HasSubstr("queue emails is 2000 deep; before the rollout it was "
                                            "100"));
    poll(3, 5);
    EXPECT_EQ(rollout(rig).state, RolloutState::baking) << "it goes on by itself";
  }
}

TEST(DefaultJudgement, HoldsTheCandidateToTheLimitsOfItsPlan) {
  for (const double limit : {0.05, 0.3}) {
    Plan plan = plan_by_default();
    plan.services[0].rollout.limits = {.error_rate = limit, .alpha = 1e-9};
    EngineRig rig(plan);
    rig.stream("v1", 40, {.version = "v1"});
    rig.stream("fine", 4, {.version = "v2"});
    rig.stream("bad", 1, {.version = "v2", .status = 500});
    rig.push(gate(rig.now(), 10min));
    rig.run(55s);
    EXPECT_EQ(rollout(rig).rule, limit == 0.05 ? "default/errors" : "") << limit;
  }
}

TEST(DefaultJudgement, OnlyAlertsAfterThePromotion) {
  Plan plan = plan_by_default();
  plan.services[0].rollout.watch_for = 10min;
  EngineRig rig(plan);
  traffic(rig, 200);
  rig.push(gate(rig.now(), 30s));
  rig.run(40s);
  EXPECT_EQ(rollout(rig).state, RolloutState::promoted);
  traffic(rig, 500);
  rig.run(1min);
  EXPECT_TRUE(rig.orders.empty());
  const std::vector<Notice> fired = rig.notices_of(Notice::Kind::fired);
  ASSERT_EQ(fired.size(), 1U);
  EXPECT_EQ(fired[0].rule, "default/errors");
  EXPECT_EQ(rig.service().verdict, Outcome::fail);
  rig.run(10min);
  EXPECT_TRUE(rig.service().rules.empty()) << "the watch is over";
}

TEST(DefaultJudgement, IsNotPromotedOverByAnOperator) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  RolloutStarted started = gate(rig.now(), 0s);
  started.steps = *parse_steps("10% for 10m, 100%");
  rig.push(started);
  rig.run(30s);
  const auto promote = [&rig] {
    rig.push(OperatorCommand{
        .kind = OperatorCommand::Kind::promote, .at = rig.now(), .rollout = kId, .by = "ann"});
    rig.run(1s);
  };
  traffic(rig, 500, 500);
  rig.run(30s);
  EXPECT_EQ(rollout(rig).held, HoldReason::shared_cause);
  promote();
  EXPECT_EQ(rollout(rig).step, 0U);
  traffic(rig, 200);
  rig.run(1min);
  promote();
  EXPECT_EQ(rollout(rig).step, 1U);
}

TEST(DefaultJudgement, PassesNothingThatItDidNotSeeForAFifthOfTheTime) {
  for (const Duration blind : {5s, 20s}) {
    EngineRig rig(plan_by_default());
    traffic(rig, 200);
    rig.push(gate(rig.now(), 60s));
    rig.run(20s);
    rig.set_alive(EngineRig::kTail, false);
    rig.stream("v1", 0);
    rig.stream("v2", 0);
    rig.run(blind);
    rig.set_alive(EngineRig::kTail, true);
    traffic(rig, 200);
    rig.run(61s - 20s - blind);
    EXPECT_EQ(decided(rollout(rig)), blind == 5s ? Outcome::pass : Outcome::unknown)
        << rollout(rig).why;
    const bool says_so = rollout(rig).why.find("the logs were not seen") != std::string::npos;
    EXPECT_EQ(says_so, blind == 20s);
  }
}

TEST(DefaultJudgement, WaitsForARequestOfTheLastStepWithoutCallingItOverdue) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  RolloutStarted started = gate(rig.now(), 0s);
  started.steps = *parse_steps("10% for 20s, 100%");
  rig.push(started);
  rig.run(19s);
  rig.stream("v2", 0);
  rig.run(10s);
  EXPECT_EQ(rollout(rig).step, 1U);
  EXPECT_EQ(rollout(rig).state, RolloutState::baking) << rollout(rig).why;
  EXPECT_TRUE(rig.notices_of(Notice::Kind::rollout_held).empty());
  rig.stream("v2", 1, {.version = "v2"});
  rig.run(3s);
  EXPECT_EQ(rollout(rig).state, RolloutState::promoted) << rollout(rig).why;
}

/// What the journal knows of a rollback that was on its way, or done, when Belay was restarted.
Remembered rolled_back(bool is_done) {
  Order order;
  order.intent = "old";
  order.at = EngineRig::kStart - 10s;
  order.service = "shop";
  order.action = RollBack{.target = "v1", .expected = "v2"};
  order.rule = "default/clear";
  order.candidate = "v2";
  order.baseline = "v1";
  order.rollout = kId;
  Remembered remembered;
  remembered.actions.push_back({.at = order.at,
                                .service = "shop",
                                .intent = order.intent,
                                .target = "v1",
                                .is_open = !is_done,
                                .expected = "v2"});
  if (is_done) remembered.actions[0].phase = ActionOutcome::Phase::applied;
  if (!is_done) remembered.actions[0].order = order;
  RememberedRollout rollout;
  rollout.started = gate(EngineRig::kStart - 1min);
  rollout.started.steps = *parse_steps("100% for 2m");
  rollout.started.mode = Mode::enforce;
  rollout.at = order.at;
  rollout.state = is_done ? RolloutState::verifying : RolloutState::rolling_back;
  rollout.step_started = rollout.started.at;
  rollout.rule = order.rule;
  rollout.verdict = Outcome::fail;
  rollout.intents = {order.intent};
  remembered.rollouts.push_back(std::move(rollout));
  return remembered;
}

TEST(DefaultJudgement, GoesOnToVerifyItsRollbackAfterARestart) {
  for (const bool is_done : {false, true})
    for (const bool has_other_rules : {false, true}) {
      SCOPED_TRACE(testing::Message() << "done " << is_done << ", others " << has_other_rules);
      Plan plan = plan_by_default();
      plan.services[0].verify_for = 40s;
      if (has_other_rules)
        plan.services[0].rules = {make_rule("old-jobs", "queue \"emails\" oldest > 5m")};
      EngineRig rig(plan, rolled_back(is_done));
      rig.stream("v1", 20, {.version = "v1"});
      rig.run(5s);
      if (!is_done) {
        EXPECT_EQ(rollout(rig).state, RolloutState::rolling_back) << rollout(rig).why;
        rig.push(ActionOutcome{
            .at = rig.now(), .intent = "old", .phase = ActionOutcome::Phase::applied});
        rig.run(1s);
      }
      EXPECT_EQ(rollout(rig).state, RolloutState::verifying) << rollout(rig).why;
      rig.run(41s);
      EXPECT_EQ(rollout(rig).state, RolloutState::recovered) << rollout(rig).why;
      EXPECT_THAT(rollout(rig).why, StartsWith("default/clear is fine"));
      EXPECT_TRUE(rig.orders.empty());
    }
}

TEST(DefaultJudgement, ARollbackThatBeginsAfterARestartIsOneOfItsRollout) {
  Remembered remembered = rolled_back(false);
  remembered.actions.clear();
  remembered.rollouts[0].intents.clear();
  EngineRig rig(plan_by_default(), remembered);
  rig.run(1s);
  ASSERT_EQ(rig.orders.size(), 1U);
  EXPECT_EQ(rollout(rig).intents, std::vector{rig.orders[0].intent});
}

TEST(DefaultJudgement, NoStepPassesInsideItsWarmUp) {
  for (const char* steps : {"10% for 15s", "10% for 15s, 50% for 15s, 100%"}) {
    Plan plan = plan_by_default();
    plan.services[0].rollout.warm_up = 30s;
    EngineRig rig(plan);
    traffic(rig, 200);
    RolloutStarted started = gate(rig.now());
    started.steps = *parse_steps(steps);
    rig.push(started);
    const RolloutStatus before = (rig.run(44s), rollout(rig));
    EXPECT_TRUE(before.state == RolloutState::baking && before.step == 0) << steps;
    rig.run(2s);
    EXPECT_TRUE(rollout(rig).state == RolloutState::promoted || rollout(rig).step == 1) << steps;
  }
}

TEST(DefaultJudgement, WhatAPersonGaveAllOfTheTrafficIsToldWithWhatSpokeAgainstIt) {
  EngineRig rig(plan_by_default());
  rig.stream("v1", 40, {.version = "v1"});
  rig.run(30s);
  RolloutStarted driven = gate(rig.now());
  driven.steps = *parse_steps("20% for 1m, 100% for 1m");
  driven.is_driving = true;
  rig.push(driven);
  rig.run(2s);
  rig.push(ActionOutcome{
      .at = rig.now(), .intent = rig.orders.back().intent, .phase = ActionOutcome::Phase::applied});
  traffic(rig, 200);
  rig.run(10s);
  rig.stream("v1", 0);
  rig.stream("v2", 45, {.version = "v2"});
  rig.stream("failing", 5, {.version = "v2", .status = 500});
  for (int i = 0; i < 20; ++i) {
    rig.push(
        Deployment{.service = "shop", .at = rig.now(), .id = "by hand", .versions = {{"v2", 100}}});
    rig.run(2s);
  }
  ASSERT_EQ(rollout(rig).state, RolloutState::superseded);
  const std::vector<Notice> ended = rig.notices_of(Notice::Kind::rollout_ended);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_THAT(ended[0].details,
              testing::Contains(HasSubstr("v2 fails 10% of its requests (50 of 500)")));
}

}  // namespace
}  // namespace belay::rules
