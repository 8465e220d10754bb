// A person fails a rollout, and has it rolled back.

#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

constexpr const char* kId = "11111111-1111-4111-8111-111111111111";
using Phase = ActionOutcome::Phase;

struct World {
  explicit World(Plan of = plan(), Remembered remembered = {})
      : rig(std::move(of), std::move(remembered)) {
    rig.stream("v1", 20, {.version = "v1"});
    rig.stream("v2", 20, {.version = "v2"});
    rig.run(12s);
  }
  static Plan plan() {
    Plan plan = EngineRig::plan_of(
        {}, {make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s", "rollback")});
    plan.services[0].verify_for = 20s;
    return plan;
  }
  static RolloutStarted gate(Instant at) {
    return {
        .at = at, .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = 5min, .id = kId};
  }
  void begin(const RolloutStarted& started) {
    rig.push(started);
    rig.run(5s);
  }
  void begin() { begin(gate(rig.now())); }
  void roll_back(const std::string& reason = "") {
    rig.push(OperatorCommand{.kind = OperatorCommand::Kind::rollback,
                             .at = rig.now(),
                             .rollout = kId,
                             .by = "ann",
                             .reason = reason});
    rig.run(1s);
  }
  void answer(Phase phase) {
    const bool is_back = std::holds_alternative<RollBack>(rig.orders.back().action);
    if (is_back && phase == Phase::applied) rig.stream("v2", 0);
    rig.push(ActionOutcome{.at = rig.now(), .intent = rig.orders.back().intent, .phase = phase});
    rig.run(1s);
  }
  [[nodiscard]] RolloutStatus rollout() const { return *rig.service().rollout; }
  /// What was said instead of doing it; empty if it was done.
  [[nodiscard]] std::string refusal() const {
    const auto told = rig.notices_of(Notice::Kind::not_acted);
    return told.empty() ? "" : told.back().headline;
  }
  EngineRig rig;
};

TEST(ByHand, IsTheRollbackAndNotWhatStandsBesideIt) {
  Plan plan = World::plan();
  plan.services[0].on_fail = {{.kind = Then::Kind::run, .name = "fix"},
                              {.kind = Then::Kind::rollback},
                              {.kind = Then::Kind::run, .name = "note"}};
  World world(plan);
  world.begin();
  world.roll_back();
  ASSERT_EQ(world.rig.orders.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<RollBack>(world.rig.orders[0].action));
  world.answer(Phase::rejected);
  EXPECT_EQ(world.rig.orders.size(), 1U);
  EXPECT_EQ(world.rollout().state, RolloutState::not_recovered);
}

TEST(ByHand, FailsTheRolloutAndRollsBackOnceAndVerifies) {
  World world;
  world.begin();
  world.roll_back("the job was cancelled");
  ASSERT_EQ(world.rig.orders.size(), 1U);
  const Order& order = world.rig.orders[0];
  EXPECT_EQ(std::get<RollBack>(order.action).target, "v1");
  EXPECT_EQ(std::get<RollBack>(order.action).expected, "v2");
  EXPECT_EQ(order.reason, "rolled back by ann: the job was cancelled");
  EXPECT_EQ(order.rollout, kId);
  EXPECT_EQ(world.rollout().state, RolloutState::rolling_back);
  EXPECT_EQ(world.rollout().verdict, Outcome::fail);
  EXPECT_EQ(world.rig.notices_of(Notice::Kind::acting).at(0).headline,
            "shop: roll back from v2 to v1, rolled back by ann: the job was cancelled");
  world.answer(Phase::applied);
  EXPECT_EQ(world.rollout().state, RolloutState::verifying);
  world.rig.run(25s);
  EXPECT_EQ(world.rollout().state, RolloutState::recovered);
  world.roll_back();
  EXPECT_EQ(world.rig.orders.size(), 1U);
}

TEST(ByHand, AskedForTwiceItIsDoneOnce) {
  World world;
  world.begin();
  world.roll_back();
  world.roll_back();
  world.roll_back();
  EXPECT_EQ(world.rig.orders.size(), 1U);
}

TEST(ByHand, WhatItDidNotHelpIsSaid) {
  World world;
  world.begin();
  world.roll_back();
  world.answer(Phase::applied);
  world.rig.stream("v1", 20, {.version = "v1", .status = 500});
  world.rig.run(25s);
  EXPECT_EQ(world.rollout().state, RolloutState::not_recovered);
  EXPECT_EQ(world.rig.orders.size(), 1U);
}

TEST(ByHand, IsInTheJournalWithWhoAskedForItAfterItsIntent) {
  World world;
  world.begin();
  const std::size_t before = world.rig.journal.size();
  world.roll_back();
  std::vector<JournalEntry::Kind> kinds;
  std::string commanded;
  for (std::size_t i = before; i < world.rig.journal.size(); ++i) {
    kinds.push_back(world.rig.journal[i].kind);
    if (kinds.back() == JournalEntry::Kind::commanded) commanded = world.rig.journal[i].text;
  }
  EXPECT_EQ(kinds.front(), JournalEntry::Kind::intent);
  EXPECT_NE(commanded.find(R"("command":"rollback","by":"ann")"), std::string::npos) << commanded;
  EXPECT_NE(commanded.find(R"("answer":"done")"), std::string::npos) << commanded;
}

/// Refused, the rollout goes on as it was.
void expect_refused(World& world, const std::string& why) {
  const RolloutState before = world.rollout().state;
  world.roll_back();
  EXPECT_TRUE(world.rig.orders.empty());
  EXPECT_EQ(world.rollout().state, before);
  EXPECT_NE(world.refusal().find(why), std::string::npos) << world.refusal();
  EXPECT_NE(world.rollout().timeline.back().what.find(why), std::string::npos);
}

TEST(ByHand, NeverWhatIsIrreversible) {
  World world;
  RolloutStarted started = World::gate(world.rig.now());
  started.is_irreversible = true;
  world.begin(started);
  expect_refused(world, "irreversible");
}

TEST(ByHand, NeverWhatIsDisarmed) {
  World world;
  world.begin();
  world.rig.push(
      Disarmed{.at = world.rig.now(), .service = "", .until = world.rig.now() + 1h, .by = "bob"});
  expect_refused(world, "disarmed until");
}

TEST(ByHand, OnlyInModeEnforce) {
  for (const Mode mode : {Mode::observe, Mode::recommend}) {
    World world;
    RolloutStarted started = World::gate(world.rig.now());
    started.mode = mode;
    world.begin(started);
    expect_refused(world, "only enforce acts");
  }
}

TEST(ByHand, NotWithoutAVersionToGoBackTo) {
  World world;
  RolloutStarted started = World::gate(world.rig.now());
  started.baseline = "v2";
  world.begin(started);
  expect_refused(world, "no version to go back to is known");
}

TEST(ByHand, NotWhatIsOver) {
  World world;
  world.begin();
  world.rig.push(OperatorCommand{
      .kind = OperatorCommand::Kind::abort, .at = world.rig.now(), .rollout = kId, .by = "bob"});
  world.rig.run(1s);
  expect_refused(world, "it is aborted and not judged any more");
}

TEST(ByHand, NotWhatSomebodyElseHasReplaced) {
  World world;
  const auto live = [&](std::vector<Deployment::Share> shares) {
    world.rig.push(Deployment{
        .service = "shop", .at = world.rig.now(), .id = "d", .versions = std::move(shares)});
    world.rig.run(1s);
  };
  live({{"v1", 90}, {"v2", 10}});
  world.begin();
  live({{"v7", 100}});
  expect_refused(world, "it is superseded");
}

TEST(ByHand, NotWhatHasNoTrafficYet) {
  World world;
  RolloutStarted started = World::gate(world.rig.now());
  started.steps = *parse_steps("10% for 20s, 100%");
  started.is_driving = true;
  world.begin(started);
  ASSERT_EQ(world.rig.orders.size(), 1U) << "the first step's traffic";
  world.roll_back();
  EXPECT_NE(world.refusal().find("on its way to its first step"), std::string::npos);
  world.answer(Phase::applied);
  world.roll_back();
  ASSERT_EQ(world.rig.orders.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<RollBack>(world.rig.orders[1].action));
}

/// The second step's traffic is on its way.
void drive(World& world) {
  RolloutStarted started = World::gate(world.rig.now());
  started.steps = *parse_steps("10% for 15s, 100%");
  started.is_driving = true;
  world.begin(started);
  // A cooldown holds it, but for a person who says so.
  world.rig.push(OperatorCommand{
      .kind = OperatorCommand::Kind::approve, .at = world.rig.now(), .rollout = kId, .by = "ann"});
  world.rig.run(1s);
  world.answer(Phase::applied);
  world.rig.run(20s);
  ASSERT_EQ(world.rig.orders.size(), 2U);
}

TEST(ByHand, BehindTrafficThatIsOnItsWayItWaits) {
  World world;
  drive(world);
  world.roll_back();
  EXPECT_EQ(world.rollout().state, RolloutState::rolling_back);
  EXPECT_EQ(world.rig.orders.size(), 2U);
  world.answer(Phase::applied);
  ASSERT_EQ(world.rig.orders.size(), 3U);
  EXPECT_TRUE(std::holds_alternative<RollBack>(world.rig.orders[2].action));
}

Remembered::Action action_of(Duration ago, const char* target) {
  return {.at = EngineRig::kStart - ago,
          .service = "shop",
          .intent = "old",
          .target = target,
          .phase = Phase::applied};
}

TEST(ByHand, BehindTrafficThatIsOnItsWayItIsRefusedAtOnceIfItMayNotBeAfterwards) {
  for (const bool is_put_back : {false, true}) {
    Remembered remembered;
    remembered.actions = {is_put_back ? action_of(3h, "v2") : action_of(5min, "")};
    World world(World::plan(), remembered);
    drive(world);
    world.roll_back();
    EXPECT_EQ(world.rollout().state, RolloutState::baking);
    EXPECT_NE(world.refusal().find(is_put_back ? "a rollback is never rolled back" : "cooldown"),
              std::string::npos)
        << world.refusal();
    world.answer(Phase::applied);
    EXPECT_EQ(world.rollout().step, 1U) << "it is judged on";
    EXPECT_EQ(world.rig.orders.size(), 2U);
  }
}

/// An action outside rollouts that is on its way.
Remembered open_action() {
  Remembered remembered;
  remembered.actions = {action_of(10s, "")};
  Order order;
  order.intent = "old";
  order.at = EngineRig::kStart - 10s;
  order.service = "shop";
  order.action = ResetFlag{.flag = "cart"};
  order.rule = "errors";
  remembered.actions[0].is_open = true;
  remembered.actions[0].phase.reset();
  remembered.actions[0].order = order;
  return remembered;
}

TEST(ByHand, BehindAnOpenActionItIsRefusedButNotBehindOneThatIsOnlyWatched) {
  Plan plan = World::plan();
  plan.services[0].cooldown = 0s;
  World world(plan, open_action());
  RolloutStarted started = World::gate(world.rig.now());
  started.candidate = "v3";  // Without a request: else the watch ends for it by itself.
  world.begin(started);
  expect_refused(world, "another action on this service is still open (old)");
  world.rig.push(ActionOutcome{.at = world.rig.now(), .intent = "old", .phase = Phase::applied});
  world.rig.run(2s);
  EXPECT_TRUE(world.rig.notices_of(Notice::Kind::inconclusive).empty());
  world.roll_back();
  ASSERT_EQ(world.rig.orders.size(), 1U) << world.refusal();
  EXPECT_EQ(std::get<RollBack>(world.rig.orders[0].action).expected, "v3");
  const auto left = world.rig.notices_of(Notice::Kind::inconclusive);
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].details.at(0), "a person rolls back a newer rollout");
}

TEST(ByHand, OverAPauseAndASharedCauseAPersonsWordCounts) {
  World world;
  world.begin();
  world.rig.push(OperatorCommand{
      .kind = OperatorCommand::Kind::pause, .at = world.rig.now(), .rollout = kId, .by = "bob"});
  world.rig.run(1s);
  world.roll_back();
  EXPECT_EQ(world.rig.orders.size(), 1U);
}

TEST(ByHand, ARestartInTheMiddleGoesOnWithIt) {
  World first;
  first.begin();
  first.roll_back();
  ASSERT_EQ(first.rig.orders.size(), 1U);
  Order order = first.rig.orders[0];
  const Duration back = first.rig.elapsed();
  order.at -= back;
  Remembered remembered;
  remembered.actions = {{.at = order.at,
                         .service = "shop",
                         .intent = order.intent,
                         .target = "v1",
                         .is_open = true,
                         .expected = "v2",
                         .order = order}};
  remembered.rollouts = {{.started = World::gate(EngineRig::kStart - back),
                          .at = EngineRig::kStart - 1s,
                          .state = RolloutState::rolling_back,
                          .rule = std::string(kByHand),
                          .verdict = Outcome::fail,
                          .why = "rolled back by ann",
                          .intents = {order.intent}}};
  remembered.rollouts[0].started.steps = first.rollout().steps;
  World second(World::plan(), remembered);
  EXPECT_TRUE(second.rig.orders.empty()) << "it is the actor's to find out what came of it";
  second.rig.stream("v2", 0);
  second.rig.push(
      ActionOutcome{.at = second.rig.now(), .intent = order.intent, .phase = Phase::already});
  second.rig.run(30s);
  EXPECT_EQ(second.rollout().state, RolloutState::recovered);
}

}  // namespace
}  // namespace belay::rules
