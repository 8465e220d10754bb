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

}  // namespace
}  // namespace belay::rules
