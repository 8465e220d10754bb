// What was put back is not called well beside a probe that fails now and then, unless it did
// before.

#include <gtest/gtest.h>

#include "tests/rules/rollout/default_rollout.h"

namespace belay::rules {
namespace {

/// Every five seconds an answer of whichever version, of which each `every`-th fails; 0: none.
void run(EngineRig& rig, Duration span, int every) {
  int answers = 0;
  for (const Instant until = rig.now() + span; rig.now() < until; rig.run(5s)) {
    ++answers;
    rig.push(Probe{
        .source = EngineRig::kProbe,
        .at = rig.now(),
        .failure = every > 0 && answers % every == 0 ? ProbeFailure::timeout : ProbeFailure::none});
  }
}

Notice::Kind told_after(int fails_before, int fails_since) {
  Plan plan = plan_by_default();
  plan.services[0].verify_for = 1min;
  EngineRig rig(plan);
  traffic(rig, 200);
  run(rig, 1min, fails_before);
  rig.push(gate(rig.now()));
  traffic(rig, 500);
  for (int i = 0; i < 20 && rig.orders.empty(); ++i) run(rig, 5s, 0);
  EXPECT_EQ(rig.orders.size(), 1U) << rollout(rig).why;
  rig.push(ActionOutcome{
      .at = rig.now(), .intent = rig.orders.at(0).intent, .phase = ActionOutcome::Phase::applied});
  rig.stream("v2", 0);
  run(rig, 70s, fails_since);
  for (const Notice::Kind kind :
       {Notice::Kind::recovered, Notice::Kind::inconclusive, Notice::Kind::not_recovered})
    if (!rig.notices_of(kind).empty()) return kind;
  return Notice::Kind::not_acted;
}

TEST(RestoredProbe, ThatFlapsIsNoRecoveryUnlessItDidBefore) {
  EXPECT_EQ(told_after(0, 0), Notice::Kind::recovered);
  EXPECT_EQ(told_after(0, 3), Notice::Kind::inconclusive);
  EXPECT_EQ(told_after(3, 3), Notice::Kind::recovered);
  EXPECT_EQ(told_after(0, 12), Notice::Kind::recovered) << "one of twelve is a hiccup";
}

}  // namespace
}  // namespace belay::rules
