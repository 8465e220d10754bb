#include <gtest/gtest.h>

#include "net/redis.h"

namespace belay::net {
namespace {

RedisUrl parsed(std::string_view text) {
  const Result<RedisUrl> url = RedisUrl::parse(text);
  if (!url) ADD_FAILURE() << url.error().message;
  return url ? *url : RedisUrl{};
}

TEST(RedisUrlTest, EveryPartIsRead) {
  const RedisUrl url = parsed("rediss://default:p%40ss%3A%2f@cache.example.org:6380/3");
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.user, "default");
  EXPECT_EQ(url.password.reveal(), "p@ss:/");
  EXPECT_EQ(url.host, "cache.example.org");
  EXPECT_EQ(url.port, 6380);
  EXPECT_EQ(url.database, 3);
}

TEST(RedisUrlTest, WhatIsLeftOutHasItsDefault) {
  const RedisUrl url = parsed("redis://cache");
  EXPECT_FALSE(url.tls);
  EXPECT_EQ(url.host, "cache");
  EXPECT_EQ(url.port, 6379);
  EXPECT_TRUE(url.user.empty());
  EXPECT_TRUE(url.password.empty());
  EXPECT_EQ(parsed("redis://cache/").database, 0);
}

TEST(RedisUrlTest, APasswordNeedsNoUser) {
  const RedisUrl url = parsed("redis://:secret@cache");
  EXPECT_TRUE(url.user.empty());
  EXPECT_EQ(url.password.reveal(), "secret");
}

TEST(RedisUrlTest, AnIpv6AddressStandsInBrackets) {
  const RedisUrl url = parsed("redis://[::1]:7000/2");
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, 7000);
  EXPECT_EQ(url.shown(), "redis://[::1]:7000/2");
}

TEST(RedisUrlTest, WhatIsShownHoldsNoSecret) {
  EXPECT_EQ(parsed("rediss://user:hunter2@cache:1").shown(), "rediss://cache:1");
}

TEST(RedisUrlTest, WhatIsNoRedisUrlIsRefusedWithoutRepeatingIt) {
  for (const char* text :
       {"", "cache", "http://hunter2", "redis://", "redis://:hunter2@", "redis://a:hunter2@:6379",
        "redis://cache:0", "redis://cache:hunter2", "redis://cache:65536", "redis://cache/hunter2",
        "redis://cache/-1", "redis://cache?db=hunter2", "redis://:hunter2%4@cache",
        "redis://:hunter2%zz@cache", "redis://[::1", "redis://[::1]hunter2",
        "redis://hunter2@cache", "redis://ca che"}) {
    const Result<RedisUrl> url = RedisUrl::parse(text);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_EQ(url.error().kind, Error::Kind::invalid);
    EXPECT_EQ(url.error().message.find("hunter2"), std::string::npos) << url.error().message;
  }
}

}  // namespace
}  // namespace belay::net
