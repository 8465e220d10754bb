// Never a rollback of a rollback; but what comes after another version is a generation of its own.

#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

/// v2 fails and is rolled back to v1; what follows is another generation.
struct RolledBack {
  RolledBack() {
    serve("v1");
    rig.run(15s);
    serve("v2");
    start("v2", "v1");
    rig.run(12s);
    serve("v2", 500);
    rig.run(15s);
    answer();
    serve("v1");
    rig.run(40s);
  }
  void answer() {
    if (rig.orders.empty()) return;
    rig.push(ActionOutcome{.at = rig.now(),
                           .intent = rig.orders.back().intent,
                           .phase = ActionOutcome::Phase::applied});
    rig.run(1s);
  }
  void live(const char* version) {
    rig.push(Deployment{
        .service = "shop", .at = rig.now(), .id = version, .versions = {{version, 100}}});
    rig.run(1s);
  }
  void fail_v1(const char* baseline) {
    serve("v1");
    start("v1", baseline);
    rig.run(12s);
    serve("v1", 500);
    rig.run(20s);
  }
  /// This one alone has 40 requests a second from now on.
  void serve(const char* version, std::uint16_t status = 200) {
    for (const char* one : {"v1", "v2", "v3"}) rig.stream(one, 0);
    rig.stream(version, 40, {.version = version, .status = status});
  }
  void start(const char* candidate, const char* baseline, Duration lasts = 5min) {
    rig.push(RolloutStarted{.at = rig.now(),
                            .service = "shop",
                            .candidate = candidate,
                            .baseline = baseline,
                            .lasts = lasts});
    rig.run(1s);
  }
  static Plan plan() {
    Plan plan = EngineRig::plan_of(
        {}, {make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s", "rollback")});
    plan.services[0].verify_for = 20s;
    plan.services[0].cooldown = 0s;
    return plan;
  }
  [[nodiscard]] std::string rolled_back_to() const {
    const auto* back = std::get_if<RollBack>(&rig.orders.back().action);
    return back == nullptr || back->expected != "v1" ? "" : back->target;
  }
  EngineRig rig{plan()};
};

TEST(RollbackOfARollback, IsNoneOnceAnotherVersionWasPromotedInBetween) {
  for (const bool is_promoted : {true, false}) {
    RolledBack world;
    ASSERT_EQ(world.rig.service().rollout->state, RolloutState::recovered);
    world.serve("v3");
    world.start("v3", "v1", is_promoted ? 30s : 10min);
    world.rig.run(40s);
    world.fail_v1("v3");
    EXPECT_EQ(world.rolled_back_to(), is_promoted ? "v3" : "");
  }
}

TEST(RollbackOfARollback, IsNoneOnceAnotherVersionWasSeenLiveInBetween) {
  for (const char* seen : {"v1", "v2", "v3"}) {
    RolledBack world;
    world.live(seen);
    world.live("v1");
    world.fail_v1("v3");
    EXPECT_EQ(world.rolled_back_to(), std::string(seen) == "v3" ? "v3" : "")
        << "v2 is what it left: that report may be older";
  }
}

}  // namespace
}  // namespace belay::rules
