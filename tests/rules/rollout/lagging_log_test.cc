// The default judgement by logs that come minutes late, as those of Logpush do.

#include <gtest/gtest.h>

#include "tests/rules/rollout/default_rollout.h"

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
  constexpr SourceId kEdge{4};
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
  constexpr SourceId kEdge{4};
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
  constexpr SourceId kEdge{4};
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

}  // namespace
}  // namespace belay::rules
