#include "rules/windows/quantile_window.h"

#include <random>

#include <gtest/gtest.h>

namespace belay::rules {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant kStart = from_unix_ms(1'795'000'000'000);
constexpr BucketId kFast = 40'000;
constexpr BucketId kSlow = 50'000;

TEST(QuantileWindowTest, AQuantileFollowsTheWindow) {
  QuantileWindow window(seconds{10}, kStart);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(window.add(kStart, kStart, kFast));
  const Instant later = kStart + seconds{5};
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(window.add(later, later, kSlow));
  EXPECT_EQ(window.quantile(0.5), bucket_value(kFast));
  EXPECT_EQ(window.quantile(0.95), bucket_value(kSlow));
  window.advance(kStart + seconds{10});
  EXPECT_EQ(window.quantile(0.5), bucket_value(kSlow));
  window.advance(kStart + seconds{15});
  EXPECT_FALSE(window.quantile(0.5));
}

TEST(QuantileWindowTest, ABusySecondIsMergedAndStillLeavesExactly) {
  QuantileWindow window(minutes{1}, kStart);
  std::mt19937_64 random(3);
  for (int i = 0; i < 50'000; ++i)
    ASSERT_TRUE(window.add(kStart, kStart, static_cast<BucketId>(40'000 + random() % 300)));
  EXPECT_EQ(window.count(), 50'000U);
  window.histogram().for_each(
      [](BucketId bucket, std::uint32_t count) { EXPECT_NEAR(count, 50'000 / 300, 80) << bucket; });
  window.advance(kStart + milliseconds{59'999});
  EXPECT_EQ(window.count(), 50'000U);
  window.advance(kStart + minutes{1});
  EXPECT_EQ(window.count(), 0U);
}

/// Zero lies far from every other value: such lists are merged another way.
TEST(QuantileWindowTest, ABusySecondWithZeroesInItIsMergedAsWell) {
  QuantileWindow window(minutes{1}, kStart);
  for (int i = 0; i < 5'000; ++i) {
    ASSERT_TRUE(window.add(kStart, kStart, kZeroBucket, 40));
    ASSERT_TRUE(window.add(kStart, kStart, static_cast<BucketId>(50'000 + i % 50)));
  }
  EXPECT_EQ(window.histogram().count_in(kZeroBucket), 200'000U);
  EXPECT_EQ(window.histogram().count_in(50'049), 100U);
  window.advance(kStart + minutes{1});
  EXPECT_EQ(window.count(), 0U);
}

TEST(QuantileWindowTest, ManyAtOnceCountAsManyOneByOne) {
  QuantileWindow window(seconds{10}, kStart);
  ASSERT_TRUE(window.add(kStart, kStart, kFast, QuantileWindow::kCountMax));
  ASSERT_TRUE(window.add(kStart, kStart, kFast, 1));
  EXPECT_EQ(window.histogram().count_in(kFast), QuantileWindow::kCountMax + 1);
  EXPECT_FALSE(window.add(kStart, kStart, kFast, QuantileWindow::kCountMax + 1));
  window.advance(kStart + seconds{10});
  EXPECT_EQ(window.count(), 0U);
}

TEST(QuantileWindowTest, ItRefusesWhatItCouldNotCount) {
  QuantileWindow window(seconds{10}, kStart);
  std::uint64_t held = 0;
  while (window.add(kStart, kStart, kFast, QuantileWindow::kCountMax))
    held += QuantileWindow::kCountMax;
  EXPECT_EQ(held, (std::uint64_t{1} << 32U) - QuantileWindow::kCountMax);
  EXPECT_EQ(window.count(), held);
  window.advance(kStart + seconds{10});
  EXPECT_TRUE(window.add(kStart + seconds{10}, kStart + seconds{10}, kFast));
}

TEST(QuantileWindowTest, ValuesOfAheadCountFromTheMomentNowReachesThem) {
  QuantileWindow window(seconds{10}, kStart);
  ASSERT_TRUE(window.add(kStart, kStart + seconds{5}, kSlow, 4));
  window.advance(kStart + seconds{4});
  EXPECT_EQ(window.count(), 0U);
  window.advance(kStart + seconds{5});
  EXPECT_EQ(window.count(), 4U);
}

}  // namespace
}  // namespace belay::rules
