// What is asked before the first step, and of an attached rollout.

#include <gtest/gtest.h>

#include "tests/rules/rollout/remembered_rollout.h"
#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

constexpr const char* kId = "11111111-1111-4111-8111-111111111111";

struct World {
  World() {
    rig.stream("v1", 20, {.version = "v1"});
    rig.run(15s);
  }
  static Plan plan() {
    Plan plan = EngineRig::plan_of(
        {}, {make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s", "rollback")});
    plan.services[0].preflight_rules = {
        make_rule("calm", "p95 latency > 100ms over 10s, min 20 requests")};
    return plan;
  }
  void begin() {
    rig.push(RolloutStarted{.at = rig.now(),
                            .service = "shop",
                            .candidate = "v2",
                            .baseline = "v1",
                            .id = kId,
                            .steps = *parse_steps("10% for 20s, 100%"),
                            .is_driving = true});
    rig.run(15s);
  }
  [[nodiscard]] RolloutStatus rollout() const { return *rig.service().rollout; }
  EngineRig rig{plan()};
};

TEST(PreflightSentence, ThatIsFineLetsTheFirstStepBegin) {
  World world;
  world.begin();
  EXPECT_EQ(world.rig.orders.size(), 1U);
}

TEST(PreflightSentence, ThatIsBadHoldsUntilItIsFine) {
  World world;
  world.rig.stream("v1", 20, {.version = "v1", .latency = 300ms});
  world.rig.run(10s);
  world.begin();
  EXPECT_TRUE(world.rig.orders.empty());
  EXPECT_EQ(world.rollout().held, HoldReason::preflight);
  EXPECT_NE(world.rollout().why.find("calm is bad: p95 latency"), std::string::npos)
      << world.rollout().why;
  world.rig.stream("v1", 20, {.version = "v1"});
  world.rig.run(15s);
  EXPECT_EQ(world.rig.orders.size(), 1U) << "and goes on by itself";
}

TEST(PreflightSentence, ThatIsNotKnownHoldsToo) {
  World world;
  world.rig.stream("v1", 0);
  world.rig.run(15s);
  world.begin();
  EXPECT_TRUE(world.rig.orders.empty());
  EXPECT_NE(world.rollout().why.find("calm is not known"), std::string::npos)
      << world.rollout().why;
}

TEST(PreflightSentence, KeepsItsWindowWhenAGateEnds) {
  World world;
  world.rig.push(RolloutStarted{
      .at = world.rig.now(), .service = "shop", .candidate = "v3", .baseline = "v1", .lasts = 12s});
  world.rig.run(20s);
  world.begin();
  EXPECT_EQ(world.rig.orders.size(), 1U);
}

TEST(PreflightSentence, IsSaidWhereSomeoneElseMovesTheTraffic) {
  World world;
  world.rig.stream("v1", 20, {.version = "v1", .latency = 300ms});
  world.rig.run(10s);
  world.rig.push(RolloutStarted{.at = world.rig.now(),
                                .service = "shop",
                                .candidate = "v2",
                                .baseline = "v1",
                                .lasts = 1min});
  world.rig.run(1s);
  const auto told = world.rig.notices_of(Notice::Kind::rollout_started);
  ASSERT_EQ(told.size(), 1U);
  bool is_said = false;
  for (const std::string& line : told[0].details)
    is_said = is_said || line.starts_with("before it begins, calm is bad: p95 latency");
  EXPECT_TRUE(is_said);
}

/// "shop", attached, in mode enforce, and "stage" in the environment "staging".
struct Required {
  explicit Required(bool is_same_commit = false) : rig(plan(is_same_commit)) {
    rig.stream("v1", 20, {.version = "v1"});
    rig.stream("v2", 20, {.version = "v2"});
    rig.stream("stage", 20, {.service = "stage", .version = "v2"});
    rig.run(15s);
  }
  static Plan plan(bool is_same_commit) {
    Plan plan = World::plan();
    plan.services[0].preflight_rules.clear();
    ServicePlan stage = plan.services[0];
    stage.name = "stage";
    stage.environment = "staging";
    plan.services.push_back(std::move(stage));
    plan.sources.push_back({.name = "stage", .kind = SourceKind::log, .service = "stage"});
    plan.services[0].mode = Mode::enforce;
    plan.services[0].rollout.requirements = {
        {.environment = "staging", .passed = 10s, .is_same_commit = is_same_commit}};
    return plan;
  }
  void begin(const char* service, const char* id, Duration lasts) {
    rig.push(RolloutStarted{.at = rig.now(),
                            .service = service,
                            .candidate = "v2",
                            .baseline = "v1",
                            .lasts = lasts,
                            .id = id});
  }
  [[nodiscard]] RolloutStatus rollout() const { return *rig.service().rollout; }
  EngineRig rig;
};

TEST(Requirements, AreAskedForWhereSomeoneElseMovesTheTraffic) {
  Required world;
  world.begin("shop", kId, 30s);
  world.rig.run(20s);
  EXPECT_EQ(world.rollout().held, HoldReason::preflight);
  EXPECT_EQ(world.rollout().verdict, Outcome::unknown);
  const auto told = world.rig.notices_of(Notice::Kind::rollout_held);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(told[0].page);
  EXPECT_NE(told[0].headline.find("it has not passed in staging for 10s"), std::string::npos);
  world.rig.run(15s);
  EXPECT_EQ(world.rollout().state, RolloutState::inconclusive);
  EXPECT_EQ(world.rollout().why, "it has not passed in staging for 10s");
}

TEST(Requirements, ThatAreMetMeanwhileLetItPass) {
  Required world;
  world.begin("stage", "22222222-2222-4222-8222-222222222222", 15s);
  world.begin("shop", kId, 40s);
  world.rig.run(20s);
  EXPECT_EQ(world.rollout().held, HoldReason::preflight);
  world.rig.run(10s);
  EXPECT_EQ(world.rollout().state, RolloutState::baking) << world.rollout().why;
  world.rig.run(15s);
  EXPECT_EQ(world.rollout().state, RolloutState::promoted) << world.rollout().why;
}

TEST(Requirements, APersonMayGoOnWithout) {
  Required world(/*is_same_commit=*/true);
  world.begin("shop", kId, 30s);
  world.rig.run(5s);
  EXPECT_NE(world.rollout().why.find("nobody has said which commit it is"), std::string::npos)
      << world.rollout().why;
  world.rig.push(OperatorCommand{
      .kind = OperatorCommand::Kind::approve, .at = world.rig.now(), .rollout = kId, .by = "ann"});
  world.rig.run(30s);
  EXPECT_EQ(world.rollout().state, RolloutState::promoted) << world.rollout().why;
}

TEST(Requirements, KeepNoBadVersionFromBeingRolledBack) {
  Required world;
  world.begin("shop", kId, 60s);
  world.rig.run(5s);
  world.rig.stream("v2", 20, {.version = "v2", .status = 500});
  world.rig.run(20s);
  ASSERT_EQ(world.rig.orders.size(), 1U) << world.rollout().why;
  EXPECT_TRUE(std::holds_alternative<RollBack>(world.rig.orders[0].action));
}

TEST(PreflightAnswers, OfAnAttachedRolloutAreToldOnceAndWhenTheyChange) {
  Plan plan = World::plan();
  plan.services[0].mode = Mode::enforce;
  plan.services[0].rollout.asks_preflight = true;
  EngineRig rig(plan);
  rig.push(RolloutStarted{.at = rig.now(),
                          .service = "shop",
                          .candidate = "v2",
                          .baseline = "v1",
                          .lasts = 5min,
                          .id = kId});
  rig.run(1s);
  const auto answer = [&rig](Truth smoke, const char* detail) {
    rig.push(PreflightDone{.at = rig.now(),
                           .rollout = kId,
                           .checks = {{.name = "smoke", .result = smoke, .detail = detail}}});
    rig.run(2s);
    return rig.notices_of(Notice::Kind::rollout_held).size();
  };
  EXPECT_EQ(answer(Truth::unknown, "no answer"), 1U);
  EXPECT_EQ(answer(Truth::bad, "status 503"), 2U) << "this is worse";
  EXPECT_TRUE(rig.notices_of(Notice::Kind::rollout_held)[1].page);
  EXPECT_EQ(answer(Truth::bad, "status 503"), 2U);
  EXPECT_EQ(answer(Truth::bad, "status 502"), 2U);
  EXPECT_EQ(answer(Truth::unknown, "no answer"), 2U);
  EXPECT_EQ(answer(Truth::fine, ""), 2U);
  const auto told = rig.notices_of(Notice::Kind::rollout_moved).back();
  EXPECT_EQ(told.headline, "shop: v2: nothing is in the way of a rollback any more");
}

RolloutStarted driven_v2(Instant at) {
  return {.at = at,
          .service = "shop",
          .candidate = "v2",
          .baseline = "v1",
          .id = kId,
          .steps = *parse_steps("10% for 60s, 100%"),
          .is_driving = true};
}

TEST(Preflight, HoldsWhereTheTrafficIsNotTheBaselines) {
  for (const bool serves : {true, false}) {
    Plan plan = EngineRig::plan_of({}, {});
    plan.services[0].mode = Mode::enforce;
    EngineRig rig(plan);
    rig.stream("all", 20, {.version = serves ? "v1" : "v3"});
    rig.run(1min);
    rig.push(driven_v2(rig.now()));
    rig.run(15s);
    EXPECT_EQ(rig.orders.size(), serves ? 1U : 0U);
    if (serves) continue;
    EXPECT_NE(rig.service().rollout->why.find(
                  "v3 is not the baseline and has most of the traffic: the first step would give "
                  "that to v1"),
              std::string::npos)
        << rig.service().rollout->why;
  }
}

TEST(Preflight, OfTheDefaultJudgementHoldsWhileTheLogIsBlind) {
  Plan plan = EngineRig::plan_of({}, {});
  plan.services[0].mode = Mode::enforce;
  plan.services[0].rollout.is_judged_by_default = true;
  EngineRig rig(plan);
  rig.stream("v1", 20, {.version = "v1"});
  rig.run(45s);
  rig.set_alive(EngineRig::kTail, false);
  rig.stream("v1", 0);
  rig.run(1min);
  rig.push(driven_v2(rig.now()));
  rig.run(15s);
  EXPECT_TRUE(rig.orders.empty());
  const RolloutStatus held = *rig.service().rollout;
  EXPECT_EQ(held.held, HoldReason::preflight);
  EXPECT_NE(held.why.find("default/errors is blind"), std::string::npos) << held.why;
  rig.set_alive(EngineRig::kTail, true);
  rig.stream("v1", 20, {.version = "v1"});
  rig.run(45s);
  EXPECT_EQ(rig.orders.size(), 1U) << rig.service().rollout->why;
}

TEST(PreflightRestart, IsInTheTimelineAndAsksAgain) {
  Remembered remembered;
  remembered.rollouts = {
      rollout_of("v2", RolloutState::preflight, Outcome::unknown, EngineRig::kStart - 10s)};
  remembered.rollouts[0].started.is_driving = true;
  Plan plan = World::plan();
  plan.services[0].rollout.asks_preflight = true;
  EngineRig rig(plan, remembered);
  rig.run(1s);
  EXPECT_EQ(rig.service().rollout->state, RolloutState::preflight);
  const auto says_so = [](const RolloutStatus::Moment& moment) {
    return moment.what.starts_with("Belay was restarted");
  };
  EXPECT_TRUE(std::ranges::any_of(rig.service().rollout->timeline, says_so));
  EXPECT_FALSE(rig.preflight.empty());
}

}  // namespace
}  // namespace belay::rules
