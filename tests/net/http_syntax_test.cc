#include "net/http_syntax.h"

#include <gtest/gtest.h>

namespace belay::net {
namespace {

using namespace std::chrono_literals;

TEST(RetryAfter, IsANumberOfSecondsOfAtMostADay) {
  EXPECT_EQ(parse_retry_after("0"), 0s);
  EXPECT_EQ(parse_retry_after("120"), 120s);
  EXPECT_EQ(parse_retry_after("86401"), 24h);
  EXPECT_EQ(parse_retry_after("99999999999999999999999"), 24h);
}

TEST(RetryAfter, IsNothingElse) {
  for (const char* text : {"", "-1", "soon", "3x", " 3", "1.5", "-99999999999999999999999",
                           "Fri, 20 Nov 2026 23:59:59 GMT"}) {
    EXPECT_FALSE(parse_retry_after(text)) << text;
  }
}

}  // namespace
}  // namespace belay::net
