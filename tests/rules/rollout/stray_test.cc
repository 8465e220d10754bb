// Failed requests that name neither version of the rollout, and probes of a version that is not
// there.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/rollout/default_rollout.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;

/// The gate's end, of good versions, where `name` fails so often a second before and in the gate.
RolloutStatus ended(const char* name, int before, int since, int good_besides = 0) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  rig.stream("others", good_besides, {.version = name});
  rig.stream("strays", before, {.version = name, .status = 500});
  rig.run(60s);
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

TEST(Strays, WorseThanBeforeIsNotAsBefore) {
  EXPECT_EQ(ended("", 1, 5).state, RolloutState::inconclusive);
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

TEST(Strays, WhatCrashesBesideTheBaselineAloneIsTakenBack) {
  EngineRig rig(plan_by_default());
  rig.stream("v1", 40, {.version = "v1"});
  rig.run(20s);
  rig.push(gate(rig.now()));
  rig.run(2s);
  for (int i = 0; i < 4; ++i) {
    for (const char* version : {"v2", "v1"})
      rig.push(Probe{.source = EngineRig::kProbe,
                     .version = rig.text(EngineRig::kProbe, version),
                     .at = rig.now(),
                     .failure = std::string_view(version) == "v2" ? ProbeFailure::refused
                                                                  : ProbeFailure::none});
    rig.run(5s);
  }
  EXPECT_EQ(rig.orders.size(), 1U);
}

}  // namespace
}  // namespace belay::rules
