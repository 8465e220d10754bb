// Deployments that nobody announced, where they are to be judged as well.

#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

Plan plan_of(const char* steps) {
  Plan plan = EngineRig::plan_of(
      {}, {make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s", "rollback")});
  plan.services[0].verify_for = 20s;
  plan.services[0].rollout.is_attached_by_itself = true;
  plan.services[0].rollout.steps = *parse_steps(steps);
  return plan;
}

Deployment split(Instant at, double candidate) {
  Deployment deployment{.service = "shop", .at = at, .id = "d", .versions = {}};
  if (candidate > 0) deployment.versions.push_back({"v2", candidate});
  if (candidate < 100) deployment.versions.push_back({"v1", 100 - candidate});
  return deployment;
}

void traffic(EngineRig& rig, std::uint16_t status = 200) {
  rig.stream("v1", 20, {.version = "v1"});
  rig.stream("v2", 20, {.version = "v2", .status = status});
}

RolloutStatus rollout(const EngineRig& rig) { return *rig.service().rollout; }

/// v2 got a tenth of the traffic, failed, and was rolled back from.
void roll_back(EngineRig& rig) {
  traffic(rig);
  rig.push(split(rig.now(), 0));
  rig.run(12s);
  rig.push(split(rig.now(), 10));
  rig.run(5s);
  traffic(rig, 500);
  rig.run(15s);
  ASSERT_EQ(rig.orders.size(), 1U);
  rig.push(ActionOutcome{
      .at = rig.now(), .intent = rig.orders[0].intent, .phase = ActionOutcome::Phase::applied});
  rig.stream("v2", 0);
}

TEST(Unannounced, ADeploymentIsJudgedWhereConfigured) {
  EngineRig rig(plan_of("10% for 20s, 100%"));
  traffic(rig);
  rig.push(split(rig.now(), 0));
  rig.run(12s);
  EXPECT_FALSE(rig.service().rollout);
  rig.push(split(rig.now(), 10));
  rig.run(1s);
  ASSERT_TRUE(rig.service().rollout);
  EXPECT_EQ(rollout(rig).candidate, "v2");
  EXPECT_EQ(rollout(rig).baseline, "v1");
  EXPECT_EQ(rollout(rig).state, RolloutState::baking);
}

TEST(Unannounced, WhatIsDeployedWhileARollbackIsWatchedIsJudgedWhenThatIsOver) {
  EngineRig rig(plan_of("10% for 10m, 100%"));
  ASSERT_NO_FATAL_FAILURE(roll_back(rig));
  rig.run(2s);
  Deployment hotfix = split(rig.now(), 0);
  hotfix.versions = {{"v1", 90}, {"v3", 10}};
  rig.push(hotfix);
  rig.run(22s);
  ASSERT_EQ(rollout(rig).state, RolloutState::recovered) << rollout(rig).why;
  rig.push(hotfix);
  rig.run(1s);
  EXPECT_EQ(rollout(rig).candidate, "v3");
  EXPECT_EQ(rollout(rig).baseline, "v1") << "and not what was rolled away from";
}

TEST(Unannounced, WhatWasRolledBackAndIsDeployedAgainIsJudgedAgain) {
  for (const bool is_still_watched : {false, true}) {
    Plan plan = plan_of("10% for 10m, 100%");
    plan.services[0].cooldown = 0s;
    EngineRig rig(plan);
    ASSERT_NO_FATAL_FAILURE(roll_back(rig));
    rig.run(1s);
    rig.push(split(rig.now(), 0));
    rig.run(is_still_watched ? 12s : 22s);
    traffic(rig, 500);
    for (int i = 0; i < 20; ++i) {
      Deployment again = split(rig.now(), 10);
      again.id = "again";
      rig.push(again);
      rig.run(2s);
    }
    ASSERT_EQ(rig.service().past.size(), 1U);
    EXPECT_EQ(rollout(rig).candidate, "v2");
    ASSERT_EQ(rig.orders.size(), 2U) << rollout(rig).why;
    EXPECT_EQ(std::get<RollBack>(rig.orders[1].action).target, "v1");
  }
}

TEST(Unannounced, WhoGoesBackToTheVersionBeforeBeginsNoRollout) {
  EngineRig rig(plan_of("10% for 20s, 100%"));
  traffic(rig);
  rig.push(split(rig.now(), 0));
  rig.run(12s);
  rig.push(split(rig.now(), 10));
  rig.run(25s);
  rig.push(split(rig.now(), 100));
  rig.run(2s);
  ASSERT_EQ(rollout(rig).state, RolloutState::promoted);
  rig.push(split(rig.now(), 0));
  rig.run(2s);
  EXPECT_EQ(rollout(rig).candidate, "v2") << "v1 is no candidate, and v2 nothing to go back to";
}

}  // namespace
}  // namespace belay::rules
