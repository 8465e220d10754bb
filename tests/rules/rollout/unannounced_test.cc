// Deployments that nobody announced, where they are to be judged as well.

#include <algorithm>

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

/// The journal of a life in which v1 was promoted, long ago.
Remembered promoted_v1() {
  Remembered remembered;
  remembered.last_good["shop"] = "v1";
  return remembered;
}

/// v2 began to be judged in the life before; `state` was the last that is known of it.
Remembered judged_v2(RolloutState state) {
  Remembered remembered = promoted_v1();
  RememberedRollout rollout;
  rollout.started = {.at = EngineRig::kStart - 50h,
                     .service = "shop",
                     .candidate = "v2",
                     .baseline = "v1",
                     .id = "r2",
                     .steps = *parse_steps("10% for 10m, 100%"),
                     .mode = Mode::enforce};
  rollout.at = EngineRig::kStart - 1h;
  rollout.step_started = rollout.at;
  rollout.state = state;
  remembered.rollouts.push_back(rollout);
  return remembered;
}

Deployment only(const std::string& version, Instant at) {
  return {.service = "shop", .at = at, .id = "only " + version, .versions = {{version, 100}}};
}

/// The life after it; `version` has been deployed with all of the traffic meanwhile.
EngineRig restarted(const Remembered& remembered, const std::string& version) {
  EngineRig rig(plan_of("100% for 10m"), remembered);
  rig.push(only(version, rig.now()));
  rig.run(2s);
  return rig;
}

Remembered promoted_v1_today() {
  Remembered remembered = judged_v2(RolloutState::promoted);
  remembered.rollouts[0].started.candidate = "v1";
  remembered.rollouts[0].started.baseline = "v0";
  remembered.rollouts[0].verdict = Outcome::pass;
  return remembered;
}

TEST(Unannounced, WhatMayHaveBeenThereForLongIsToldAndNotJudged) {
  EngineRig rig = restarted(promoted_v1(), "v2");
  rig.run(30s);
  rig.push(only("v2", rig.now()));
  rig.run(32s);
  rig.push(only("v2", rig.now()));
  rig.run(1s);
  EXPECT_FALSE(rig.service().rollout);
  const std::vector<Notice> told = rig.notices_of(Notice::Kind::not_acted);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(told[0].headline.find("it may have been there for long"), std::string::npos);
}

TEST(Unannounced, WhatALifeFindsBesideMostOfTheTrafficIsNoNews) {
  EngineRig rig(plan_of("100% for 10m"), promoted_v1_today());
  rig.push(Deployment{
      .service = "shop", .at = rig.now(), .id = "d", .versions = {{"v1", 95}, {"v9", 5}}});
  rig.run(2s);
  EXPECT_EQ(rollout(rig).candidate, "v1");
}

TEST(Unannounced, WhatWasDeployedWhileBelayWasDownIsJudged) {
  EngineRig rig = restarted(promoted_v1_today(), "v2");
  ASSERT_TRUE(rig.service().rollout);
  EXPECT_EQ(rollout(rig).candidate, "v2");
  EXPECT_EQ(rollout(rig).baseline, "v1");
  rig.stream("v2", 20, {.version = "v2"});
  rig.run(15s);
  rig.stream("v2", 20, {.version = "v2", .status = 500});
  rig.run(20s);
  ASSERT_EQ(rig.orders.size(), 1U);
  EXPECT_EQ(std::get<RollBack>(rig.orders[0].action).target, "v1");
}

TEST(Unannounced, WhatTheJournalKnowsOrKnewNothingOfIsNotJudgedAnewByARestart) {
  EXPECT_FALSE(restarted({}, "v2").service().rollout) << "a first start";
  EXPECT_FALSE(restarted(promoted_v1(), "v1").service().rollout);
  for (const RolloutState state :
       {RolloutState::inconclusive, RolloutState::aborted, RolloutState::failed}) {
    const EngineRig rig = restarted(judged_v2(state), "v2");
    EXPECT_EQ(rollout(rig).id, "r2") << name_of(state);
    EXPECT_TRUE(rig.notices_of(Notice::Kind::rollout_started).empty()) << name_of(state);
  }
}

TEST(Unannounced, WhatReplacedARolloutWhileBelayWasDownIsJudgedInItsPlace) {
  EngineRig rig = restarted(judged_v2(RolloutState::baking), "v3");
  ASSERT_EQ(rig.service().past.size(), 1U);
  EXPECT_EQ(rig.service().past[0].state, RolloutState::superseded);
  EXPECT_EQ(rollout(rig).candidate, "v3");
  EXPECT_EQ(rollout(rig).baseline, "v1");
  EngineRig same = restarted(judged_v2(RolloutState::baking), "v2");
  EXPECT_EQ(rollout(same).id, "r2");
  EXPECT_EQ(rollout(same).state, RolloutState::baking);
}

/// Of the deployments that were told, and not judged.
std::vector<Notice> told(const EngineRig& rig) { return rig.notices_of(Notice::Kind::not_acted); }

TEST(Unannounced, WithoutAttachItIsToldOnceAndNotJudged) {
  Plan plan = plan_of("100% for 10m");
  plan.services[0].rollout.is_attached_by_itself = false;
  EngineRig rig(plan);
  traffic(rig);
  for (int i = 0; i < 100; ++i) {
    rig.push(split(rig.now(), i < 10 ? 0 : 100));
    rig.run(2s);
  }
  EXPECT_FALSE(rig.service().rollout);
  ASSERT_EQ(told(rig).size(), 1U);
  EXPECT_EQ(told(rig)[0].headline,
            "shop: v2 at 100%, which nobody announced: not judged (`attach: true` would)");
  EXPECT_FALSE(told(rig)[0].page);
  const auto is_of_it = [](const JournalEntry& entry) {
    return entry.kind == JournalEntry::Kind::notice &&
           entry.text.find("nobody announced") != std::string::npos;
  };
  EXPECT_EQ(std::count_if(rig.journal.begin(), rig.journal.end(), is_of_it), 1);
}

TEST(Unannounced, WhatIsAnnouncedWithinAMinuteOrGoesAgainIsNotTold) {
  Plan plan = plan_of("100% for 10m");
  plan.services[0].rollout.is_attached_by_itself = false;
  EngineRig announced(plan);
  EngineRig taken_back(plan, promoted_v1());
  for (EngineRig* rig : {&announced, &taken_back}) {
    rig->push(split(rig->now(), 0));
    rig->run(2s);
    rig->push(split(rig->now(), 100));
    rig->run(30s);
  }
  announced.push(RolloutStarted{.at = announced.now(),
                                .service = "shop",
                                .candidate = "v2",
                                .steps = *parse_steps("100% for 20s")});
  for (int i = 0; i < 60; ++i) {
    announced.push(split(announced.now(), 100));
    taken_back.push(split(taken_back.now(), 0));
    announced.run(2s);
    taken_back.run(2s);
  }
  EXPECT_TRUE(told(announced).empty());
  EXPECT_TRUE(told(taken_back).empty());
}

TEST(Unannounced, WithoutAttachWhatCameWhileBelayWasDownIsToldToo) {
  Plan plan = plan_of("100% for 10m");
  plan.services[0].rollout.is_attached_by_itself = false;
  EngineRig rig(plan, promoted_v1());
  for (int i = 0; i < 40; ++i) {
    rig.push(only("v2", rig.now()));
    rig.run(2s);
  }
  EXPECT_EQ(told(rig).size(), 1U);
  EXPECT_FALSE(rig.service().rollout);
}

}  // namespace
}  // namespace belay::rules
