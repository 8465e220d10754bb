// What stays and what begins anew when a running engine takes another plan.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;

constexpr SourceId kNew{4};

constexpr const char* kErrors = "error rate > 5% over 10s, min 20 requests, for 5s";
Rule errors() { return make_rule("errors", kErrors); }
Rule quiet() { return make_rule("quiet", "requests rate < 1/s over 30s"); }

std::vector<SourceId> ids_of(const Plan& plan) {
  std::vector<SourceId> ids;
  for (std::size_t i = 0; i < plan.sources.size(); ++i)
    ids.push_back(SourceId{static_cast<std::uint32_t>(i)});
  return ids;
}

Status adopt(EngineRig& rig, const Plan& plan) { return rig.engine.adopt(plan, ids_of(plan)); }

RolloutStarted gate_at(Instant at) {
  return {.at = at, .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = 5min};
}

TEST(Adopt, ARuleThatStaysFiresWhenItWouldHaveFired) {
  const auto time_to_fire = [](bool is_changed) {
    EngineRig rig({errors()});
    rig.stream("bad", 20, {.version = "v1", .status = 500});
    rig.run(4s);
    if (is_changed) {
      EXPECT_TRUE(adopt(rig, EngineRig::plan_of({quiet(), errors()})).ok());
    }
    return rig.time_to_fire("errors", 1min);
  };
  ASSERT_TRUE(time_to_fire(false));
  EXPECT_EQ(time_to_fire(true), time_to_fire(false));
}

TEST(Adopt, ARuleThatFiresGoesOnAndIsToldOnce) {
  EngineRig rig({errors()});
  rig.stream("bad", 20, {.version = "v1", .status = 500});
  ASSERT_TRUE(rig.time_to_fire("errors", 1min));
  ASSERT_TRUE(adopt(rig, EngineRig::plan_of({errors(), quiet()})).ok());
  EXPECT_TRUE(rig.rule("errors").firing);
  rig.run(1min);
  EXPECT_TRUE(rig.rule("errors").firing);
  EXPECT_EQ(rig.notices_of(Notice::Kind::fired).size(), 1U);
}

TEST(Adopt, ANewRuleKnowsNothingOfBefore) {
  EngineRig rig({errors()});
  rig.stream("good", 20, {.version = "v1"});
  rig.run(1min);
  ASSERT_TRUE(adopt(rig, EngineRig::plan_of({errors(), quiet()})).ok());
  rig.run(5s);
  EXPECT_EQ(rig.rule("quiet").truth, Truth::unknown) << "its empty window is no lack of requests";
  EXPECT_EQ(rig.rule("quiet").unknown, UnknownKind::warming);
  rig.run(30s);
  EXPECT_EQ(rig.rule("quiet").truth, Truth::fine);
}

TEST(Adopt, AnotherThresholdIsJudgedOnTheSameWindow) {
  EngineRig rig({errors()});
  rig.stream("bad", 20, {.version = "v1", .status = 500});
  rig.run(15s);
  const Rule stricter = make_rule("errors", "error rate > 4% over 10s, min 20 requests, for 1s");
  ASSERT_TRUE(adopt(rig, EngineRig::plan_of({stricter})).ok());
  rig.run(1s);
  EXPECT_EQ(rig.rule("errors").truth, Truth::bad);
}

/// Until "drains" has fired, and what it does is done and verified.
void drain_once(EngineRig& rig) {
  ASSERT_TRUE(rig.time_to_fire("drains", 1min));
  rig.run(1s);
  ASSERT_EQ(rig.orders.size(), 1U);
  rig.push(ActionOutcome{
      .at = rig.now(), .intent = rig.orders[0].intent, .phase = ActionOutcome::Phase::applied});
  rig.run(1min);
}

TEST(Adopt, ARuleThatActedDoesNotActAgain) {
  const Rule drains = make_rule("drains", "error rate > 5% over 10s, min 20 requests", "run drain");
  Plan plan = EngineRig::plan_of({drains});
  plan.services[0].mode = Mode::enforce;
  plan.services[0].verify_for = 5s;
  plan.services[0].cooldown = 0s;
  EngineRig rig(plan);
  rig.stream("bad", 20, {.version = "v1", .status = 500});
  ASSERT_NO_FATAL_FAILURE(drain_once(rig));
  plan.services[0].rules.push_back(quiet());
  ASSERT_TRUE(adopt(rig, plan).ok());
  rig.run(1min);
  EXPECT_TRUE(rig.rule("drains").firing);
  EXPECT_EQ(rig.orders.size(), 1U);
}

TEST(Adopt, AGateHoldsItOffAndNothingIsChanged) {
  EngineRig rig({}, {errors()});
  rig.stream("good", 20, {.version = "v2"});
  rig.run(1s);
  rig.push(gate_at(rig.now()));
  rig.run(1s);
  Plan other = EngineRig::plan_of({quiet()}, {errors()});
  const Status refused = adopt(rig, other);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, Error::Kind::conflict);
  EXPECT_THAT(refused.error().message, HasSubstr("shop is in a rollout"));
  EXPECT_THAT(refused.error().message, HasSubstr("`belay disarm shop --for 1h` stops all actions"))
      << "a lower mode is wanted because something is feared now";
  other = EngineRig::plan_of({quiet()}, {errors()});
  other.sources.push_back({.name = "more", .kind = SourceKind::probe, .service = "shop"});
  EXPECT_FALSE(adopt(rig, other).ok());
  rig.run(1s);
  EXPECT_EQ(rig.service().rules.size(), 1U);
  EXPECT_TRUE(rig.service().rollout);

  Plan same = EngineRig::plan_of({}, {errors()});
  same.services.push_back({.name = "till", .rules = {quiet()}});
  EXPECT_TRUE(adopt(rig, same).ok()) << "another service may come meanwhile";
  rig.run(1s);
  EXPECT_TRUE(is_judged(rig.service().rollout->state));
}

/// A gate of half a minute that passes, by `span` from its beginning.
void promote(EngineRig& rig, Duration span) {
  rig.stream("v2", 20, {.version = "v2"});
  rig.run(12s);
  RolloutStarted gate = gate_at(rig.now());
  gate.lasts = 30s;
  rig.push(gate);
  rig.run(span);
  ASSERT_EQ(rig.service().rollout->state, RolloutState::promoted);
}

TEST(Adopt, WhatWasPromotedIsWatchedOn) {
  const Rule counts = make_rule("errors", kErrors, "rollback");
  Plan plan = EngineRig::plan_of({}, {counts});
  plan.services[0].rollout.watch_for = 5min;
  EngineRig rig(plan);
  ASSERT_NO_FATAL_FAILURE(promote(rig, 35s));
  plan.services[0].cooldown = 11min;
  ASSERT_TRUE(adopt(rig, plan).ok());
  rig.stream("v2", 20, {.version = "v2", .status = 500});
  rig.run(1min);
  EXPECT_EQ(rig.notices_of(Notice::Kind::fired).size(), 1U);
  ASSERT_TRUE(adopt(rig, EngineRig::plan_of({}, {counts})).ok());
  rig.run(1s);
  EXPECT_TRUE(rig.service().rules.empty()) << "the new plan watches nothing after a promotion";
}

TEST(Adopt, ARuleThatActedAfterAPromotionDoesNotActAgain) {
  const Rule drains = make_rule("drains", "error rate > 5% over 10s, min 20 requests", "run drain");
  Plan plan = EngineRig::plan_of({drains}, {make_rule("errors", kErrors, "rollback")});
  plan.services[0].rollout.watch_for = 1h;
  plan.services[0].verify_for = 5s;
  plan.services[0].cooldown = 1s;
  EngineRig rig(plan);
  ASSERT_NO_FATAL_FAILURE(promote(rig, 35s));
  rig.stream("v2", 20, {.version = "v2", .status = 500});
  ASSERT_NO_FATAL_FAILURE(drain_once(rig));
  plan.services[0].cooldown = 2s;
  ASSERT_TRUE(adopt(rig, plan).ok());
  rig.run(1min);
  EXPECT_TRUE(rig.rule("drains").firing);
  EXPECT_EQ(rig.orders.size(), 1U) << "what was decided on it is not decided anew";
}

TEST(Adopt, WhatWasPromotedIsWatchedOnAfterAnotherRolloutWasRefused) {
  Plan plan = EngineRig::plan_of({}, {make_rule("errors", kErrors, "rollback")});
  plan.services[0].rollout.watch_for = 1h;
  EngineRig rig(plan);
  ASSERT_NO_FATAL_FAILURE(promote(rig, 35s));
  rig.push(RolloutStarted{.at = rig.now(),
                          .service = "shop",
                          .candidate = "v3",
                          .baseline = "v2",
                          .is_driving = true,
                          .mode = Mode::recommend});
  rig.run(1s);
  ASSERT_EQ(rig.service().rollout->state, RolloutState::inconclusive);
  plan.services[0].cooldown = 11min;
  ASSERT_TRUE(adopt(rig, plan).ok());
  rig.stream("v2", 20, {.version = "v2", .status = 500});
  EXPECT_TRUE(rig.time_to_fire("errors", 1min));
}

TEST(Adopt, AWatchThatWasOverStaysOver) {
  Plan plan = EngineRig::plan_of({}, {make_rule("errors", kErrors, "rollback")});
  plan.services[0].rollout.watch_for = 1min;
  EngineRig rig(plan);
  ASSERT_NO_FATAL_FAILURE(promote(rig, 2min));
  ASSERT_TRUE(rig.service().rules.empty());
  plan.services[0].rollout.watch_for = 1h;
  ASSERT_TRUE(adopt(rig, plan).ok());
  rig.run(1s);
  EXPECT_TRUE(rig.service().rules.empty());
}

TEST(Adopt, AnActionOnItsWayHoldsItOff) {
  Plan plan = EngineRig::plan_of({make_rule("drains", "error rate > 5% over 10s", "run drain")});
  plan.services[0].mode = Mode::enforce;
  EngineRig rig(plan);
  rig.stream("bad", 20, {.version = "v1", .status = 500});
  ASSERT_TRUE(rig.time_to_fire("drains", 1min));
  rig.run(1s);
  plan.services[0].rules.push_back(quiet());
  EXPECT_THAT(adopt(rig, plan).error().message, HasSubstr("has an action on its way"));
}

TEST(Adopt, ASourceThatIsLeftOutIsNotHeardAnyMore) {
  const Rule failing = make_rule("failing", "probe healthz fails 3 of 5");
  EngineRig rig({failing});
  for (int i = 0; i < 5; ++i) {
    rig.push(Probe{.source = EngineRig::kProbe, .at = rig.now(), .failure = ProbeFailure::refused});
    rig.run(1s);
  }
  ASSERT_TRUE(rig.rule("failing").firing);
  Plan plan = EngineRig::plan_of({failing});
  plan.sources[1].lateness = 1min;
  const std::vector<SourceId> ids = {EngineRig::kTail, kNew, EngineRig::kQueues,
                                     EngineRig::kScrape};
  plan.sources.resize(4);
  ASSERT_TRUE(rig.engine.adopt(plan, ids).ok());
  rig.set_alive(kNew, true);
  rig.push(Probe{.source = EngineRig::kProbe, .at = rig.now(), .failure = ProbeFailure::refused});
  rig.run(1s);
  EXPECT_TRUE(rig.service().probes.empty()) << "what the old one had seen is gone with it";
  EXPECT_EQ(rig.rule("failing").truth, Truth::unknown);
  for (int i = 0; i < 5; ++i) {
    rig.push(Probe{.source = kNew, .at = rig.now()});
    rig.run(1s);
  }
  EXPECT_EQ(rig.rule("failing").truth, Truth::fine);
  EXPECT_EQ(rig.service().probes.size(), 1U);
}

TEST(Adopt, AServiceMayComeAndGo) {
  EngineRig rig({errors()});
  rig.stream("bad", 20, {.service = "till", .version = "v1", .status = 500});
  rig.run(20s);
  Plan plan = EngineRig::plan_of({});
  for (SourcePlan& source : plan.sources) source.service.clear();
  plan.services = {{.name = "till", .aliases = {"kasse"}, .rules = {errors()}}};
  ASSERT_TRUE(
      rig.engine
          .adopt(plan, std::vector<SourceId>{SourceId{4}, SourceId{5}, SourceId{6}, SourceId{7}})
          .ok());
  rig.set_alive(kNew, true);
  rig.run(1s);
  EXPECT_EQ(rig.engine.snapshot().services.size(), 1U);
  EXPECT_EQ(rig.engine.snapshot().services[0].name, "till");
  rig.push(TextDefined{.source = kNew, .id = TextId{1}, .text = "kasse"});
  for (int i = 0; i < 120; ++i) {
    for (int j = 0; j < 10; ++j)
      rig.push(Request{.source = kNew, .service = TextId{1}, .at = rig.now(), .status = 500});
    rig.run(250ms);
  }
  EXPECT_TRUE(rig.service("till").rules.at(0).firing);
}

}  // namespace
}  // namespace belay::rules
