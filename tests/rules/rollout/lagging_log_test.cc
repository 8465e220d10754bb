// The default judgement by logs that come minutes late, as those of Logpush do.

#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "tests/rules/rollout/default_rollout.h"
#include "tests/rules/rollout/late_flows.h"

namespace belay::rules {
namespace {

/// Of v2 alone, for a minute and then in a gate of four, each request told `lag` after its end.
std::size_t rollbacks(Duration lag, std::uint16_t status) {
  Plan plan = plan_by_default();
  plan.sources[0].lateness = 5min;
  EngineRig rig(plan);
  for (int second = 0; second < 300; ++second) {
    if (second == 60) rig.push(gate(rig.now(), 4min));
    const Instant at = rig.now() - lag;
    for (int i = 0; i < 20; ++i)
      rig.push(
          rig.request({.version = "v2", .status = second < 60 ? std::uint16_t{200} : status}, at));
    rig.run(1s);
  }
  return rig.orders.size();
}

TEST(LaggingLog, WhatItShowsOfAFailingCandidateIsActedOn) {
  for (const Duration lag : {Duration{0s}, Duration{45s}, Duration{130s}}) {
    EXPECT_EQ(rollbacks(lag, 500), 1U) << lag / 1s;
    EXPECT_EQ(rollbacks(lag, 200), 0U) << lag / 1s;
  }
}

/// v1 and v2 are logged as they are served; another log of the service is five minutes late.
TEST(LaggingLog, OfAnotherSourceHidesNothing) {
  Plan plan = plan_by_default();
  plan.sources[0].lateness = 5min;
  plan.sources.push_back(
      {.name = "edge", .kind = SourceKind::log, .service = "shop", .lateness = 5min});
  EngineRig rig(plan);
  traffic(rig, 200);
  rig.run(20s);
  rig.push(gate(rig.now(), 10min));
  for (int second = 0; second < 620; ++second) {
    if (second == 500) rig.stream("bad", 20, {.version = "v2", .route = "/new", .status = 500});
    rig.push(rig.request({.version = "v1"}, rig.now() - 150s, kEdge));
    rig.run(1s);
  }
  EXPECT_EQ(rig.orders.size(), 1U) << rollout(rig).why;
}

/// All of v2 is in a late log, but for its health checks.
TEST(LaggingLog, ATrickleThatIsInTimeHidesNothing) {
  Plan plan = plan_by_default();
  plan.sources[0].lateness = 5min;
  plan.sources.push_back({.name = "checks", .kind = SourceKind::log, .service = "shop"});
  constexpr SourceId kChecks{4};
  EngineRig rig(plan);
  rig.run(20s);
  rig.push(gate(rig.now(), 10min));
  for (int second = 0; second < 620; ++second) {
    for (int i = 0; i < 20; ++i)
      rig.push(rig.request({.version = "v2", .status = 500}, rig.now() - 150s));
    if (second % 4 == 0) rig.push(rig.request({.version = "v2"}, rig.now(), kChecks));
    rig.run(1s);
  }
  EXPECT_EQ(rig.orders.size(), 1U) << rollout(rig).why;
}

/// Most of v2 is logged as it is served, and one request in forty seconds late.
TEST(LaggingLog, ATrickleThatIsLateHidesNothing) {
  Plan plan = plan_by_default();
  plan.sources.push_back(
      {.name = "edge", .kind = SourceKind::log, .service = "shop", .lateness = 5min});
  EngineRig rig(plan);
  rig.run(20s);
  rig.stream("v2", 20, {.version = "v2"});
  rig.push(gate(rig.now(), 10min));
  for (int second = 0; second < 620; ++second) {
    if (second == 500) rig.stream("v2", 20, {.version = "v2", .status = 500});
    if (second % 40 == 0) rig.push(rig.request({.version = "v2"}, rig.now() - 150s, kEdge));
    rig.run(1s);
  }
  EXPECT_EQ(rig.orders.size(), 1U) << rollout(rig).why;
}

/// Two of five requests of v2 are told 150 s late, the others as they are served.
struct Halves {
  std::uint16_t late = 200;
  std::uint16_t live = 200;
  std::int64_t from = 0;  ///< So they answer from this second of the gate on, and well before.
  std::int64_t until = 1000;
};
std::size_t rollbacks_of(const Halves& halves) {
  Plan plan = plan_by_default();
  plan.sources.push_back(
      {.name = "edge", .kind = SourceKind::log, .service = "shop", .lateness = 5min});
  EngineRig rig(plan);
  const auto answer = [&](SourceId source, std::uint16_t status, Instant at, int second) {
    const bool is_well = second < halves.from || second >= halves.until;
    rig.push(rig.request({.version = "v2", .status = is_well ? std::uint16_t{200} : status}, at,
                         source));
  };
  for (int second = -60; second < 620; ++second) {
    if (second == 0) rig.push(gate(rig.now(), 10min));
    for (int i = 0; i < 12; ++i) answer(EngineRig::kTail, halves.live, rig.now(), second);
    for (int i = 0; i < 8; ++i) answer(kEdge, halves.late, rig.now() - 150s, second - 150);
    rig.run(1s);
  }
  return rig.orders.size();
}

TEST(LaggingLog, OfHalfOfItHidesNothing) {
  EXPECT_EQ(rollbacks_of({.late = 500}), 1U);
  EXPECT_EQ(rollbacks_of({.late = 500, .from = 200}), 1U);
}

TEST(LaggingLog, HidesNothingOfTheOtherHalf) {
  EXPECT_EQ(rollbacks_of({.live = 500}), 1U);
  EXPECT_EQ(rollbacks_of({.live = 500, .from = 500}), 1U);
}

TEST(LaggingLog, OfHalfOfItConvictsNobody) {
  EXPECT_EQ(rollbacks_of({}), 0U);
  // Five seconds of it are a hiccup, however often they are looked at.
  EXPECT_EQ(rollbacks_of({.late = 500, .live = 500, .from = 200, .until = 203}), 0U);
}

TEST(LaggingLog, OfSecondsBesideOneOfMinutesHidesNothing) {
  for (const Duration late : {Duration{0s}, Duration{6s}, Duration{30s}})
    EXPECT_TRUE(is_rolled_back(
        beside_gate({{.alike = {.version = "v2"}, .late = late, .bad = 490s},
                     {.alike = {}, .late = 150s, .per_second = 1, .source = kEdge}})))
        << late / 1s;
}

TEST(LaggingLog, OfMostOfItIsGoneByThoughTheSourceHasLiveOnes) {
  EXPECT_TRUE(is_rolled_back(beside_gate({{.alike = {.version = "v2"}, .late = 45s, .bad = 0s},
                                          {.alike = {.version = "v2"}, .per_second = 3}})));
}

/// What they share is no less shared where one failure, or one slow request, of the candidate is
/// usual.
/// Of each version 16 a second are told late and fine, and four live, one in ten of which fails.
TEST(LaggingLog, ThatIsHeldUpOnceIsNoneAfterwards) {
  for (const int of_v1 : {1, 20}) {
    EngineRig rig(plan_with_edge());
    const RolloutStatus ended = beside_gate(rig,
                                            {{.alike = {.version = "v1"}, .per_second = of_v1},
                                             {.alike = {.version = "v2"}, .bad = 540s}},
                                            10min, {.from = 250s, .until = 500s});
    EXPECT_TRUE(is_rolled_back(ended)) << of_v1 << ": " << ended.why;
  }
}

TEST(LaggingLog, WithFailuresThatAreNobodysHidesNone) {
  const Flow v1{.alike = {.version = "v1"}};
  const Flow v2{.alike = {.version = "v2"}, .per_second = 2};
  for (const Alike& alike : {Alike{}, Alike{.service = "shop-edge", .version = "v2"}})
    for (const Duration late : {Duration{0s}, Duration{150s}, Duration{250s}}) {
      Flow stray{
          .alike = alike, .late = late, .per_second = 1, .source = kEdge, .bad = 1700s - late};
      const Flow live{.alike = {.version = "v1"}, .late = late, .per_second = 1, .source = kEdge};
      EXPECT_EQ(beside_gate({v1, v2, stray, live}, 30min).state, RolloutState::inconclusive)
          << alike.service << " " << late / 1s;
      stray.bad.reset();
      EXPECT_EQ(beside_gate({v1, v2, stray, live}, 30min).state, RolloutState::promoted)
          << alike.service << " " << late / 1s;
    }
}

TEST(LaggingLog, HidesNoFailuresInTimeThatAreNobodys) {
  const Flow v1{.alike = {.version = "v1"}};
  const Flow v2{.alike = {.version = "v2"}, .per_second = 2};
  const Flow late{.alike = {.version = "v1"}, .late = 250s, .per_second = 1, .source = kEdge};
  for (const Alike& alike : {Alike{}, Alike{.service = "shop-edge", .version = "v2"}}) {
    const Flow stray{.alike = alike, .per_second = 1, .bad = 1700s};
    EXPECT_EQ(beside_gate({v1, v2, late, stray}, 30min).state, RolloutState::inconclusive)
        << alike.service;
  }
}

TEST(LaggingLog, OfFailuresThatAreUsualKeepsThemSo) {
  const Flow v1{.alike = {.version = "v1"}};
  const Flow v2{.alike = {.version = "v2"}, .from = 0s};
  const Flow usual{.alike = {.status = 500}, .late = 150s, .per_second = 3, .source = kEdge};
  EXPECT_EQ(beside_gate({v1, v2, usual}).state, RolloutState::promoted);
  Flow more = usual;
  more.per_second = 9;
  more.from = 0s;
  EXPECT_EQ(beside_gate({v1, v2, usual, more}).state, RolloutState::inconclusive);
}

TEST(LaggingLog, MakesNoFailuresUsualThatWereNot) {
  const Flow v1{.alike = {.version = "v1"}};
  const Flow v2{.alike = {.version = "v2"}, .from = 0s};
  const Flow edge{.alike = {.version = "v1"}, .late = 130s, .per_second = 1, .source = kEdge};
  const Flow stray{.alike = {.status = 500}, .per_second = 1};
  const Flow more{.alike = {}, .per_second = 3, .bad = 0s};
  EXPECT_EQ(beside_gate({v1, v2, edge, stray}).state, RolloutState::promoted);
  EXPECT_EQ(beside_gate({v1, v2, edge, stray, more}).state, RolloutState::inconclusive);
}

TEST(LaggingLog, LeavesWhatIsUsualKnownWhereLittleWasWatched) {
  const RolloutStatus ended =
      beside_gate({{.alike = {.version = "v1"}},
                   {.alike = {.version = "v2"}, .per_second = 5, .from = 0s},
                   {.alike = {.version = "v1"}, .late = 200s, .per_second = 1, .source = kEdge},
                   {.alike = {}, .per_second = 10},
                   {.alike = {.status = 500}, .per_second = 5, .from = 0s}});
  EXPECT_EQ(ended.state, RolloutState::inconclusive) << ended.why;
}

TEST(LaggingLog, OfInvocationsIsLookedAtAsWell) {
  std::vector<Flow> flows{{.alike = {.version = "v1"}}, {.alike = {.version = "v2"}}};
  for (const char* version : {"v1", "v2"})
    flows.push_back({.alike = {.version = version,
                               .outcome = std::string_view(version) == "v2" ? "exception" : "ok",
                               .type = Invocation::queue},
                     .late = 150s,
                     .per_second = 3,
                     .source = kEdge});
  EXPECT_EQ(beside_gate(flows).state, RolloutState::inconclusive);
}

}  // namespace
}  // namespace belay::rules
