// Failed requests that name neither version of the rollout, and probes of a version that is not
// there.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/rollout/default_rollout.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;

/// The gate's end, of good versions, where `name` fails so often a second before and in the gate.
RolloutStatus ended(const char* name, int before, int since, int good_besides = 0,
                    Duration watched = 70s) {
  EngineRig rig(plan_by_default());
  rig.stream("v1", 40, {.version = "v1"});
  rig.stream("others", good_besides, {.version = name});
  rig.stream("strays", before, {.version = name, .status = 500});
  rig.run(watched);
  traffic(rig, 200);
  rig.stream("strays", since, {.version = name, .status = 500});
  rig.push(gate(rig.now()));
  rig.run(2min + 20s);
  EXPECT_TRUE(rig.orders.empty());
  return rollout(rig);
}

TEST(Strays, WhatFailsWithoutANameMayBeTheCandidates) {
  for (const char* name : {"", "edge"}) {
    const RolloutStatus held = ended(name, /*before=*/0, /*since=*/3);
    EXPECT_EQ(held.state, RolloutState::inconclusive) << name;
    EXPECT_THAT(held.why, HasSubstr("failed requests name neither version: nobody knows whose"));
    EXPECT_EQ(ended(name, 3, 3).state, RolloutState::promoted) << "as before";
    EXPECT_EQ(ended(name, 0, 0, /*good_besides=*/9).state, RolloutState::promoted) << name;
  }
}

TEST(Strays, WhatHasFailedSinceTheCandidateCameIsNotUsual) {
  EngineRig rig(plan_by_default());
  rig.stream("v1", 40, {.version = "v1"});
  rig.run(70s);
  traffic(rig, 200);
  rig.stream("strays", 3, {.status = 502});
  rig.run(75s);
  rig.push(gate(rig.now()));
  rig.run(2min + 20s);
  EXPECT_EQ(rollout(rig).state, RolloutState::inconclusive) << rollout(rig).why;
}

TEST(Strays, WhatFailsAllTheTimeIsUsualToAVersionThatIsThereForLong) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  rig.stream("strays", 1, {.status = 502});
  rig.run(12min);
  rig.push(gate(rig.now()));
  rig.run(2min + 20s);
  EXPECT_EQ(rollout(rig).state, RolloutState::promoted) << rollout(rig).why;
}

TEST(Strays, WhatFailsInTheLastTwoMinutesIsNotMadeSmallByAllThatWasBefore) {
  for (const Duration lag : {Duration{0s}, Duration{110s}}) {
    Plan plan = plan_by_default();
    plan.sources[0].lateness = 5min;
    EngineRig rig(plan);
    rig.run(3min);
    for (int second = 0; second < 2000; ++second) {
      if (second == 100) rig.push(gate(rig.now(), 30min));
      const Instant at = rig.now() - lag;
      for (const char* version : {"v1", "v1", "v1", "v1", "v2", "v2"})
        rig.push(rig.request({.version = version}, at));
      if (second > 1780) rig.push(rig.request({.status = 502}, at));
      rig.run(1s);
    }
    EXPECT_EQ(rollout(rig).state, RolloutState::inconclusive) << rollout(rig).why;
    EXPECT_THAT(rollout(rig).why, HasSubstr("in the last 2m, "));
  }
}

TEST(Strays, WorseThanBeforeIsNotAsBefore) {
  EXPECT_EQ(ended("", 1, 5).state, RolloutState::inconclusive);
}

TEST(Strays, WhatAVersionThatIsGoneHasFailedIsNotUsual) {
  EngineRig rig(plan_by_default());
  rig.stream("v1", 40, {.version = "v1"});
  rig.stream("old", 10, {.version = "v0", .status = 500});
  rig.run(70s);
  rig.stream("old", 0);
  traffic(rig, 200);
  rig.stream("strays", 3, {.status = 502});
  rig.push(gate(rig.now()));
  rig.run(2min + 20s);
  EXPECT_EQ(rollout(rig).state, RolloutState::inconclusive) << rollout(rig).why;
}

TEST(Strays, WhereNobodyKnowsWhatWasBeforeMostOfThemMustFail) {
  EXPECT_EQ(ended("", 0, 3, /*good_besides=*/9, 5s).state, RolloutState::promoted);
  EXPECT_EQ(ended("", 0, 3, /*good_besides=*/2, 5s).state, RolloutState::inconclusive);
}

TEST(Strays, WhatBreaksInTheWarmUpIsForgiven) {
  for (const Duration lasts : {5s, 60s}) {
    Plan plan = plan_by_default();
    plan.services[0].rollout.warm_up = 10s;
    EngineRig rig(plan);
    traffic(rig, 200);
    rig.run(70s);
    rig.push(gate(rig.now()));
    rig.stream("strays", 20, {.status = 502});
    rig.run(lasts);
    rig.stream("strays", 0);
    rig.run(140s - lasts);
    EXPECT_EQ(rollout(rig).state, lasts == 5s ? RolloutState::promoted : RolloutState::inconclusive)
        << rollout(rig).why;
  }
}

TEST(Strays, WithRulesOfOnesOwnTheyAreNoPassEither) {
  for (const int strays : {0, 3}) {
    EngineRig rig(
        EngineRig::plan_of({}, {make_rule("errors", "error rate > 5% over 30s", "rollback")}));
    traffic(rig, 200);
    rig.run(60s);
    rig.stream("strays", strays, {.status = 500});
    rig.push(gate(rig.now()));
    rig.run(2min + 20s);
    EXPECT_EQ(rollout(rig).state, strays == 0 ? RolloutState::promoted : RolloutState::inconclusive)
        << rollout(rig).why;
  }
}

/// A gate for v22, whose probe fails, while v1 and v2 have the traffic; `live` by the platform.
std::size_t rollbacks_of_v22(const std::vector<Deployment::Share>& live, bool is_seen,
                             RolloutStatus& left) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  if (is_seen) rig.stream("v22", 1, {.version = "v22"});
  rig.run(20s);
  if (!live.empty())
    rig.push(Deployment{.service = "shop", .at = rig.now(), .id = "d", .versions = live});
  RolloutStarted typo = gate(rig.now());
  typo.candidate = "v22";
  rig.push(typo);
  rig.run(2s);
  for (int i = 0; i < 6; ++i) {
    for (const char* version : {"v22", "v1"})
      rig.push(Probe{.source = EngineRig::kProbe,
                     .version = rig.text(EngineRig::kProbe, version),
                     .at = rig.now(),
                     .failure = std::string_view(version) == "v22" ? ProbeFailure::status
                                                                   : ProbeFailure::none});
    rig.run(5s);
  }
  left = rollout(rig);
  return rig.orders.size();
}

TEST(Strays, NothingIsTakenBackFromAVersionThatIsNotThere) {
  RolloutStatus left;
  EXPECT_EQ(rollbacks_of_v22({}, /*is_seen=*/false, left), 0U) << "v2 would lose its traffic";
  EXPECT_EQ(left.state, RolloutState::held);
  EXPECT_EQ(rollbacks_of_v22({{"v1", 80}, {"v2", 20}}, /*is_seen=*/true, left), 0U);
  EXPECT_EQ(rollbacks_of_v22({}, /*is_seen=*/true, left), 1U);
  EXPECT_EQ(rollbacks_of_v22({{"v1", 80}, {"v22", 20}}, /*is_seen=*/false, left), 1U)
      << "it may crash before it logs";
}

/// `third`: has traffic beside the baseline, all of which has `status`.
TEST(Strays, WhatCrashesAtOnceIsTakenBackBesideWhatIsNoDeploymentOfNow) {
  struct Beside {
    const char* third;
    std::uint16_t status;
    Duration before;  // It comes so long before the rollout,
    Duration gone;    // and goes so long before it.
    bool is_driving = false;
  };
  for (const Beside& beside : std::initializer_list<Beside>{{"", 200, 20s, 0s},
                                                            {"v0", 200, 2min, 1min},
                                                            {"edge", 500, 20s, 0s},
                                                            {"other", 200, 20s, 0s},
                                                            {"ab", 200, 11min, 0s},
                                                            {"v0", 200, 20s, 0s, true}}) {
    EngineRig rig(plan_by_default());
    rig.stream("v1", 40, {.version = "v1"});
    rig.run(10s);
    rig.stream("third", 5, {.version = beside.third, .status = beside.status});
    rig.run(beside.before - beside.gone);
    if (beside.gone > 0s) rig.stream("third", 0);
    rig.run(beside.gone);
    RolloutStarted started = gate(rig.now());
    started.is_driving = beside.is_driving;
    rig.push(started);
    rig.run(2s);
    if (beside.is_driving) {
      ASSERT_EQ(rig.orders.size(), 1U) << rollout(rig).why;
      rig.push(ActionOutcome{
          .at = rig.now(), .intent = rig.orders[0].intent, .phase = ActionOutcome::Phase::applied});
      rig.run(2s);
    }
    for (int i = 0; i < 4; ++i) {
      for (const char* version : {"v2", "v1"})
        rig.push(Probe{.source = EngineRig::kProbe,
                       .version = rig.text(EngineRig::kProbe, version),
                       .at = rig.now(),
                       .failure = std::string_view(version) == "v2" ? ProbeFailure::refused
                                                                    : ProbeFailure::none});
      rig.run(5s);
    }
    EXPECT_EQ(rig.orders.size(), beside.is_driving ? 2U : 1U)
        << beside.third << ": " << rollout(rig).why;
  }
}

}  // namespace
}  // namespace belay::rules
