#include "rules/windows/bucket_log.h"

#include <deque>
#include <map>
#include <random>

#include <gtest/gtest.h>

namespace belay::rules {
namespace {

using Counts = std::map<BucketId, std::uint64_t>;

Counts counts_of(const BucketLog& log, std::size_t place) {
  Counts counts;
  log.for_each(place, [&](BucketId value, std::uint32_t count) { counts[value] += count; });
  return counts;
}

/// What goes in comes out, whatever the order, the values, their numbers and the sorting meanwhile.
TEST(BucketLogTest, EqualsOneThatForgetsNothing) {
  constexpr std::size_t kPlaces = 12;
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 bits(seed);
    const auto random = [&] { return static_cast<std::uint32_t>(bits()); };
    BucketLog log(kPlaces);
    std::deque<Counts> expected(kPlaces);
    const std::uint32_t per_step = 1 + random() % (seed % 5 == 0 ? 2'000 : 60);
    const std::uint32_t spread = seed % 3 == 0 ? 65'536 : 1 + random() % 300;
    for (int step = 0; step < 40; ++step) {
      for (std::uint32_t i = random() % per_step; i > 0; --i) {
        // Most come to one place, as the present is one.
        const std::size_t place = random() % 3 == 0 ? random() % kPlaces : kPlaces - 3;
        const auto value =
            static_cast<BucketId>(random() % 50 == 0 ? 0 : 33'000 + random() % spread);
        const std::uint32_t count = random() % 10 == 0 ? 1 + random() % (1U << 20U) : 1;
        log.append(place, value, count);
        expected[place][value] += count;
      }
      log.settle(random() % kPlaces);
      for (std::size_t place = 0; place < kPlaces; ++place)
        ASSERT_EQ(counts_of(log, place), expected[place]) << "step " << step << " place " << place;
      log.drop_first();
      expected.pop_front();
      expected.emplace_back();
    }
    log.clear();
    EXPECT_TRUE(counts_of(log, 0).empty());
  }
}

TEST(BucketLogTest, APlaceThatSettledHoldsEachValueOnce) {
  BucketLog log(2);
  for (int i = 0; i < 1'000; ++i) log.append(0, static_cast<BucketId>(40'000 + i % 7), 1);
  log.settle(0);
  std::size_t entries = 0;
  log.for_each(0, [&](BucketId /*value*/, std::uint32_t /*count*/) { ++entries; });
  EXPECT_EQ(entries, 7U);
}

TEST(BucketLogTest, APlaceMayHoldEveryValueThereIs) {
  BucketLog log(1);
  for (std::uint32_t round = 0; round < 3; ++round)
    for (std::uint32_t value = 0; value <= 65'535; ++value)
      log.append(0, static_cast<BucketId>(value * 7), round == 0 ? 1'000'000 : 1);
  const Counts counts = counts_of(log, 0);
  EXPECT_EQ(counts.size(), 65'536U);
  for (const auto& [value, count] : counts) ASSERT_EQ(count, 1'000'002U) << value;
}

}  // namespace
}  // namespace belay::rules
