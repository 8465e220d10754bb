// What was put back must be well in more than the rule that fired.

#include <gtest/gtest.h>

#include "tests/rules/rollout/default_rollout.h"

namespace belay::rules {
namespace {

/// What is told after v2's errors were rolled back; v1's latency beside v2, and as it is put back.
Notice::Kind told_after(Duration before, Duration since) {
  Plan plan = plan_by_default();
  plan.services[0].verify_for = 2min;
  EngineRig rig(plan);
  rig.stream("v1", 40, {.version = "v1", .latency = before});
  rig.stream("v2", 10, {.version = "v2"});
  rig.run(20s);
  rig.push(gate(rig.now()));
  rig.stream("v2", 10, {.version = "v2", .status = 500});
  for (int i = 0; i < 100 && rig.orders.empty(); ++i) rig.run(1s);
  EXPECT_EQ(rig.orders.size(), 1U) << rollout(rig).why;
  rig.push(ActionOutcome{
      .at = rig.now(), .intent = rig.orders.at(0).intent, .phase = ActionOutcome::Phase::applied});
  rig.stream("v2", 0);
  rig.stream("v1", 50, {.version = "v1", .latency = since});
  rig.run(2min + 15s);
  for (const Notice::Kind kind : {Notice::Kind::recovered, Notice::Kind::not_recovered})
    if (!rig.notices_of(kind).empty()) return kind;
  return Notice::Kind::inconclusive;
}

TEST(Restored, MustNotBeSlowUnlessItWasInTheRollout) {
  EXPECT_EQ(told_after(10ms, 10ms), Notice::Kind::recovered);
  EXPECT_EQ(told_after(10ms, 900ms), Notice::Kind::not_recovered);
  EXPECT_EQ(told_after(200ms, 300ms), Notice::Kind::recovered) << "of all the traffic now";
  EXPECT_EQ(told_after(400ms, 900ms), Notice::Kind::recovered);
}

}  // namespace
}  // namespace belay::rules
