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

}  // namespace
}  // namespace belay::rules
