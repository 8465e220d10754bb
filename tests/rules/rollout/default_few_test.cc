// The default judgement where few requests come, or none.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/rollout/default_rollout.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;

TEST(DefaultFew, WhatIsTooFewToRollBackByMustNotFailToPass) {
  for (const std::uint16_t status : std::initializer_list<std::uint16_t>{200, 500}) {
    EngineRig rig(plan_by_default());
    rig.push(gate(rig.now(), 5min));
    for (int i = 0; i < 152; ++i) {
      rig.stream("v2", 1, {.version = "v2", .status = status});
      rig.run(1s);
      rig.stream("v2", 0);
      rig.run(1s);
    }
    EXPECT_TRUE(rig.orders.empty());
    EXPECT_EQ(rollout(rig).state,
              status == 200 ? RolloutState::promoted : RolloutState::inconclusive)
        << rollout(rig).why;
    if (status == 500) {
      EXPECT_THAT(rollout(rig).why, HasSubstr("requests of v2 failed: too many to pass"));
      ASSERT_FALSE(rig.notices_of(Notice::Kind::rollout_held).empty());
      const Notice held = rig.notices_of(Notice::Kind::rollout_held)[0];
      EXPECT_TRUE(held.page) << "and nobody waits for the end";
      EXPECT_THAT(held.headline, HasSubstr("20 of the last 20 requests of v2 failed"));
    }
  }
}

TEST(DefaultFew, ACandidateThatNobodyCallsInItsFirstStepIsHeld) {
  for (const double percent : {10.0, 0.0}) {
    EngineRig rig(plan_by_default());
    rig.stream("v1", 100, {.version = "v1"});
    rig.push(Deployment{.service = "shop",
                        .at = rig.now(),
                        .id = "d",
                        .versions = {{"v1", 100 - percent}, {"v2", percent}}});
    rig.run(10s);
    RolloutStarted attached = gate(rig.now(), {});
    attached.steps = *parse_steps("10% for 10m, 100%");
    rig.push(attached);
    rig.run(65s);
    EXPECT_EQ(rollout(rig).held == HoldReason::candidate_silent, percent > 0) << rollout(rig).why;
  }
}

TEST(DefaultFew, WhatIsIrreversibleIsJudgedOnAfterAPersonLetsItGoOn) {
  EngineRig rig(plan_by_default());
  rig.stream("v1", 40, {.version = "v1"});
  rig.stream("v2", 10, {.version = "v2", .status = 500});
  RolloutStarted irreversible = gate(rig.now(), {});
  irreversible.steps = *parse_steps("10% for 10m, 100%");
  irreversible.is_irreversible = true;
  rig.push(irreversible);
  rig.run(30s);
  ASSERT_EQ(rollout(rig).held, HoldReason::irreversible);
  const std::size_t fired = rig.notices_of(Notice::Kind::fired).size();
  rig.push(OperatorCommand{
      .kind = OperatorCommand::Kind::resume, .at = rig.now(), .rollout = kId, .by = "ann"});
  rig.run(3s);
  EXPECT_EQ(rollout(rig).held, HoldReason::irreversible) << "it is as bad as it was";
  EXPECT_GT(rig.notices_of(Notice::Kind::fired).size(), fired);
}

}  // namespace
}  // namespace belay::rules
