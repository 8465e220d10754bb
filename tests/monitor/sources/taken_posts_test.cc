#include "monitor/sources/taken_posts.h"

#include <gtest/gtest.h>

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart = from_unix_ms(1'700'000'000'000);

TEST(TakenPostsTest, APostIsKnownForTenMinutes) {
  TakenPosts taken;
  taken.keep("a", {.body = 7}, kStart);
  ASSERT_NE(taken.find("a", kStart + 10min - 1ms), nullptr);
  EXPECT_EQ(taken.find("a", kStart + 10min - 1ms)->body, 7U);
  EXPECT_EQ(taken.find("b", kStart), nullptr);
  EXPECT_EQ(taken.find("a", kStart + 10min), nullptr);
}

TEST(TakenPostsTest, TheOldestMakesRoom) {
  TakenPosts taken(2);
  for (const char* key : {"a", "b", "c"}) taken.keep(key, {}, kStart);
  EXPECT_EQ(taken.find("a", kStart), nullptr);
  EXPECT_NE(taken.find("b", kStart), nullptr);
  EXPECT_NE(taken.find("c", kStart), nullptr);
}

}  // namespace
}  // namespace belay::monitor
