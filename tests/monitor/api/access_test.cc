// Goal: who may ask for what. Method: requests without a socket, on loopback and off it.

#include <gtest/gtest.h>

#include "tests/monitor/api/api_fixture.h"

namespace belay::test {
namespace {

constexpr const char* kDisarm = R"({"for":"1h"})";

using AccessTest = ApiTest;

TEST_F(AccessTest, OnLoopbackAnyoneReadsAndNobodyChangesWithoutAToken) {
  EXPECT_EQ(get("/api/v1/services").status, 200);
  EXPECT_EQ(get("/openapi.json").status, 200);
  const net::Outgoing refused = post("/api/v1/disarm", kDisarm, "");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(problem_of(refused), "token-needed");
  EXPECT_EQ(header_of(refused, "WWW-Authenticate"), "Bearer realm=\"belay\"");
  EXPECT_TRUE(delivered_.empty());
}

TEST_F(AccessTest, OffLoopbackEverythingNeedsAToken) {
  listen_off_loopback();
  for (const char* path : {"/api/v1/services", "/openapi.json", "/nothing", "/api/v1/events"}) {
    EXPECT_EQ(get(path).status, 401) << path;
  }
  EXPECT_EQ(get("/api/v1/services", kReadToken).status, 200);
  EXPECT_EQ(get("/api/v1/services", kGateToken).status, 200);
  EXPECT_EQ(get("/nothing", kReadToken).status, 404);
}

TEST_F(AccessTest, ATokenIsGoodForItsScopesOnly) {
  const net::Outgoing refused = post("/api/v1/disarm", kDisarm, kReadToken);
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(problem_of(refused), "scope-missing");
  EXPECT_TRUE(delivered_.empty());
  post("/api/v1/disarm", kDisarm);
  EXPECT_EQ(delivered_.size(), 1U);
}

TEST_F(AccessTest, AWrongTokenIsRefusedEvenWhereNoneIsNeeded) {
  for (const std::string token : {"wrong", "", "a-token-with-the-scope-gat"}) {
    net::Incoming asking = request("GET", "/api/v1/services");
    asking.headers.push_back({"Authorization", "Bearer " + token});
    EXPECT_EQ(problem_of(ask(asking)), "token-wrong") << token;
  }
  net::Incoming basic = request("GET", "/api/v1/services");
  basic.headers.push_back({"Authorization", "Basic Y2k6dG9rZW4="});
  EXPECT_EQ(ask(basic).status, 401);
}

TEST_F(AccessTest, PagesOfOtherSitesAreRefused) {
  for (const char* origin : {"https://evil.example", "null", "http://127.0.0.1:9999",
                             "http://127.0.0.1:8080.evil.example"}) {
    net::Incoming asking = request("POST", "/api/v1/disarm", kGateToken, kDisarm);
    asking.headers.push_back({"Origin", origin});
    EXPECT_EQ(problem_of(ask(asking)), "origin-refused") << origin;
  }
  EXPECT_TRUE(delivered_.empty());
  net::Incoming own = request("GET", "/api/v1/services");
  own.headers.push_back({"Origin", "http://127.0.0.1:8080"});
  EXPECT_EQ(ask(own).status, 200);
}

TEST_F(AccessTest, ANameThatWasPointedAtLoopbackIsRefused) {
  for (const char* host : {"evil.example", "evil.example:8080", "", "127.0.0.1.evil.example",
                           "localhost.evil.example:8080", "10.0.0.1:8080"}) {
    net::Incoming asking = request("GET", "/api/v1/services");
    asking.headers = {{"Host", host}};
    const net::Outgoing answer = ask(asking);
    EXPECT_EQ(answer.status, 421) << host;
    EXPECT_EQ(problem_of(answer), "host-refused") << host;
  }
  for (const char* host : {"localhost", "LOCALHOST:8080", "127.0.0.1", "[::1]:8080", "[::1]"}) {
    net::Incoming asking = request("GET", "/api/v1/services");
    asking.headers = {{"Host", host}};
    EXPECT_EQ(ask(asking).status, 200) << host;
  }
}

TEST_F(AccessTest, NoTokenIsEverShown) {
  const std::string all = post("/api/v1/disarm", kDisarm, kReadToken).body +
                          get("/api/v1/services", "a-wrong-token-of-someone").body;
  EXPECT_EQ(all.find(kReadToken), std::string::npos) << all;
  EXPECT_EQ(all.find("a-wrong-token"), std::string::npos) << all;
}

TEST_F(AccessTest, AGateThatJudgesByItselfBeginsNothingElse) {
  begins_rollouts_ = false;
  const net::Outgoing refused =
      post("/api/v1/rollouts", R"({"service":"shop","candidate":"v9","for":"1m"})");
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, testing::HasSubstr("ends with its own verdict"));
  EXPECT_EQ(post("/api/v1/trains", R"({"name":"r1","rollouts":[]})").status, 409);
  EXPECT_TRUE(delivered_.empty());
}

}  // namespace
}  // namespace belay::test
