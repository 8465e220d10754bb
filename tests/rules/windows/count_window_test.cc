#include "rules/windows/count_window.h"

#include <limits>

#include <gtest/gtest.h>

namespace belay::rules {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant kStart = from_unix_ms(1'795'000'000'000);

TEST(CountWindowTest, TheResolutionFollowsTheLength) {
  EXPECT_EQ(WindowShape(minutes{5}).width(), seconds{1});
  EXPECT_EQ(WindowShape(minutes{5} + milliseconds{1}).width(), seconds{10});
  EXPECT_EQ(WindowShape(hours{1}).width(), seconds{10});
  EXPECT_EQ(WindowShape(hours{1} + milliseconds{1}).width(), seconds{60});
}

TEST(CountWindowTest, CountsAPartOfItself) {
  CountWindow window(seconds{20}, kStart);
  for (int i = 0; i < 30; ++i) window.add(kStart + seconds{i}, kStart + seconds{i});
  EXPECT_EQ(window.sum(), 20U);
  EXPECT_EQ(window.sum_of(seconds{20}, seconds{0}), 20U);
  EXPECT_EQ(window.sum_of(milliseconds{4'500}, seconds{0}), 5U) << "whole buckets";
  EXPECT_EQ(window.sum_of(seconds{10}, milliseconds{14'001}), 5U) << "what lies outside is gone";
  EXPECT_EQ(window.sum_of(seconds{10}, seconds{20}), 0U);
  EXPECT_EQ(window.sum_of(seconds{-1}, seconds{0}), 0U);
  window.add(kStart + seconds{29}, kStart + seconds{31});
  EXPECT_EQ(window.sum_of(seconds{5}, seconds{0}), 5U) << "it is ahead";
}

TEST(CountWindowTest, LengthsAreRoundedUpToWholeBucketsAndKeptWithinTheirLimits) {
  EXPECT_EQ(WindowShape(milliseconds{30'001}).length(), seconds{31});
  EXPECT_EQ(WindowShape(seconds{301}).length(), seconds{310});
  EXPECT_EQ(WindowShape(seconds{1}).length(), kWindowMin);
  EXPECT_EQ(WindowShape(hours{48}).length(), kWindowMax);
}

TEST(CountWindowTest, AnEventCountsUntilTheWindowHasPassedItsBucket) {
  CountWindow window(seconds{10}, kStart);
  EXPECT_TRUE(window.add(kStart, kStart));
  window.advance(kStart + milliseconds{9'999});
  EXPECT_EQ(window.sum(), 1U);
  window.advance(kStart + seconds{10});
  EXPECT_EQ(window.sum(), 0U);
}

TEST(CountWindowTest, ALateEventLandsInItsOwnBucketAndLeavesWithIt) {
  CountWindow window(seconds{10}, kStart);
  const Instant now = kStart + seconds{9};
  EXPECT_TRUE(window.add(now, kStart));
  EXPECT_EQ(window.sum(), 1U);
  window.advance(now + seconds{1});
  EXPECT_EQ(window.sum(), 0U);
}

TEST(CountWindowTest, AnEventBehindTheWindowIsRefused) {
  CountWindow window(seconds{10}, kStart);
  EXPECT_FALSE(window.add(kStart, kStart - seconds{10}));
  EXPECT_TRUE(window.add(kStart, kStart - seconds{9}));
  EXPECT_EQ(window.sum(), 1U);
}

TEST(CountWindowTest, AnEventAheadCountsFromTheMomentNowReachesIt) {
  for (const Duration length : {Duration{seconds{10}}, Duration{minutes{10}}, Duration{hours{2}}}) {
    CountWindow window(length, kStart);
    const Instant ahead = kStart + kFutureMax;
    ASSERT_TRUE(window.add(kStart, ahead));
    window.advance(ahead);
    EXPECT_EQ(window.sum(), 1U);
    window.advance(ahead + window.length());
    EXPECT_EQ(window.sum(), 0U);
  }
}

TEST(CountWindowTest, AnEventTooFarAheadIsRefused) {
  CountWindow window(seconds{10}, kStart);
  EXPECT_FALSE(window.add(kStart, kStart + seconds{6}));
  window.advance(kStart + seconds{6});
  EXPECT_EQ(window.sum(), 0U);
}

TEST(CountWindowTest, AJumpPastEverythingEmptiesIt) {
  CountWindow window(seconds{10}, kStart);
  ASSERT_TRUE(window.add(kStart, kStart, 7));
  ASSERT_TRUE(window.add(kStart, kStart + seconds{5}, 3));
  window.advance(kStart + hours{24 * 365});
  EXPECT_EQ(window.sum(), 0U);
  EXPECT_TRUE(window.add(kStart + hours{24 * 365}, kStart + hours{24 * 365}));
  EXPECT_EQ(window.sum(), 1U);
}

TEST(CountWindowTest, TimeThatGoesBackChangesNothing) {
  CountWindow window(seconds{10}, kStart);
  ASSERT_TRUE(window.add(kStart, kStart, 2));
  window.advance(kStart - hours{1});
  EXPECT_EQ(window.sum(), 2U);
}

TEST(CountWindowTest, AFullBucketStaysFullAndLeavesWhole) {
  CountWindow window(seconds{10}, kStart);
  const std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
  EXPECT_TRUE(window.add(kStart, kStart, most));
  EXPECT_TRUE(window.add(kStart, kStart, most));
  EXPECT_EQ(window.sum(), most);
  window.advance(kStart + seconds{10});
  EXPECT_EQ(window.sum(), 0U);
}

}  // namespace
}  // namespace belay::rules
