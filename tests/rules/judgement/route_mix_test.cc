#include "rules/judgement/route_mix.h"

#include <gtest/gtest.h>

namespace belay::rules {
namespace {

constexpr RouteMix::Span kSpan{.candidate = 10, .baseline = 10, .end = 110};

TEST(RouteMix, WeighsTheBaselinesRoutesAsTheCandidateHasThem) {
  RouteMix mix;
  EXPECT_EQ(mix.baseline_as_candidate(kSpan), 0);
  mix.count(105, 0, Role::candidate, 97, 97);
  mix.count(105, 1, Role::candidate, 3, 0);
  EXPECT_EQ(mix.baseline_as_candidate(kSpan), 0);
  mix.count(104, 0, Role::baseline, 3, 3);
  mix.count(104, 1, Role::baseline, 7, 0);
  // A request of the average, three in ten of which failed, stands beside those of each route.
  EXPECT_NEAR(mix.baseline_as_candidate(kSpan), 0.97 * 3.3 / 4 + 0.03 * 0.3 / 8, 1e-9);
}

TEST(RouteMix, TakesTheAverageForRoutesThatTheBaselineHasNot) {
  RouteMix mix;
  mix.count(105, 0, Role::candidate, 50, 0);
  mix.count(105, 2, Role::candidate, 50, 50);
  mix.count(105, 0, Role::baseline, 10, 1);
  EXPECT_NEAR(mix.baseline_as_candidate(kSpan), 0.1, 1e-9);
}

TEST(RouteMix, LooksAtItsSecondsOnly) {
  RouteMix mix;
  mix.count(99, 0, Role::candidate, 50, 0);
  mix.count(110, 0, Role::candidate, 50, 0);
  mix.count(101, 0, Role::baseline, 10, 10);
  EXPECT_EQ(mix.baseline_as_candidate(kSpan), 0);
  mix.count(100, 0, Role::candidate, 1, 0);
  EXPECT_NEAR(mix.baseline_as_candidate(kSpan), 1, 1e-9);
  mix.count(99, 0, Role::baseline, 30, 0);
  EXPECT_NEAR(mix.baseline_as_candidate(kSpan), 1, 1e-9);
  EXPECT_LT(mix.baseline_as_candidate({.candidate = 10, .baseline = 60, .end = 110}), 0.3);
  mix.count(100 + 512, 0, Role::candidate, 1, 0);
  EXPECT_EQ(mix.baseline_as_candidate(kSpan), 0) << "forgotten";
  mix.count(100, 0, Role::candidate, 1, 0);
  EXPECT_EQ(mix.baseline_as_candidate(kSpan), 0) << "and not taken for what came since";
}

}  // namespace
}  // namespace belay::rules
