#include "rules/windows/histogram.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace belay::rules {
namespace {

TEST(HistogramTest, EveryValueLiesWithinTheBoundsOfItsBucket) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200'000; ++i) {
    const double magnitude = std::exp2(std::uniform_real_distribution(-500.0, 500.0)(random));
    const double value = i % 3 == 0 ? -magnitude : magnitude;
    const BucketId bucket = bucket_of(value);
    ASSERT_LE(bucket_lower(bucket), value);
    ASSERT_GE(bucket_upper(bucket), value);
    ASSERT_LE(std::abs(bucket_value(bucket) - value), magnitude * kBucketErrorMax) << value;
  }
}

TEST(HistogramTest, MicrosecondsFallIntoTheSameBucketsAsTheirValue) {
  for (std::uint64_t us = 0; us <= 0xffffffff; us = us * 65 / 64 + 1)
    ASSERT_EQ(bucket_of(static_cast<std::uint32_t>(us)), bucket_of(static_cast<double>(us))) << us;
}

TEST(HistogramTest, BucketsAreOrderedAsValuesAre) {
  BucketId before = 0;
  for (const double value :
       {-HUGE_VAL, -1e300, -2.0, -1.0, -1e-200, 0.0, 1e-200, 1.0, 1.04, 2.0, 1e300}) {
    EXPECT_LE(before, bucket_of(value)) << value;
    before = bucket_of(value);
  }
  EXPECT_EQ(bucket_of(0.0), kZeroBucket);
  EXPECT_EQ(bucket_of(-0.0), kZeroBucket);
  EXPECT_EQ(bucket_of(HUGE_VAL), 65535);
  EXPECT_EQ(bucket_of(-HUGE_VAL), 1);
}

TEST(HistogramTest, AQuantileIsTheSmallestValueWithEnoughAtOrBelowIt) {
  Histogram histogram;
  for (std::uint32_t i = 1; i <= 100; ++i) histogram.insert(bucket_of(i * 1'000));
  EXPECT_NEAR(*histogram.quantile(0.5), 50'000, 50'000 * kBucketErrorMax);
  EXPECT_NEAR(*histogram.quantile(0.95), 95'000, 95'000 * kBucketErrorMax);
  EXPECT_NEAR(*histogram.quantile(0.07), 7'000, 7'000 * kBucketErrorMax);
  EXPECT_NEAR(*histogram.quantile(1), 100'000, 100'000 * kBucketErrorMax);
  EXPECT_NEAR(*histogram.quantile(0), 1'000, 1'000 * kBucketErrorMax);
}

TEST(HistogramTest, QuantilesStayWithinTheBoundOnMixedSigns) {
  std::mt19937_64 random(7);
  std::vector<double> values;
  Histogram histogram;
  for (int i = 0; i < 20'000; ++i) {
    double value = std::lognormal_distribution(0.0, 3.0)(random);
    if (i % 4 == 0) value = -value;
    if (i % 50 == 0) value = 0;
    values.push_back(value);
    histogram.insert(bucket_of(value));
  }
  std::sort(values.begin(), values.end());
  for (const double q : {0.001, 0.1, 0.25, 0.3, 0.5, 0.9, 0.99, 0.999}) {
    const double exact = values[quantile_rank(q, values.size()) - 1];
    EXPECT_NEAR(*histogram.quantile(q), exact, std::abs(exact) * kBucketErrorMax) << q;
  }
}

TEST(HistogramTest, APQuantileIsAboveAThresholdWhenMoreThanItsShareIsAboveIt) {
  EXPECT_FALSE(quantile_exceeds(0.95, 100, 5));
  EXPECT_TRUE(quantile_exceeds(0.95, 100, 6));
  EXPECT_FALSE(quantile_exceeds(0.99, 100, 1));
  EXPECT_TRUE(quantile_exceeds(0.99, 100, 2));
  EXPECT_TRUE(quantile_exceeds(0.999, 100, 1));
  EXPECT_FALSE(quantile_exceeds(0.5, 1, 0));
  EXPECT_TRUE(quantile_exceeds(0.5, 1, 1));
  EXPECT_FALSE(quantile_exceeds(0.5, 0, 0));
}

TEST(HistogramTest, AnEmptyOneHasNoQuantileAndNoMean) {
  Histogram histogram;
  EXPECT_FALSE(histogram.quantile(0.5));
  EXPECT_FALSE(histogram.mean());
  EXPECT_FALSE(histogram.max());
  EXPECT_EQ(histogram.sum(), 0);
}

TEST(HistogramTest, MergingIsAdditionAndRemovalUndoesIt) {
  Histogram whole;
  Histogram left;
  Histogram right;
  for (const double value : {-5.0, 0.0, 3.0, 900.0, 1e6}) {
    left.insert(bucket_of(value), 2);
    right.insert(bucket_of(value * 7), 3);
    whole.insert(bucket_of(value), 2);
    whole.insert(bucket_of(value * 7), 3);
  }
  left.merge(right);
  EXPECT_EQ(left.count(), 25U);
  whole.for_each(
      [&](BucketId bucket, std::uint32_t count) { EXPECT_EQ(left.count_in(bucket), count); });
  right.for_each([&](BucketId bucket, std::uint32_t count) { left.remove(bucket, count); });
  EXPECT_EQ(left.count(), 10U);
  EXPECT_EQ(left.count_in(bucket_of(3.0)), 2U);
  EXPECT_EQ(left.count_in(bucket_of(21.0)), 0U);
  EXPECT_EQ(left.count_in(bucket_of(1e12)), 0U);
}

TEST(HistogramTest, SumAndMeanAreWithinTheBound) {
  Histogram histogram;
  for (std::uint32_t i = 1; i <= 1'000; ++i) histogram.insert(bucket_of(i));
  EXPECT_NEAR(*histogram.mean(), 500.5, 500.5 * kBucketErrorMax);
  EXPECT_NEAR(histogram.sum(), 500'500, 500'500 * kBucketErrorMax);
  EXPECT_NEAR(*histogram.max(), 1'000, 1'000 * kBucketErrorMax);
}

TEST(HistogramDeathTest, RemovingWhatWasNeverInsertedIsABug) {
  Histogram histogram;
  histogram.insert(bucket_of(5.0));
  EXPECT_DEATH(histogram.remove(bucket_of(5.0), 2), "never inserted");
  EXPECT_DEATH(histogram.remove(bucket_of(5e9)), "never inserted");
}

}  // namespace
}  // namespace belay::rules
