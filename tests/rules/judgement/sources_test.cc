#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

std::uint64_t rejected(const EngineRig& rig, const char* reason) {
  const auto& by_reason = rig.source("tail").rejected_total;
  const auto found = by_reason.find(reason);
  return found == by_reason.end() ? 0 : found->second;
}

TEST(Admission, RefusesWhatComesLateFromTheFutureTwiceOrForNobody) {
  EngineRig rig({make_rule("r", "requests rate > 1000/s over 10s")});
  rig.run(60s);
  const Instant now = rig.now();
  rig.push(rig.request({}, now - 6s));
  rig.push(rig.request({}, now + 7s));
  rig.push(rig.request({.service = "nobody"}, now));
  Request twice = rig.request({}, now);
  twice.fingerprint = 77;
  rig.push(twice);
  rig.push(twice);
  rig.push(rig.request({}, now));
  rig.run(250ms);
  EXPECT_EQ(rejected(rig, "late"), 1U);
  EXPECT_EQ(rejected(rig, "from_the_future"), 1U);
  EXPECT_EQ(rejected(rig, "unknown_service"), 1U);
  EXPECT_EQ(rejected(rig, "duplicate"), 1U);
  // Received is evaluated plus refused.
  EXPECT_EQ(rig.source("tail").events_total, 6U);
  EXPECT_EQ(rig.service().series.at(0).requests, 2U);
}

TEST(Admission, MakesServicesOnTheWayWhereThePlanAllowsAnyUpToTheCap) {
  Plan plan = EngineRig::plan_of({});
  plan.any_service = ServicePlan{.rules = {make_rule("r", "error rate > 5% over 10s")}};
  plan.services_max = 3;
  EngineRig rig(plan);
  rig.run(1s);
  for (const char* name : {"a", "b", "c", "d"}) rig.push(rig.request({.service = name}, rig.now()));
  rig.run(250ms);
  EXPECT_EQ(rig.engine.snapshot().services.size(), 3U);
  EXPECT_EQ(rejected(rig, "too_many_services"), 2U);
  EXPECT_EQ(rig.service("a").rules.size(), 1U);
}

TEST(Admission, ForgetsTheVersionThatWasNotSeenForLongestOverTheCap) {
  Plan plan = EngineRig::plan_of({});
  plan.versions_per_service_max = 2;
  EngineRig rig(plan);
  for (const char* version : {"v1", "v2", "v1", "v3"}) {
    rig.run(1s);
    rig.push(rig.request({.version = version}, rig.now()));
  }
  rig.run(1s);
  EXPECT_EQ(rig.service().versions, (std::vector<std::string>{"v1", "v3"}));
}

TEST(Sources, AreAnErrorWhenTheirClockIsWrong) {
  EngineRig rig({make_rule("r", "error rate > 5% over 10s, min 5 requests")});
  rig.stream("ok", 8);
  rig.run(20s);
  EXPECT_EQ(rig.rule("r").truth, Truth::fine);
  for (int i = 0; i < 40; ++i) rig.push(rig.request({}, rig.now() + 1min));
  rig.run(1s);
  EXPECT_EQ(rig.rule("r").truth, Truth::unknown);
  EXPECT_EQ(rig.rule("r").unknown, UnknownKind::error);
}

TEST(Sources, ThatTheProviderRefusesAreAnErrorAndThoseThatDropAreSampled) {
  EngineRig rig({make_rule("r", "error rate > 5% over 10s, min 5 requests")});
  rig.stream("ok", 8);
  rig.run(20s);
  rig.say(EngineRig::kTail, SourceHealth::sampled);
  rig.run(1s);
  EXPECT_EQ(rig.rule("r").unknown, UnknownKind::sampled);
  rig.say(EngineRig::kTail, SourceHealth::refused);
  rig.run(1s);
  EXPECT_EQ(rig.rule("r").unknown, UnknownKind::error);
}

TEST(Sources, AreLaggingWhenTheirNewestEvidenceIsOld) {
  EngineRig rig({make_rule("r", "requests rate < 1/s over 10s")});
  for (int i = 0; i < 80; ++i) {
    rig.push(rig.request({}, rig.now() - 40s));
    rig.run(250ms);
  }
  EXPECT_EQ(rig.rule("r").truth, Truth::unknown) << "there may well be requests";
  EXPECT_EQ(rig.rule("r").unknown, UnknownKind::lagging);
  EXPECT_EQ(rejected(rig, "late"), 80U);
}

TEST(Sources, ThatAreBadAreStillEnoughToBeBad) {
  EngineRig rig({make_rule("r", "error rate > 5% over 10s, min 5 requests")});
  rig.say(EngineRig::kTail, SourceHealth::sampled);
  rig.stream("bad", 8, {.status = 500});
  rig.run(3s);
  EXPECT_EQ(rig.rule("r").truth, Truth::bad);
}

TEST(Sources, AreToldWhenTheyAreLostAndWhenTheyAreBack) {
  EngineRig rig(EngineRig::plan_of({}));
  rig.run(20s);
  rig.set_alive(EngineRig::kTail, false);
  rig.run(20s);
  EXPECT_EQ(rig.notices_of(Notice::Kind::source_lost).size(), 1U);
  EXPECT_TRUE(rig.source("tail").blind);
  rig.set_alive(EngineRig::kTail, true);
  rig.run(2s);
  EXPECT_EQ(rig.notices_of(Notice::Kind::source_back).size(), 1U);
}

TEST(Sources, WithAGapInTheWindowCannotBeFine) {
  EngineRig rig({make_rule("r", "error rate > 5% over 10s, min 5 requests")});
  rig.stream("ok", 8);
  rig.run(20s);
  rig.push(SourceGap{
      .source = EngineRig::kTail, .at = rig.now(), .span = 5s, .lost = 9, .reason = "inbox_full"});
  rig.run(1s);
  EXPECT_EQ(rig.rule("r").truth, Truth::unknown);
  EXPECT_EQ(rig.rule("r").unknown, UnknownKind::blind);
  EXPECT_EQ(rig.source("tail").lost_total.at("inbox_full"), 9U);
  rig.run(15s);
  EXPECT_EQ(rig.rule("r").truth, Truth::fine);
}

}  // namespace
}  // namespace belay::rules
