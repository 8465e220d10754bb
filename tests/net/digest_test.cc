#include "net/digest.h"

#include <string>

#include <gtest/gtest.h>

namespace belay::net {
namespace {

TEST(DigestTest, Sha256IsTheOneOfTheStandard) {
  const Digest digest = sha256("abc");
  EXPECT_EQ(hex_of(digest), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(DigestTest, RandomTextsDiffer) {
  EXPECT_EQ(random_hex(16).size(), 32u);
  EXPECT_NE(random_hex(16), random_hex(16));
}

TEST(HashedTokenTest, OnlyTheWholeTokenMatches) {
  EXPECT_TRUE(HashedToken("").matches(""));
  EXPECT_TRUE(HashedToken("token").matches("token"));
  for (const char* wrong : {"tokem", "toke", "tokens", "Token", ""}) {
    EXPECT_FALSE(HashedToken("token").matches(wrong)) << wrong;
  }
  EXPECT_FALSE(HashedToken(std::string("a\0b", 3)).matches(std::string("a\0c", 3)));
}

TEST(HashedTokenTest, TheTokenItselfIsNotKept) {
  const std::string token = "a-token-that-nobody-should-find-in-here";
  const HashedToken hashed(token);
  const std::string_view bytes{reinterpret_cast<const char*>(&hashed), sizeof hashed};
  EXPECT_EQ(bytes.find(token.substr(0, 16)), std::string_view::npos);
}

}  // namespace
}  // namespace belay::net
