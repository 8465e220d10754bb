#include "rules/windows/gauge_window.h"

#include <cmath>

#include <gtest/gtest.h>

namespace belay::rules {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant kStart = from_unix_ms(1'795'000'000'000);

TEST(GaugeWindowTest, TheNewestReadingOutlivesTheWindow) {
  GaugeWindow window(seconds{10}, kStart);
  EXPECT_FALSE(window.newest());
  ASSERT_TRUE(window.add(kStart, kStart, 42));
  window.advance(kStart + minutes{1});
  ASSERT_TRUE(window.newest());
  EXPECT_EQ(window.newest()->value, 42);
  EXPECT_EQ(window.newest()->at, kStart);
  EXPECT_FALSE(window.mean());
}

TEST(GaugeWindowTest, AnOlderReadingCountsInTheMeanButIsNotTheNewest) {
  GaugeWindow window(seconds{10}, kStart);
  ASSERT_TRUE(window.add(kStart, kStart, 10));
  ASSERT_TRUE(window.add(kStart, kStart - seconds{2}, 20));
  EXPECT_EQ(window.newest()->value, 10);
  EXPECT_EQ(window.mean(), 15);
}

TEST(GaugeWindowTest, TheSlopeOfASteadyGrowthIsItsRate) {
  for (const Duration length : {Duration{minutes{2}}, Duration{minutes{30}}, Duration{hours{3}}}) {
    GaugeWindow window(length, kStart);
    Instant now = kStart;
    double depth = 1e9;  // Large beside its growth: the digits that matter must survive.
    for (; now < kStart + length; now += seconds{5}, depth += 250)
      ASSERT_TRUE(window.add(now, now, depth));
    ASSERT_TRUE(window.slope());
    EXPECT_NEAR(*window.slope(), 50, 1e-3);
  }
}

TEST(GaugeWindowTest, OneMomentHasNoSlope) {
  GaugeWindow window(minutes{1}, kStart);
  EXPECT_FALSE(window.slope());
  ASSERT_TRUE(window.add(kStart, kStart, 1));
  ASSERT_TRUE(window.add(kStart, kStart, 1000));
  EXPECT_FALSE(window.slope());
}

TEST(GaugeWindowTest, WhatIsNotFiniteIsRefused) {
  GaugeWindow window(minutes{1}, kStart);
  EXPECT_FALSE(window.add(kStart, kStart, NAN));
  EXPECT_FALSE(window.newest());
}

}  // namespace
}  // namespace belay::rules
