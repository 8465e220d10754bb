// Goal: whatever happens, the engine keeps the promises about acting. Method: random worlds from
// seeds; a failure names its seed.

#include <random>
#include <set>

#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

constexpr int kSeeds = 60;

struct World {
  explicit World(unsigned seed)
      : random(seed), made(plan(random)), cap(made.services[0].actions_per_hour_max), rig(made) {}

  static Plan plan(std::mt19937& random) {
    Plan plan = EngineRig::plan_of(
        {make_rule("always", "error rate > 20% over 10s, min 10 requests, for 3s", "reset flag f")},
        {make_rule("errors", "error rate > 5% over 10s, min 10 requests, for 3s", "rollback"),
         make_rule("slow", "p95 latency > 1s over 10s, min 10 requests", "rollback")});
    plan.services[0].cooldown = std::chrono::seconds{random() % 60};
    plan.services[0].actions_per_hour_max = static_cast<std::uint32_t>(1 + random() % 3);
    plan.services[0].verify_for = 15s;
    return plan;
  }

  bool once_in(unsigned n) { return random() % n == 0; }
  std::string version() { return "v" + std::to_string(random() % 4); }

  void change_traffic() {
    for (const char* version : {"v0", "v1", "v2", "v3"})
      rig.stream(version, once_in(4) ? 0 : 8,
                 {.version = version,
                  .status = once_in(3) ? std::uint16_t{500} : std::uint16_t{200},
                  .latency = once_in(4) ? Duration{2s} : Duration{10ms}});
  }

  void act() {
    if (once_in(3)) change_traffic();
    if (once_in(4)) {
      rig.push(RolloutStarted{.at = rig.now(),
                              .service = "shop",
                              .candidate = version(),
                              .baseline = once_in(5) ? "" : version(),
                              .lasts = std::chrono::seconds{20 + random() % 60}});
      ++gates;
    }
    if (once_in(10)) {
      disarmed_until = rig.now() + std::chrono::seconds{random() % 40};
      rig.push(Disarmed{.at = rig.now(), .service = "shop", .until = disarmed_until, .by = "sim"});
    }
    if (const auto rollout = rig.service().rollout; rollout && once_in(8))
      rig.push(OperatorCommand{.kind = OperatorCommand::Kind::rollback,
                               .at = rig.now(),
                               .rollout = rollout->id,
                               .by = "sim"});
    if (once_in(12)) rig.set_alive(EngineRig::kTail, once_in(2));
    for (const Order& order : rig.orders)
      if (once_in(2))
        rig.push(ActionOutcome{.at = rig.now(),
                               .intent = order.intent,
                               .phase = static_cast<ActionOutcome::Phase>(random() % 7)});
  }

  std::mt19937 random;
  Plan made;
  std::size_t cap;
  EngineRig rig;
  std::size_t gates = 0;
  Instant disarmed_until{};
};

void check_promises(World& world, std::size_t orders_before) {
  const EngineRig& rig = world.rig;
  std::set<std::string> intents;
  std::size_t rollbacks = 0;
  for (const Order& order : rig.orders) {
    EXPECT_TRUE(intents.insert(order.intent).second) << "an intent twice";
    if (const auto* back = std::get_if<RollBack>(&order.action)) {
      ++rollbacks;
      EXPECT_NE(back->target, back->expected);
      EXPECT_FALSE(back->target.empty());
    }
  }
  EXPECT_LE(rollbacks, world.gates) << "more than one rollback for a gate";
  std::size_t actions = 0;
  for (const ActionStatus& action : rig.service().actions) {
    using Phase = ActionOutcome::Phase;
    actions += action.phase == Phase::superseded || action.phase == Phase::conflict ||
                       action.phase == Phase::rejected
                   ? 0U
                   : 1U;
  }
  EXPECT_LE(actions, world.cap) << "within the hour that a world lasts";
  for (std::size_t i = orders_before; i < rig.orders.size(); ++i)
    EXPECT_GE(rig.orders[i].at, world.disarmed_until) << "acted while disarmed";
}

TEST(Simulation, NoWorldMakesTheEngineBreakItsPromises) {
  std::size_t orders = 0;
  std::size_t intents = 0;
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    for (int i = 0; i < 60; ++i) {
      const std::size_t before = world.rig.orders.size();
      world.act();
      world.rig.run(5s);
      check_promises(world, before);
      if (testing::Test::HasFailure()) return;
    }
    orders += world.rig.orders.size();
    for (const JournalEntry& entry : world.rig.journal)
      intents += entry.kind == JournalEntry::Kind::intent ? 1U : 0U;
  }
  EXPECT_GT(orders, 20U) << "the worlds must give it something to do";
  EXPECT_EQ(orders, intents) << "each order has its durable intent";
}

}  // namespace
}  // namespace belay::rules
