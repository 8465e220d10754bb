// Failed requests in a service's own log that name another service, which nobody knows.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/rollout/default_rollout.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;

/// The gate's end, of good versions, beside so many requests a second of `version` that name
/// `service`.
RolloutStatus ended(const char* service, const char* version, int failed, int good = 0) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  rig.run(20s);
  rig.push(gate(rig.now()));
  rig.stream("failed", failed, {.service = service, .version = version, .status = 500});
  rig.stream("good", good, {.service = service, .version = version});
  rig.run(2min + 20s);
  EXPECT_TRUE(rig.orders.empty());
  return rollout(rig);
}

TEST(Misnamed, WhatFailsUnderANameThatNobodyKnowsMayBeTheCandidates) {
  for (const char* version : {"v2", "", "v7"}) {
    const RolloutStatus held = ended("shop-edge", version, 3);
    EXPECT_EQ(held.state, RolloutState::inconclusive) << version;
    EXPECT_THAT(held.why, HasSubstr("360 failed requests name a service that belay.yaml does not "
                                    "know: nobody knows whose they are, and if they were v2's, "));
  }
}

TEST(Misnamed, ANeighbourInTheSameFileIsNone) {
  for (const char* version : {"", "v7"})
    EXPECT_EQ(ended("neighbour", version, 3, /*good=*/9).state, RolloutState::promoted) << version;
  EXPECT_EQ(ended("neighbour", "v2", 3, /*good=*/40).state, RolloutState::promoted);
  EXPECT_EQ(ended("neighbour", "v1", 3).state, RolloutState::promoted);
}

TEST(Misnamed, OfThoseThatNameTheCandidateHalfNeedNotFail) {
  EXPECT_EQ(ended("shop-edge", "v2", 9, /*good=*/11).state, RolloutState::inconclusive);
}

/// The gate's end, beside ten misnamed requests a second of each version, so many of which fail.
RolloutState beside(int of_candidate, int of_baseline) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  rig.run(20s);
  rig.push(gate(rig.now()));
  const auto stream = [&](const char* version, int failed) {
    const Alike alike{.service = "shop-edge", .version = version};
    Alike failing = alike;
    failing.status = 500;
    rig.stream(std::string("failed ") + version, failed, failing);
    rig.stream(std::string("good ") + version, 10 - failed, alike);
  };
  stream("v2", of_candidate);
  stream("v1", of_baseline);
  rig.run(2min + 20s);
  EXPECT_TRUE(rig.orders.empty());
  return rollout(rig).state;
}

TEST(Misnamed, WhatFailsAsOftenUnderTheBaselineIsNoNews) {
  EXPECT_EQ(beside(4, 3), RolloutState::promoted);
  EXPECT_EQ(beside(4, 1), RolloutState::inconclusive);
  EXPECT_EQ(beside(4, 0), RolloutState::inconclusive);
  EXPECT_EQ(beside(10, 10), RolloutState::inconclusive) << "the error handler of both";
}

/// A neighbour that names `version` fails three times a second before the gate, and then so often.
RolloutState beside_a_neighbour(const char* version, int then) {
  EngineRig rig(plan_by_default());
  rig.stream("v1", 40, {.version = "v1"});
  const Alike failing{.service = "cronjob", .version = version, .status = 500};
  rig.stream("failed", 3, failing);
  rig.run(70s);
  traffic(rig, 200);
  rig.push(gate(rig.now()));
  rig.stream("failed", then, failing);
  rig.run(2min + 20s);
  return rollout(rig).state;
}

TEST(Misnamed, ANeighbourThatFailedBeforeIsUsual) {
  for (const char* version : {"", "v7"}) {
    EXPECT_EQ(beside_a_neighbour(version, 3), RolloutState::promoted) << version;
    EXPECT_EQ(beside_a_neighbour(version, 9), RolloutState::inconclusive) << version;
  }
  EXPECT_EQ(beside_a_neighbour("v2", 3), RolloutState::inconclusive);
}

TEST(Misnamed, OneFailureBeforeMakesNothingUsual) {
  EngineRig rig(plan_by_default());
  rig.stream("v1", 40, {.version = "v1"});
  rig.run(10s);
  rig.push(rig.request({.service = "shop-edge", .status = 500}, rig.now()));
  rig.run(70s);
  traffic(rig, 200);
  rig.stream("failed", 9, {.service = "shop-edge", .status = 500});
  rig.push(gate(rig.now()));
  rig.run(2min + 20s);
  EXPECT_EQ(rollout(rig).state, RolloutState::inconclusive) << rollout(rig).why;
}

TEST(Misnamed, WhatFailsInTheLastTwoMinutesIsNotMadeSmallByAllThatWasBefore) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  rig.run(20s);
  rig.push(gate(rig.now(), 30min));
  rig.run(28min);
  rig.stream("failed", 3, {.service = "shop-edge", .version = "v2", .status = 500});
  rig.run(2min + 30s);
  EXPECT_EQ(rollout(rig).state, RolloutState::inconclusive) << rollout(rig).why;
}

TEST(Misnamed, CapitalsDoNotMakeAnotherService) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  rig.run(20s);
  rig.push(gate(rig.now()));
  rig.stream("failed", 9, {.service = "SHOP", .version = "v2", .status = 500});
  rig.run(1min);
  EXPECT_EQ(rig.orders.size(), 1U) << rollout(rig).why;
}

TEST(Misnamed, AStepHasItsOwnAfterItsWarmUp) {
  for (const Duration from : {Duration{0s}, Duration{12s}}) {
    Plan plan = plan_by_default();
    plan.services[0].rollout.warm_up = 10s;
    EngineRig rig(plan);
    traffic(rig, 200);
    rig.run(20s);
    rig.push(gate(rig.now()));
    rig.run(from);
    rig.stream("failed", 9, {.service = "shop-edge", .version = "v2", .status = 500});
    rig.run(9s);
    rig.stream("failed", 0);
    rig.run(2min + 15s - from);
    EXPECT_EQ(rollout(rig).state, from == 0s ? RolloutState::promoted : RolloutState::inconclusive)
        << rollout(rig).why;
  }
}

TEST(Misnamed, WhatAnEarlierStepHadIsNotHeldAgainstTheNext) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  rig.run(20s);
  RolloutStarted started = gate(rig.now(), 0s);
  started.steps = {{.percent = 20, .bake = 1min, .bake_max = 20min},
                   {.percent = 100, .bake = 1min, .bake_max = 20min}};
  rig.push(started);
  rig.push(Deployment{
      .service = "shop", .at = rig.now(), .id = "d", .versions = {{"v1", 80}, {"v2", 20}}});
  rig.stream("failed", 9, {.service = "shop-edge", .version = "v2", .status = 500});
  rig.run(90s);
  EXPECT_EQ(rollout(rig).step, 0U) << rollout(rig).why;
  rig.stream("failed", 0);
  rig.push(Deployment{.service = "shop", .at = rig.now(), .id = "e", .versions = {{"v2", 100}}});
  rig.stream("v1", 0);
  rig.run(3min);
  EXPECT_EQ(rollout(rig).state, RolloutState::promoted) << rollout(rig).why;
}

TEST(Misnamed, CapitalsMatterWhereTwoServicesDifferInNothingElse) {
  Plan plan = EngineRig::plan_of({});
  plan.services.push_back({.name = "Shop"});
  EngineRig rig(plan);
  rig.run(1s);
  for (const char* name : {"shop", "Shop", "SHOP"})
    rig.push(rig.request({.service = name}, rig.now()));
  rig.run(250ms);
  EXPECT_EQ(rig.service("shop").series.at(0).requests, 1U);
  EXPECT_EQ(rig.service("Shop").series.at(0).requests, 1U);
  EXPECT_EQ(rig.source("tail").rejected_total.at("unknown_service"), 1U);
}

/// What is told at the end of the watch over the rollback of a bad v2; before it and in it, v1
/// fails so often a second under a name that nobody knows, and all the time v2 does.
Notice::Kind told_after(int before, int restored, int settling = 0, int candidate = 0) {
  Plan plan = plan_by_default();
  plan.services[0].verify_for = 40s;
  EngineRig rig(plan);
  traffic(rig, 200);
  rig.run(20s);
  rig.push(gate(rig.now()));
  traffic(rig, 500);
  const Alike misnamed{.service = "shop-edge", .version = "v1", .status = 500};
  rig.stream("misnamed", before, misnamed);
  rig.stream("candidate", candidate, {.service = "shop-edge", .version = "v2", .status = 500});
  for (int i = 0; i < 100 && rig.orders.empty(); ++i) rig.run(1s);
  if (rig.orders.size() != 1) {
    ADD_FAILURE() << rollout(rig).why;
    return Notice::Kind::not_acted;
  }
  rig.push(ActionOutcome{
      .at = rig.now(), .intent = rig.orders.back().intent, .phase = ActionOutcome::Phase::applied});
  rig.stream("v2", 0);
  rig.stream("misnamed", settling, misnamed);
  rig.run(9s);
  rig.stream("misnamed", restored, misnamed);
  rig.run(51s);
  for (const Notice::Kind kind :
       {Notice::Kind::recovered, Notice::Kind::inconclusive, Notice::Kind::not_recovered})
    if (!rig.notices_of(kind).empty()) return kind;
  return Notice::Kind::not_acted;
}

TEST(Misnamed, WhatWasPutBackIsNotCalledWellBesideThem) {
  EXPECT_EQ(told_after(0, 0), Notice::Kind::recovered);
  EXPECT_EQ(told_after(0, 30), Notice::Kind::inconclusive);
  EXPECT_EQ(told_after(0, 1), Notice::Kind::recovered) << "one in forty-one";
  EXPECT_EQ(told_after(30, 0), Notice::Kind::recovered);
  EXPECT_EQ(told_after(0, 0, /*settling=*/30), Notice::Kind::recovered);
  EXPECT_EQ(told_after(0, 30, 0, /*candidate=*/5), Notice::Kind::inconclusive)
      << "that what was replaced fails excuses nothing";
  EXPECT_EQ(told_after(0, 0, 0, /*candidate=*/5), Notice::Kind::recovered);
}

}  // namespace
}  // namespace belay::rules
