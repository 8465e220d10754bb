#include "base/backoff.h"

#include <gtest/gtest.h>

namespace belay {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesFromTheFirstToTheMost) {
  EXPECT_EQ(backoff(250ms, 30s, 1, 0), 250ms);
  EXPECT_EQ(backoff(250ms, 30s, 2, 0), 500ms);
  EXPECT_EQ(backoff(250ms, 30s, 5, 0), 4s);
  EXPECT_EQ(backoff(250ms, 30s, 8, 0), 30s);
  EXPECT_EQ(backoff(250ms, 30s, 1'000'000, 0), 30s);
}

TEST(Backoff, IsSpreadOverItsUpperHalf) {
  EXPECT_EQ(backoff(1s, 30s, 1, 1), 500ms);
  EXPECT_EQ(backoff(1s, 30s, 1, 0.5), 750ms);
}

}  // namespace
}  // namespace belay
