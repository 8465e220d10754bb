#include "rules/windows/duplicate_filter.h"

#include <deque>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace belay::rules {
namespace {

TEST(DuplicateFilterTest, AFingerprintIsNewOnce) {
  DuplicateFilter filter;
  EXPECT_TRUE(filter.insert(7));
  EXPECT_FALSE(filter.insert(7));
  EXPECT_TRUE(filter.insert(8));
}

TEST(DuplicateFilterTest, ZeroCannotBeTold) {
  DuplicateFilter filter;
  EXPECT_TRUE(filter.insert(0));
  EXPECT_TRUE(filter.insert(0));
  EXPECT_EQ(filter.size(), 0U);
}

/// Few distinct fingerprints, many of which share a slot, so that every kind of collision happens.
TEST(DuplicateFilterTest, ItRemembersExactlyTheLastOnes) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    const std::size_t capacity = 1 + random() % 200;
    DuplicateFilter filter(capacity);
    std::deque<std::uint64_t> order;
    std::set<std::uint64_t> known;
    for (int i = 0; i < 3'000; ++i) {
      const std::uint64_t fingerprint = 1 + random() % (capacity * 2);
      ASSERT_EQ(filter.insert(fingerprint), !known.contains(fingerprint));
      if (!known.insert(fingerprint).second) continue;
      order.push_back(fingerprint);
      if (order.size() <= capacity) continue;
      known.erase(order.front());
      order.pop_front();
    }
    ASSERT_EQ(filter.size(), order.size());
  }
}

}  // namespace
}  // namespace belay::rules
