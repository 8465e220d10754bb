#include "rules/windows/value_window.h"

#include <cmath>

#include <gtest/gtest.h>

namespace belay::rules {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart = from_unix_ms(1'795'000'000'000);

TEST(ValueWindowTest, TheMaximumLeavesWithItsBucket) {
  ValueWindow window(seconds{10}, kStart);
  ASSERT_TRUE(window.add(kStart, kStart, 900));
  ASSERT_TRUE(window.add(kStart, kStart + seconds{1}, 5));
  window.advance(kStart + seconds{1});
  EXPECT_EQ(window.max(), 900);
  window.advance(kStart + seconds{10});
  EXPECT_EQ(window.max(), 5);
}

TEST(ValueWindowTest, TheMaximumOfNegativeValuesIsNegative) {
  ValueWindow window(seconds{10}, kStart);
  ASSERT_TRUE(window.add(kStart, kStart, -3));
  ASSERT_TRUE(window.add(kStart, kStart, -7));
  EXPECT_EQ(window.max(), -3);
}

TEST(ValueWindowTest, TheLastValueIsTheNewestByItsOwnTime) {
  ValueWindow window(seconds{10}, kStart);
  ASSERT_TRUE(window.add(kStart, kStart, 1));
  ASSERT_TRUE(window.add(kStart, kStart - milliseconds{1}, 2));
  ASSERT_TRUE(window.add(kStart, kStart - seconds{3}, 3));
  EXPECT_EQ(window.last(), 1);
  ASSERT_TRUE(window.add(kStart, kStart, 4));
  EXPECT_EQ(window.last(), 4);
}

TEST(ValueWindowTest, SeveralAtOnceGiveTheirSumAndMaximum) {
  ValueWindow window(seconds{10}, kStart);
  ASSERT_TRUE(window.add(kStart, kStart, 4, 100, 70));
  ASSERT_TRUE(window.add(kStart, kStart, 0, 0, 0));
  EXPECT_EQ(window.count(), 4U);
  EXPECT_EQ(window.mean(), 25);
  EXPECT_EQ(window.max(), 70);
}

TEST(ValueWindowTest, WhatIsNotFiniteIsRefused) {
  ValueWindow window(seconds{10}, kStart);
  EXPECT_FALSE(window.add(kStart, kStart, NAN));
  EXPECT_FALSE(window.add(kStart, kStart, -INFINITY));
  EXPECT_EQ(window.count(), 0U);
  EXPECT_FALSE(window.mean());
}

}  // namespace
}  // namespace belay::rules
