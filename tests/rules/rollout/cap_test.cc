// The cap on actions an hour: it keeps a platform from flapping, and counts answers to a fail, not
// the rungs of one.

#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

using Phase = ActionOutcome::Phase;

Plan plan_of(std::vector<Rule> always = {}) {
  Plan plan = EngineRig::plan_of(
      std::move(always),
      {make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s", "rollback")});
  ServicePlan& shop = plan.services[0];
  shop.mode = Mode::enforce;
  shop.verify_for = 20s;
  shop.cooldown = 1min;
  shop.on_fail = {{.kind = Then::Kind::reset_flag, .name = "cart"},
                  {.kind = Then::Kind::run, .name = "drain"},
                  {.kind = Then::Kind::run, .name = "drain2"},
                  {.kind = Then::Kind::rollback}};
  return plan;
}

void roll_out(EngineRig& rig, const std::string& bad) {
  rig.stream("v1", 20, {.version = "v1"});
  rig.run(12s);
  rig.push(RolloutStarted{
      .at = rig.now(), .service = "shop", .candidate = bad, .baseline = "v1", .lasts = 10min});
  rig.stream("bad", 20, {.version = bad, .status = 500});
}

/// Every action comes to this; only a rollback helps.
void walk(EngineRig& rig, Duration lasts, Phase phase = Phase::applied) {
  for (const Instant until = rig.now() + lasts; rig.now() < until;) {
    const std::size_t before = rig.orders.size();
    rig.run(1s);
    if (rig.orders.size() == before) continue;
    const Order order = rig.orders.back();
    rig.push(ActionOutcome{.at = rig.now(), .intent = order.intent, .phase = phase});
    if (std::holds_alternative<RollBack>(order.action)) rig.stream("bad", 0);
  }
}

std::vector<Notice> refusals_of(const EngineRig& rig) {
  return rig.notices_of(Notice::Kind::not_acted);
}

std::string words_of(const std::vector<Notice>& notices) {
  std::string words;
  for (const Notice& one : notices) {
    words += one.headline + "\n";
    for (const std::string& line : one.details) words += "  " + line + "\n";
  }
  return words;
}

TEST(Cap, DoesNotStopALaterRungOfTheSameAnswer) {
  EngineRig rig(plan_of());
  roll_out(rig, "v2");
  walk(rig, 3min);
  ASSERT_EQ(rig.orders.size(), 4U) << words_of(refusals_of(rig));
  EXPECT_TRUE(std::holds_alternative<RollBack>(rig.orders.back().action));
  EXPECT_EQ(rig.service().rollout->state, RolloutState::recovered);
}

TEST(Cap, CountsALadderOnceHoweverManyRungsItHad) {
  Plan plan = plan_of();
  plan.services[0].put_back = "wrangler versions deploy {version}@100% -y --name shop";
  EngineRig rig(plan);
  for (const char* bad : {"v2", "v3", "v4"}) {
    roll_out(rig, bad);
    walk(rig, 5min);
  }
  EXPECT_EQ(rig.orders.size(), 12U) << words_of(refusals_of(rig));
  roll_out(rig, "v5");
  walk(rig, 5min);
  EXPECT_EQ(rig.orders.size(), 12U) << "a fourth one within the hour";
  ASSERT_FALSE(refusals_of(rig).empty());
  EXPECT_NE(refusals_of(rig).back().headline.find("cap: 3 actions within the last hour"),
            std::string::npos)
      << words_of(refusals_of(rig));
  const std::string page = words_of({refusals_of(rig).back()});
  EXPECT_NE(page.find("requests of the last 30s: v1 480 of 600, v5 120 of 600"), std::string::npos)
      << page;
  EXPECT_NE(page.find("if v5 is still live: `belay rollout start --service shop"),
            std::string::npos)
      << page;
  EXPECT_NE(page.find("now it would be refused: cap: 3 actions"), std::string::npos) << page;
  EXPECT_NE(page.find("by hand: wrangler versions deploy v1@100% -y --name shop"),
            std::string::npos)
      << page;
}

TEST(Cap, CountsALadderForAsLongAsItsLastRungLiesWithinTheHour) {
  Plan plan = plan_of();
  plan.services[0].actions_per_hour_max = 1;
  EngineRig rig(plan);
  roll_out(rig, "v2");
  walk(rig, 3min);
  ASSERT_EQ(rig.orders.size(), 4U);
  const Instant first = rig.orders.front().at;
  const Instant last = rig.orders.back().at;
  rig.run(first + 1h - 14s - rig.now());
  roll_out(rig, "v3");
  rig.run(13s);
  ASSERT_GT(rig.now(), first + 1h);
  ASSERT_LT(rig.now(), last + 1h);
  EXPECT_EQ(rig.orders.size(), 4U) << "else two rollbacks could come within an hour";
}

TEST(Cap, CountsTheRungsOfARolloutOnceAfterARestartToo) {
  Remembered earlier;
  RememberedRollout rollout;
  rollout.started = {.at = EngineRig::kStart - 20min,
                     .service = "shop",
                     .candidate = "v0",
                     .baseline = "v1",
                     .id = "11111111-1111-4111-8111-111111111111",
                     .steps = *parse_steps("100% for 10m"),
                     .mode = Mode::enforce};
  rollout.at = EngineRig::kStart - 10min;
  rollout.state = RolloutState::recovered;
  rollout.verdict = Outcome::fail;
  rollout.rule = "errors";
  for (const char* intent : {"a", "b", "c"}) {
    earlier.actions.push_back({.at = EngineRig::kStart - 10min,
                               .service = "shop",
                               .intent = intent,
                               .phase = Phase::applied});
    rollout.intents.emplace_back(intent);
  }
  earlier.rollouts = {rollout};
  EngineRig rig(plan_of(), earlier);
  roll_out(rig, "v2");
  walk(rig, 3min);
  EXPECT_EQ(rig.orders.size(), 4U) << words_of(refusals_of(rig));
}

TEST(Cap, CountsEachAnswerOutsideARolloutWhateverCameOfIt) {
  for (const Phase phase : {Phase::applied, Phase::rejected}) {
    Plan plan =
        plan_of({make_rule("cart", "error rate > 50% over 10s, min 20 requests", "run drain")});
    plan.services[0].actions_per_hour_max = 2;
    EngineRig rig(plan);
    for (int i = 0; i < 4; ++i) {
      rig.stream("bad", 20, {.version = "v1", .status = 500});
      walk(rig, 30s, phase);
      rig.stream("bad", 0);
      rig.stream("good", 20, {.version = "v1"});
      walk(rig, 2min, phase);
      rig.stream("good", 0);
    }
    EXPECT_EQ(rig.orders.size(), 2U) << words_of(refusals_of(rig));
  }
}

/// A superseded one may have been done before somebody else deployed; but nobody waits for it.
TEST(Cap, AndTheCooldownCountNothingThatChangedNothing) {
  for (const Phase phase : {Phase::superseded, Phase::conflict, Phase::rejected, Phase::applied,
                            Phase::already, Phase::abandoned}) {
    SCOPED_TRACE(name_of(phase));
    Remembered earlier;
    earlier.actions = {{.at = EngineRig::kStart - 20s,
                        .service = "shop",
                        .intent = "a",
                        .target = "v0",
                        .expected = "v9",
                        .phase = phase}};
    const bool may_have_changed = phase == Phase::applied || phase == Phase::abandoned;
    for (const bool is_of_cap : {false, true}) {
      Plan plan = plan_of();
      plan.services[0].cooldown = is_of_cap ? Duration::zero() : Duration(10min);
      plan.services[0].actions_per_hour_max = is_of_cap ? 1 : 3;
      EngineRig rig(plan, earlier);
      roll_out(rig, "v2");
      rig.run(15s);
      const bool was_anothers = phase == Phase::superseded || phase == Phase::already;
      const bool counts = may_have_changed || (is_of_cap && was_anothers);
      EXPECT_EQ(rig.orders.empty(), counts) << words_of(refusals_of(rig));
    }
  }
}

TEST(Cap, SaysWhenTheNextMayCome) {
  Plan plan = plan_of();
  plan.services[0].actions_per_hour_max = 2;
  plan.services[0].cooldown = 0s;
  Remembered earlier;
  for (const Duration ago : {Duration{50min}, Duration{30min}, Duration{20min}})
    earlier.actions.push_back({.at = EngineRig::kStart - ago,
                               .service = "shop",
                               .intent = std::to_string(ago / 1min),
                               .phase = Phase::applied});
  EngineRig rig(plan, earlier);
  roll_out(rig, "v2");
  rig.run(15s);
  ASSERT_TRUE(rig.orders.empty());
  ASSERT_EQ(refusals_of(rig).size(), 1U);
  EXPECT_NE(refusals_of(rig)[0].details[0].find("the next may come after " +
                                                format_utc(EngineRig::kStart + 30min)),
            std::string::npos)
      << refusals_of(rig)[0].details[0];
}

TEST(Cap, AndTheCooldownDoNotOutlastAClockThatWasSetBack) {
  Remembered earlier;
  earlier.actions = {{.at = EngineRig::kStart + 2h,
                      .service = "shop",
                      .intent = "a",
                      .target = "v0",
                      .expected = "v9",
                      .phase = Phase::applied}};
  for (const Duration cooldown : {Duration{10s}, Duration{10min}}) {
    Plan plan = plan_of();
    plan.services[0].cooldown = cooldown;
    EngineRig rig(plan, earlier);
    roll_out(rig, "v2");
    rig.run(15s);
    EXPECT_EQ(rig.orders.empty(), cooldown > 1min) << words_of(refusals_of(rig));
    for (const Notice& refusal : refusals_of(rig))
      for (const std::string& line : refusal.details)
        EXPECT_EQ(line.find("was -"), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace belay::rules
