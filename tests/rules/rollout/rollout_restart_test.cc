// A rollout goes on after a restart at any moment of it, and is rolled back once at the most.

#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

constexpr const char* kId = "11111111-1111-4111-8111-111111111111";
using Phase = ActionOutcome::Phase;

Plan plan_of() {
  Plan plan = EngineRig::plan_of(
      {}, {make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s", "rollback")});
  plan.services[0].verify_for = 20s;
  plan.services[0].cooldown = 0s;
  return plan;
}

/// The world outside the engine: it survives a restart.
struct World {
  std::set<std::string> done;  ///< Intents.
  double live = 0;             ///< Of the candidate.
  bool is_bad = false;
  std::size_t rollbacks = 0;

  void carry_out(const Order& order) {
    if (done.contains(order.intent)) return;
    if (const auto* move = std::get_if<MoveTraffic>(&order.action)) live = move->percent;
    if (std::holds_alternative<RollBack>(order.action)) {
      live = 0;
      ++rollbacks;
    }
    done.insert(order.intent);
  }
};

/// What the journal would have kept of this life, on the clock of the next.
Remembered remembered_of(const EngineRig& rig) {
  const Duration back = rig.elapsed();
  Remembered remembered;
  const std::vector<ActionStatus> known = rig.service().actions;
  for (const Order& order : rig.orders) {
    const auto status = std::find_if(known.begin(), known.end(), [&](const ActionStatus& one) {
      return one.intent == order.intent;
    });
    const auto* rollback = std::get_if<RollBack>(&order.action);
    Remembered::Action action{.at = order.at - back, .service = "shop", .intent = order.intent};
    if (rollback != nullptr) action.target = rollback->target;
    if (rollback != nullptr) action.expected = rollback->expected;
    action.is_open = status == known.end() || !status->phase;
    if (action.is_open) {
      action.order = order;
      action.order->at -= back;
    } else {
      action.phase = status->phase;
      if (rollback == nullptr) continue;  // Moves that have ended are nobody's concern.
    }
    remembered.actions.push_back(action);
  }
  const ServiceStatus service = rig.service();
  if (!service.rollout) return remembered;
  const RolloutStatus& status = *service.rollout;
  RememberedRollout rollout;
  rollout.started = {.at = status.started - back,
                     .service = "shop",
                     .candidate = status.candidate,
                     .baseline = status.baseline,
                     .id = status.id,
                     .steps = status.steps,
                     .is_driving = status.is_driving,
                     .mode = status.mode};
  rollout.at = rig.now() - back;
  rollout.state = status.state;
  rollout.held = status.held;
  rollout.step = status.step;
  if (status.step_started != Instant{}) rollout.step_started = status.step_started - back;
  rollout.is_paused = status.held == HoldReason::paused;
  rollout.verdict = status.verdict;
  rollout.why = status.why;
  rollout.rule = "errors";
  rollout.intents = status.intents;
  remembered.rollouts.push_back(rollout);
  return remembered;
}

void live_on(EngineRig& rig, World& world, Duration span, bool answers) {
  for (Duration passed{}; passed < span; passed += 1s) {
    const std::size_t before = rig.orders.size();
    rig.stream("v1", world.live < 100 ? 20 : 0, {.version = "v1"});
    rig.stream("v2", world.live > 0 ? 20 : 0,
               {.version = "v2", .status = world.is_bad ? std::uint16_t{500} : std::uint16_t{200}});
    rig.run(1s);
    for (std::size_t i = before; i < rig.orders.size() && answers; ++i) {
      world.carry_out(rig.orders[i]);
      rig.push(
          ActionOutcome{.at = rig.now(), .intent = rig.orders[i].intent, .phase = Phase::applied});
    }
  }
}

RolloutStarted asked(Instant at, bool is_driving) {
  return {.at = at,
          .service = "shop",
          .candidate = "v2",
          .baseline = "v1",
          .id = kId,
          .steps = *parse_steps("10% for 15s max 60s, 100% for 15s max 60s"),
          .is_driving = is_driving};
}

struct Told {
  RolloutState state{};
  std::size_t rollbacks = 0;
};

/// One rollout, with a restart after `first` seconds of it.
Told live_twice(bool is_driving, bool turns_bad, std::int64_t first) {
  World world;
  world.live = is_driving ? 0 : 10;
  Remembered remembered;
  {
    EngineRig rig(plan_of());
    live_on(rig, world, 12s, true);
    rig.push(asked(rig.now(), is_driving));
    live_on(rig, world, std::chrono::seconds{std::min<std::int64_t>(first, 8)}, true);
    world.is_bad = turns_bad;
    if (first > 8) live_on(rig, world, std::chrono::seconds{first - 8}, true);
    remembered = remembered_of(rig);
  }
  EngineRig rig(plan_of(), remembered);
  for (const Remembered::Action& action : remembered.actions)
    if (action.is_open) {
      world.carry_out(*action.order);  // The actor reads, and finds or does it.
      rig.push(ActionOutcome{.at = rig.now(), .intent = action.intent, .phase = Phase::already});
    }
  world.is_bad = turns_bad;
  live_on(rig, world, 150s, true);
  return {.state = rig.service().rollout->state, .rollbacks = world.rollbacks};
}

TEST(RolloutRestart, AtAnySecondAGoodRolloutIsStillPromoted) {
  for (const bool is_driving : {false, true})
    for (std::int64_t first = 1; first < 44; first += 3) {
      const Told told = live_twice(is_driving, false, first);
      EXPECT_EQ(told.state, RolloutState::promoted) << "driving " << is_driving << ", " << first;
      EXPECT_EQ(told.rollbacks, 0U);
    }
}

TEST(RolloutRestart, AtAnySecondABadOneIsRolledBackOnce) {
  for (const bool is_driving : {false, true})
    for (std::int64_t first = 1; first < 44; first += 3) {
      const Told told = live_twice(is_driving, true, first);
      EXPECT_EQ(told.state, RolloutState::recovered) << "driving " << is_driving << ", " << first;
      EXPECT_EQ(told.rollbacks, 1U) << "driving " << is_driving << ", " << first;
    }
}

TEST(RolloutRestart, TheBakeBeginsAnewAndNothingPassesOnEmptyWindows) {
  World world;
  world.live = 10;
  Remembered remembered;
  {
    EngineRig rig(plan_of());
    live_on(rig, world, 12s, true);
    rig.push(asked(rig.now(), false));
    live_on(rig, world, 14s, true);
    remembered = remembered_of(rig);
  }
  EngineRig rig(plan_of(), remembered);
  live_on(rig, world, 12s, true);
  EXPECT_EQ(rig.service().rollout->step, 0U) << "fourteen seconds from before do not count";
  EXPECT_EQ(rig.service().rollout->id, kId);
  rig.push(asked(rig.now(), false));
  live_on(rig, world, 8s, true);
  EXPECT_EQ(rig.service().rollout->step, 1U) << "the same id is the same rollout";
}

TEST(RolloutRestart, WhatWasPausedStaysPaused) {
  World world;
  world.live = 10;
  Remembered remembered;
  {
    EngineRig rig(plan_of());
    live_on(rig, world, 12s, true);
    rig.push(asked(rig.now(), false));
    rig.push(OperatorCommand{
        .kind = OperatorCommand::Kind::pause, .at = rig.now(), .rollout = kId, .by = "ann"});
    live_on(rig, world, 5s, true);
    remembered = remembered_of(rig);
  }
  EngineRig rig(plan_of(), remembered);
  live_on(rig, world, 1min, true);
  EXPECT_EQ(rig.service().rollout->held, HoldReason::paused);
}

/// Operators who type anything at any moment, and a platform that answers anything.
void check_invariants(const EngineRig& rig, std::map<std::string, RolloutState>& seen) {
  std::map<std::string, std::size_t> rollbacks;
  std::set<std::string> intents;
  for (const Order& order : rig.orders) {
    EXPECT_TRUE(intents.insert(order.intent).second) << "an intent twice";
    if (std::holds_alternative<RollBack>(order.action)) ++rollbacks[order.rollout];
  }
  for (const auto& [rollout, count] : rollbacks) EXPECT_EQ(count, 1U) << "of one rollout";
  std::vector<RolloutStatus> all = rig.service().past;
  if (rig.service().rollout) all.push_back(*rig.service().rollout);
  std::size_t judged = 0;
  for (const RolloutStatus& status : all) {
    judged += is_judged(status.state) ? 1U : 0U;
    const auto before = seen.find(status.id);
    if (before != seen.end() && before->second != status.state) {
      EXPECT_FALSE(is_final(before->second)) << "a final state was left";
    }
    seen[status.id] = status.state;
    EXPECT_FALSE(status.state == RolloutState::promoted && rollbacks.contains(status.id))
        << "promoted and rolled back";
    EXPECT_EQ(status.ended.has_value(), is_final(status.state));
  }
  EXPECT_LE(judged, 1U);
}

TEST(RolloutRestart, NoSequenceOfCommandsBreaksAPromise) {
  std::set<RolloutState> reached;
  for (unsigned seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    EngineRig rig(plan_of());
    std::map<std::string, RolloutState> seen;
    std::vector<std::string> ids;
    rig.stream("v1", 20, {.version = "v1"});
    rig.run(12s);
    for (int i = 0; i < 60; ++i) {
      if (random() % 6 == 0) {
        ids.push_back("rollout-" + std::to_string(seed) + "-" + std::to_string(i));
        RolloutStarted started = asked(rig.now(), random() % 2 == 0);
        started.id = ids.back();
        started.candidate = "v" + std::to_string(2 + random() % 2);
        started.is_irreversible = random() % 6 == 0;
        rig.push(started);
      }
      if (!ids.empty() && random() % 3 == 0)
        rig.push(OperatorCommand{.kind = static_cast<OperatorCommand::Kind>(random() % 6),
                                 .at = rig.now(),
                                 .rollout = ids[random() % ids.size()],
                                 .by = "sim"});
      if (random() % 5 == 0)
        for (const char* version : {"v2", "v3"})
          rig.stream(version, random() % 3 == 0 ? 0 : 20,
                     {.version = version,
                      .status = random() % 3 == 0 ? std::uint16_t{500} : std::uint16_t{200}});
      if (random() % 6 == 0)
        rig.push(
            Deployment{.service = "shop",
                       .at = rig.now(),
                       .id = "d",
                       .versions = {{"v" + std::to_string(1 + random() % 3), 60}, {"v1", 40}}});
      for (const Order& order : rig.orders)
        if (random() % 3 == 0)
          rig.push(ActionOutcome{
              .at = rig.now(), .intent = order.intent, .phase = static_cast<Phase>(random() % 7)});
      rig.run(std::chrono::seconds{1 + random() % 8});
      check_invariants(rig, seen);
      if (testing::Test::HasFailure()) return;
    }
    for (const auto& [id, state] : seen) reached.insert(state);
  }
  EXPECT_GE(reached.size(), 6U) << "the worlds must go somewhere";
}

TEST(RolloutRestart, WhatFailedAndIsIrreversibleStillWaitsForAPerson) {
  World world;
  world.live = 10;
  Remembered remembered;
  {
    EngineRig rig(plan_of());
    live_on(rig, world, 12s, true);
    RolloutStarted started = asked(rig.now(), false);
    started.is_irreversible = true;
    rig.push(started);
    live_on(rig, world, 5s, true);
    world.is_bad = true;
    live_on(rig, world, 15s, true);
    ASSERT_EQ(rig.service().rollout->held, HoldReason::irreversible);
    remembered = remembered_of(rig);
    remembered.rollouts[0].started.is_irreversible = true;
  }
  world.is_bad = false;
  EngineRig rig(plan_of(), remembered);
  live_on(rig, world, 2min, true);
  EXPECT_EQ(rig.service().rollout->held, HoldReason::irreversible);
  rig.push(OperatorCommand{
      .kind = OperatorCommand::Kind::resume, .at = rig.now(), .rollout = kId, .by = "ann"});
  live_on(rig, world, 40s, true);
  EXPECT_EQ(rig.service().rollout->state, RolloutState::promoted) << rig.service().rollout->why;
}

/// A rollout begins in enforce, and Belay is restarted in mode recommend. What it tries then.
EngineRig restarted_in_recommend(bool is_driving, bool is_mode_asked, World& world) {
  Remembered remembered;
  {
    EngineRig rig(plan_of());
    live_on(rig, world, 12s, true);
    rig.push(asked(rig.now(), is_driving));
    live_on(rig, world, 5s, true);
    remembered = remembered_of(rig);
  }
  EXPECT_EQ(remembered.rollouts[0].started.mode, Mode::enforce);
  remembered.rollouts[0].is_mode_asked = is_mode_asked;
  Plan lowered = plan_of();
  lowered.services[0].mode = Mode::recommend;
  return EngineRig(lowered, remembered);
}

TEST(RolloutRestart, InALowerModeNothingIsRolledBackUnlessEnforceWasAskedFor) {
  for (const bool is_mode_asked : {false, true}) {
    World world;
    world.live = 10;
    EngineRig rig = restarted_in_recommend(false, is_mode_asked, world);
    world.is_bad = true;
    live_on(rig, world, 1min, true);
    EXPECT_EQ(rig.service().rollout->verdict, Outcome::fail);
    EXPECT_EQ(world.rollbacks, is_mode_asked ? 1U : 0U);
    EXPECT_EQ(rig.notices_of(Notice::Kind::would_act).size(), is_mode_asked ? 0U : 1U);
  }
}

TEST(RolloutRestart, InALowerModeNoTrafficIsMovedByAnybodysWord) {
  World world;
  EngineRig rig = restarted_in_recommend(true, false, world);
  live_on(rig, world, 2min, true);
  ASSERT_EQ(rig.service().rollout->held, HoldReason::freeze);
  EXPECT_EQ(
      rig.service().rollout->why,
      "its mode is recommend now, and only enforce moves traffic: set `mode: enforce`, or abort");
  rig.push(OperatorCommand{
      .kind = OperatorCommand::Kind::promote, .at = rig.now(), .rollout = kId, .by = "ann"});
  live_on(rig, world, 1min, true);
  EXPECT_TRUE(rig.orders.empty());
  EXPECT_EQ(world.live, 10);
  Remembered remembered = remembered_of(rig);
  remembered.rollouts[0].started.mode = Mode::enforce;
  EngineRig raised(plan_of(), remembered);
  live_on(raised, world, 1min, true);
  EXPECT_FALSE(raised.orders.empty()) << "it goes on by itself once the mode is raised";
}

TEST(RolloutRestart, AMoveThatWasRefusedStillWaitsForAPerson) {
  for (const bool is_first_step : {true, false}) {
    World world;
    Remembered remembered;
    {
      EngineRig rig(plan_of());
      live_on(rig, world, 12s, true);
      rig.push(asked(rig.now(), true));
      live_on(rig, world, is_first_step ? 0s : 10s, true);
      live_on(rig, world, is_first_step ? 2s : 10s, false);
      ASSERT_EQ(rig.orders.size(), is_first_step ? 1U : 2U);
      rig.push(ActionOutcome{
          .at = rig.now(), .intent = rig.orders.back().intent, .phase = Phase::rejected});
      live_on(rig, world, 2s, false);
      ASSERT_EQ(rig.service().rollout->held, HoldReason::traffic);
      remembered = remembered_of(rig);
    }
    EngineRig rig(plan_of(), remembered);
    live_on(rig, world, 1min, true);
    EXPECT_TRUE(rig.orders.empty()) << is_first_step;
    EXPECT_EQ(rig.service().rollout->held, HoldReason::traffic);
    rig.push(OperatorCommand{
        .kind = OperatorCommand::Kind::resume, .at = rig.now(), .rollout = kId, .by = "ann"});
    live_on(rig, world, 40s, true);
    EXPECT_FALSE(rig.orders.empty()) << is_first_step;
  }
}

}  // namespace
}  // namespace belay::rules
