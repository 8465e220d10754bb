#include "net/gzip.h"

#include <gtest/gtest.h>

#include "tests/support/gzip.h"

namespace belay::net {
namespace {

using test::gzip;

constexpr std::size_t kMax = 1 << 20;

TEST(GunzipTest, WhatWasPackedComesBack) {
  const std::string text(100'000, 'x');
  EXPECT_EQ(gunzip(gzip(text), kMax).value(), text);
  EXPECT_EQ(gunzip(gzip(""), kMax).value(), "");
}

TEST(GunzipTest, SeveralMembersAreOneText) {
  EXPECT_EQ(gunzip(gzip("one ") + gzip("two"), kMax).value(), "one two");
}

TEST(GunzipTest, ABombIsDefused) {
  const Result<std::string> inflated = gunzip(gzip(std::string(200 << 20, '\0')), kMax);
  ASSERT_FALSE(inflated.ok());
  EXPECT_EQ(inflated.error().kind, Error::Kind::failed);
}

TEST(GunzipTest, TheBoundItselfIsAllowed) {
  const std::string text(kMax, 'x');
  EXPECT_TRUE(gunzip(gzip(text), kMax).ok());
  EXPECT_FALSE(gunzip(gzip(text + "x"), kMax).ok());
}

TEST(GunzipTest, DamagedCutOffOrOtherBytesAreInvalid) {
  const std::string packed = gzip("a text that is long enough to be cut");
  std::string flipped = packed;
  flipped[packed.size() / 2] = static_cast<char>(flipped[packed.size() / 2] ^ 0x55);
  for (const std::string& bytes : {std::string("plain"), std::string(),
                                   packed.substr(0, packed.size() - 1), flipped, packed + "rest"}) {
    const Result<std::string> inflated = gunzip(bytes, kMax);
    ASSERT_FALSE(inflated.ok());
    EXPECT_EQ(inflated.error().kind, Error::Kind::invalid);
  }
}

}  // namespace
}  // namespace belay::net
