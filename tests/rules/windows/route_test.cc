#include "rules/windows/route.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace belay::rules {
namespace {

std::string route(std::string_view url) {
  RouteBuffer buffer;
  return std::string(normalise_route(url, buffer));
}

TEST(RouteTest, OnlyThePathIsKept) {
  EXPECT_EQ(route("https://api.example.com/users?id=5#top"), "/users");
  EXPECT_EQ(route("http://user:pw@host:8080/a/b"), "/a/b");
  EXPECT_EQ(route("wss://host/socket"), "/socket");
  EXPECT_EQ(route("/users#x?y"), "/users");
  EXPECT_EQ(route("/go?to=https://other.test/deep/path"), "/go");
  EXPECT_EQ(route("go/https://other.test/deep"), "/go/https:/other.test/deep");
}

TEST(RouteTest, WithoutAPathItIsTheRoot) {
  for (const char* url :
       {"", "/", "//", "?x", "#", "https://host", "https://host/", "https://host?x=/a"})
    EXPECT_EQ(route(url), "/") << url;
}

TEST(RouteTest, EmptySegmentsAndTrailingSlashesGo) {
  EXPECT_EQ(route("/a//b/"), "/a/b");
  EXPECT_EQ(route("users"), "/users");
}

TEST(RouteTest, IdsBecomeOne) {
  for (const char* id : {
           "1",
           "123",
           "-5",
           "2026-11-20",
           "2026-11-20T13:45:20.252Z",
           "20261120",
           "1.5",
           "1,2,3",
           "550e8400-e29b-41d4-a716-446655440000",
           "550E8400E29B41D4A716446655440000",
           "3f9a1b2c",
           "507f1f77bcf86cd799439011",
           "01ARZ3NDEKTSV4RRFFQ69G5FAV",
           "V1StGXR8_Z5jdHi6B-myT",
           "clh3k2n0a0000qzrmn831i7rn",
           "order-12345",
           "cus_9s6XKzkNRiz8i3",
           "REDACTED",
           "ada@example.com",
           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
       })
    EXPECT_EQ(route(std::string("/users/") + id + "/posts"), "/users/:id/posts") << id;
}

TEST(RouteTest, WordsStay) {
  for (const char* word : {"users",
                           "v1",
                           "v2beta",
                           "oauth2",
                           "deadbeef",
                           "facade",
                           "my-first-post",
                           "caf%C3%A9",
                           "p95",
                           "getCustomerOrderHistoryByCustomerId",
                           "iphone15-pro-max-256gb",
                           "index.html",
                           "app.min.js",
                           "..",
                           "s3-eu-west-1",
                           "REDACTEDX",
                           "\xc3\xa9t\xc3\xa9",
                           ":id",
                           "*",
                           "web3-day-24"})
    EXPECT_EQ(route(std::string("/x/") + word), std::string("/x/") + word) << word;
}

TEST(RouteTest, AnExtensionBehindAnIdStays) {
  EXPECT_EQ(route("/images/123.png"), "/images/:id.png");
  EXPECT_EQ(route("/assets/app.3f9a1b2c.js"), "/assets/:id.js");
  EXPECT_EQ(route("/v/550e8400-e29b-41d4-a716-446655440000.mp4"), "/v/:id.mp4");
}

TEST(RouteTest, DepthAndLengthAreBounded) {
  EXPECT_EQ(route("/a/b/c/d/e/f/g/h"), "/a/b/c/d/e/f/g/h");
  EXPECT_EQ(route("/a/b/c/d/e/f/g/h/i/j"), "/a/b/c/d/e/f/g/h/*");
  const std::string word(60, 'w');
  EXPECT_EQ(route("/" + word + "/" + word + "/" + word), "/" + word + "/" + word + "/*");
  for (std::size_t last = 1; last <= 64; ++last) {
    const std::string full =
        route("/" + word + "/" + word + "/" + std::string(last, 'w') + "/tail");
    ASSERT_LE(full.size(), RouteBuffer{}.size()) << last;
    ASSERT_EQ(route(full), full) << last;
  }
  EXPECT_LE(route(std::string(1'000'000, 'a')).size(), RouteBuffer{}.size());
  EXPECT_LE(route(std::string(1'000'000, '/')).size(), 1U);
}

/// Any bytes at all: bounded, idempotent (a route read back from our own output is the same), in
/// the buffer.
TEST(RouteTest, HostileInputYieldsABoundedRouteThatIsItsOwnRoute) {
  constexpr std::string_view kPieces[] = {
      "/",        "//", "?",    "#",   ":", "://", ".",    "@",  ":id",      "*",   "a", "Z",
      "REDACTED", "12", "ff00", "%2F", "-", "_",   "\xff", "\n", "wordword", ".js", "T", "x9X8"};
  for (std::uint64_t seed = 1; seed <= 50'000; ++seed) {
    std::mt19937_64 random(seed);
    std::string url;
    for (std::uint64_t i = random() % 30; i > 0; --i) url += kPieces[random() % std::size(kPieces)];
    if (seed % 5 == 0) url += static_cast<char>(random());
    const std::string once = route(url);
    ASSERT_LE(once.size(), RouteBuffer{}.size());
    ASSERT_EQ(once.front(), '/');
    ASSERT_EQ(route(once), once) << "seed " << seed << ", from " << url;
  }
}

}  // namespace
}  // namespace belay::rules
