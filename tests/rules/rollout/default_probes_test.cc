// What probes say in a rollout that the default judgement decides.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;

constexpr const char* kId = "11111111-1111-4111-8111-111111111111";

Plan plan_of() {
  Plan plan = EngineRig::plan_of({}, {});
  plan.services[0].rollout.is_judged_by_default = true;
  return plan;
}

RolloutStarted gate(Instant at, Duration lasts = 2min) {
  return {
      .at = at, .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = lasts, .id = kId};
}

void traffic(EngineRig& rig, std::uint16_t of_candidate) {
  rig.stream("v1", 40, {.version = "v1"});
  rig.stream("v2", 10, {.version = "v2", .route = "/buy", .status = of_candidate});
}

RolloutStatus rollout(const EngineRig& rig) { return *rig.service().rollout; }

/// `version`: empty if nobody knows which one answered.
void probe(EngineRig& rig, const char* version, bool failed) {
  rig.push(Probe{.source = EngineRig::kProbe,
                 .version = *version == '\0' ? kNoText : rig.text(EngineRig::kProbe, version),
                 .at = rig.now(),
                 .failure = failed ? ProbeFailure::timeout : ProbeFailure::none});
}

TEST(DefaultProbes, RollsBackByThreeFailedProbesOfTheCandidateInARow) {
  for (const int failed : {2, 3}) {
    EngineRig rig(plan_of());
    traffic(rig, 200);
    rig.push(gate(rig.now()));
    rig.run(2s);
    for (int i = 0; i < 3; ++i) {
      probe(rig, "v2", i < failed);
      probe(rig, "v1", false);
      rig.run(5s);
    }
    EXPECT_EQ(rig.orders.size(), failed == 3 ? 1U : 0U);
    EXPECT_EQ(rollout(rig).rule, failed == 3 ? "default/probes" : "");
    for (const Order& order : rig.orders)
      EXPECT_NE(order.reason.find("the newest failure: timeout"), std::string::npos)
          << order.reason;
  }
}

TEST(DefaultProbes, NothingPassesWhileOneFailsOfWhichNobodyKnowsTheVersion) {
  EngineRig rig(plan_of());
  traffic(rig, 200);
  rig.push(gate(rig.now()));
  for (int i = 0; i < 23; ++i) probe(rig, "", /*failed=*/true), rig.run(5s);
  EXPECT_EQ(rollout(rig).state, RolloutState::held);
  EXPECT_THAT(rollout(rig).why, HasSubstr("the last three answers of probe healthz failed, and it "
                                          "names no version"));
  EXPECT_THAT(rollout(rig).why, HasSubstr("the newest failure: timeout"));
  rig.run(10s);
  EXPECT_EQ(rollout(rig).state, RolloutState::inconclusive) << rollout(rig).why;
  EXPECT_TRUE(rig.orders.empty()) << "it may be the baseline's";
}

TEST(DefaultProbes, WhatHoldsItIsOverWhenItAnswersAgain) {
  EngineRig rig(plan_of());
  traffic(rig, 200);
  rig.push(gate(rig.now()));
  for (int i = 0; i < 3; ++i) probe(rig, "", /*failed=*/true), rig.run(5s);
  EXPECT_EQ(rollout(rig).state, RolloutState::held);
  for (int i = 0; i < 22; ++i) probe(rig, "", /*failed=*/false), rig.run(5s);
  EXPECT_EQ(rollout(rig).state, RolloutState::promoted) << rollout(rig).why;
}

TEST(DefaultProbes, TheNewestAnswersMustNotBeFailures) {
  for (const int failed : {1, 2}) {
    EngineRig rig(plan_of());
    traffic(rig, 200);
    rig.push(gate(rig.now()));
    for (int i = 0; i < 23; ++i) probe(rig, "", i >= 23 - failed), rig.run(5s);
    rig.run(7s);
    EXPECT_EQ(rollout(rig).state, failed == 1 ? RolloutState::promoted : RolloutState::inconclusive)
        << rollout(rig).why;
  }
}

TEST(DefaultProbes, AnOnlyAnswerMustNotBeAFailure) {
  for (const char* version : {"", "v2"}) {
    EngineRig rig(plan_of());
    traffic(rig, 200);
    rig.push(gate(rig.now()));
    rig.run(2s);
    probe(rig, version, /*failed=*/true);
    rig.run(2min);
    EXPECT_EQ(rollout(rig).state, RolloutState::inconclusive) << version << rollout(rig).why;
  }
}

}  // namespace
}  // namespace belay::rules
