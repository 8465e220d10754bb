#include "net/redis_codec.h"

#include <gtest/gtest.h>

namespace belay::net {
namespace {

using namespace std::string_literals;
using Kind = RedisReply::Kind;

TEST(RedisCodecTest, ACommandKeepsItsBytes) {
  EXPECT_EQ(encode({"SET", "a\0b"s, "c d\r\n"}),
            "*3\r\n$3\r\nSET\r\n$3\r\na\0b\r\n$5\r\nc d\r\n\r\n"s);
}

TEST(RedisCodecTest, RepliesAreReadInAnyPieces) {
  constexpr std::string_view kBytes = "*3\r\n:-7\r\n*2\r\n$2\r\nab\r\n+OK\r\n$-1\r\n-ERR no\r\n";
  RedisDecoder decoder;
  std::vector<RedisReply> replies;
  for (const char byte : kBytes) {
    ASSERT_TRUE(decoder.feed({&byte, 1}).ok());
    auto reply = decoder.next();
    ASSERT_TRUE(reply.ok());
    if (reply.value()) replies.push_back(*std::move(reply.value()));
  }
  ASSERT_EQ(replies.size(), 2U);
  const RedisReply& array = replies[0];
  ASSERT_EQ(array.items.size(), 3U);
  EXPECT_EQ(array.items[0].integer, -7);
  ASSERT_EQ(array.items[1].items.size(), 2U);
  EXPECT_EQ(array.items[1].items[0].text, "ab");
  EXPECT_EQ(array.items[1].items[1].kind, Kind::status);
  EXPECT_EQ(array.items[2].kind, Kind::nil);
  EXPECT_EQ(replies[1].kind, Kind::error);
  EXPECT_EQ(replies[1].text, "ERR no");
  EXPECT_TRUE(decoder.is_empty());
}

TEST(RedisCodecTest, AnAnnouncedSizeCostsNothing) {
  RedisDecoder decoder;
  ASSERT_TRUE(decoder.feed("*2000000000\r\n").ok());
  const auto reply = decoder.next();
  EXPECT_TRUE(!reply.ok() || !reply->has_value());
}

TEST(RedisCodecTest, TooManyBytesEndTheReading) {
  RedisDecoder decoder;
  ASSERT_TRUE(decoder.feed("$500000000\r\n").ok());
  const std::string mebibyte(1 << 20, 'x');
  int taken = 0;
  while (decoder.feed(mebibyte).ok()) {
    ASSERT_TRUE(decoder.next().ok());
    ASSERT_LE(++taken, 64);
  }
  EXPECT_EQ(taken, 63);
}

TEST(RedisCodecTest, TooManyItemsEndTheReading) {
  RedisDecoder decoder;
  std::string bytes = "*1000001\r\n";
  for (int item = 0; item < 1'000'001; ++item) bytes += ":1\r\n";
  ASSERT_TRUE(decoder.feed(bytes).ok());
  const auto reply = decoder.next();
  ASSERT_FALSE(reply.ok());
  EXPECT_NE(reply.error().message.find("too many items"), std::string::npos);
}

TEST(RedisCodecTest, ANewPipelineIsCountedFromZero) {
  RedisDecoder decoder;
  const std::string reply =
      "$" + std::to_string(40 << 20) + "\r\n" + std::string(40 << 20, 'x') + "\r\n";
  for (int pipeline = 0; pipeline < 3; ++pipeline) {
    decoder.restart();
    ASSERT_TRUE(decoder.feed(reply).ok());
    ASSERT_TRUE(decoder.next().value().has_value());
  }
}

TEST(RedisCodecTest, EndlessNestingIsRefused) {
  RedisDecoder decoder;
  std::string bytes;
  for (int level = 0; level < 1000; ++level) bytes += "*1\r\n";
  ASSERT_TRUE(decoder.feed(bytes).ok());
  EXPECT_FALSE(decoder.next().ok());
}

TEST(RedisCodecTest, WhatIsNotRedisIsSaidToBeSo) {
  RedisDecoder decoder;
  ASSERT_TRUE(decoder.feed("HTTP/1.1 400 Bad Request\r\n").ok());
  const auto reply = decoder.next();
  ASSERT_FALSE(reply.ok());
  EXPECT_NE(reply.error().message.find("not Redis"), std::string::npos) << reply.error().message;
}

}  // namespace
}  // namespace belay::net
