// Goal: whatever is sent to the API is answered, refused with a problem that names what is wrong,
// and does nothing else. Method: a running daemon and raw sockets.

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/daemon_api.h"
#include "tests/support/scripted_peer.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

class ApiAttackTest : public DaemonApiTest {
 protected:
  net::HttpResponse begin(const std::string& key, const std::string& body) const {
    return call({.method = "POST",
                 .url = "/api/v1/rollouts",
                 .headers = {{"Authorization", "Bearer " + std::string(kToken)},
                             {"Content-Type", "application/json"},
                             {"Idempotency-Key", key}},
                 .body = body});
  }
  /// The type of a problem, "" if it is none.
  static std::string problem_of(const net::HttpResponse& answer) {
    const json problem = json::parse(answer.body, nullptr, false);
    return problem.is_object() ? problem.value("type", "") : "";
  }
  static std::string field_of(const net::HttpResponse& answer) {
    const json problem = json::parse(answer.body, nullptr, false);
    return problem.is_object() ? problem.value("field", "") : "";
  }
  std::unique_ptr<RawClient> connect() const {
    return std::make_unique<RawClient>(
        static_cast<std::uint16_t>(std::stoi(url_.substr(url_.rfind(':') + 1))));
  }
};

constexpr const char* kBegin = R"({"service":"shop","candidate":"v2","baseline":"v1","for":"10m"})";

TEST_F(ApiAttackTest, AKeyIsOneRolloutAlsoAfterAKill) {
  start();
  const net::HttpResponse first = begin("job 1", kBegin);
  ASSERT_EQ(first.status, 201) << first.body;
  const std::string id = json::parse(first.body).at("id");
  EXPECT_EQ(begin("job 1", kBegin).status, 200);
  const std::string other = R"({"service":"shop","candidate":"v3","baseline":"v1","for":"10m"})";
  EXPECT_EQ(problem_of(begin("job 1", other)), "urn:belay:problem:key-reused");
  daemon_->signal(SIGKILL);
  EXPECT_EQ(daemon_->wait(10s), 128 + SIGKILL);
  run();
  const net::HttpResponse again = begin("job 1", kBegin);
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(json::parse(again.body).at("id"), id);
  const net::HttpResponse reused = begin("job 1", other);
  EXPECT_EQ(reused.status, 422);
  EXPECT_EQ(json::parse(reused.body).value("rollout", ""), id);
  EXPECT_EQ(begin(std::string(256, 'k'), kBegin).status, 400);
}

TEST_F(ApiAttackTest, WhatIsWrongInABodyIsPointedAt) {
  start();
  const auto field = [this](const std::string& body) {
    const net::HttpResponse answer = post("/api/v1/rollouts", body);
    EXPECT_EQ(answer.status, 422) << body << " " << answer.body;
    EXPECT_EQ(answer.header("Content-Type"), "application/problem+json");
    return field_of(answer);
  };
  EXPECT_EQ(field(R"({"service":"shop","candidate":"v2","for":"10m","baselin":"v1"})"), "baselin");
  EXPECT_EQ(field(R"({"service":"shop","for":"10m"})"), "candidate");
  EXPECT_EQ(field(R"({"service":"shop","candidate":["v2"],"for":"10m"})"), "candidate");
  EXPECT_EQ(field(R"({"service":"shop","candidate":"v2","for":"-10m"})"), "for");
  EXPECT_EQ(field(R"({"service":"shop","candidate":"v2","for":"9999999999999999h"})"), "for");
  EXPECT_EQ(field(R"({"service":"shop","candidate":"v2","steps":"0% for 1m, 100%"})"), "steps");
  EXPECT_EQ(field(R"({"service":"shop","candidate":"v2","driving":"yes","for":"1m"})"), "driving");
  EXPECT_EQ(field(R"({"service":"shop","candidate":"v2","committed_at":1e300,"for":"1m"})"),
            "committed_at");
  EXPECT_EQ(
      field(R"({"service":"shop","candidate":")" + std::string(201, 'v') + R"(","for":"1m"})"),
      "candidate");
  std::string steps = "1% for 1m max 3m min 100";
  for (int i = 2; i < 40; ++i) steps += ", " + std::to_string(i) + "% for 1m max 3m min 100";
  EXPECT_EQ(post("/api/v1/rollouts", R"({"service":"shop","candidate":"v2","baseline":"v1",)"
                                     R"("steps":")" +
                                         steps + R"(, 100%"})")
                .status,
            201)
      << "a long plan is no attack";
}

TEST_F(ApiAttackTest, OddIdsAndPathsAreOnlyNotThere) {
  start();
  for (const std::string& id :
       {std::string("%00"), std::string(".."), std::string("%2e%2e%2f%2e%2e"),
        std::string("%ff%fe"), std::string("%"), std::string("%0d%0aSet-Cookie:%20a=b"),
        std::string(5000, 'a'), std::string("'%20OR%201=1"), std::string("%7b%7d"),
        std::string("*")}) {
    for (const char* of : {"/api/v1/rollouts/", "/api/v1/services/"}) {
      const net::HttpResponse answer = get(of + id);
      EXPECT_EQ(answer.status, 404) << of << id;
      EXPECT_EQ(answer.header("Content-Type"), "application/problem+json") << of << id;
      EXPECT_FALSE(answer.header("Set-Cookie").has_value()) << of << id;
    }
    EXPECT_EQ(post("/api/v1/rollouts/" + id + "/rollback", "").status, 404) << id;
  }
}

TEST_F(ApiAttackTest, AWaitHasItsBoundsAndEndsWithTheDaemon) {
  start();
  const std::string id = json::parse(begin("job 1", kBegin).body).at("id");
  const std::string path = "/api/v1/rollouts/" + id;
  for (const char* wait : {"61s", "-1s", "", "1h", "soon", "30s&wait=30s", "99999999999999999999s"})
    EXPECT_EQ(get(path + "?wait=" + wait).status, 400) << wait;
  EXPECT_EQ(get(path + "?wait=0s").status, 200);
  EXPECT_EQ(get(path + "?wiat=1s").status, 400) << "a typo must not answer at once";
  const auto client = connect();
  client->send("GET " + path + "?wait=60s HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(get("/api/v1/status").status, 200) << "others are answered meanwhile";
  stop();
}

TEST_F(ApiAttackTest, AHeadOfAStreamOrOfAWaitIsOnlyAHead) {
  start();
  const std::string id = json::parse(begin("job 1", kBegin).body).at("id");
  const auto stream = connect();
  stream->send("HEAD /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(stream->read_until("text/event-stream"));
  const auto unknown = connect();
  unknown->send("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: " +
                std::string(200, '9') + "-" + std::string(200, '9') + "\r\n\r\n");
  EXPECT_TRUE(unknown->read_until("event: snapshot\n")) << "an id of another life means nothing";
}

TEST_F(ApiAttackTest, AFilterThatMeansNothingIsRefused) {
  start();
  EXPECT_EQ(get("/api/v1/rollouts?service=shpo").status, 404);
  EXPECT_EQ(get("/api/v1/events?service=shpo").status, 404);
  EXPECT_EQ(get("/api/v1/rollouts?open=maybe").status, 400);
  EXPECT_EQ(get("/api/v1/rollouts?service=shop&open=true").status, 200);
}

TEST_F(ApiAttackTest, AFloodOfConnectionsLeavesDescriptorsForARollback) {
  descriptors_max_ = 128;
  start();
  std::vector<std::unique_ptr<RawClient>> half_open;
  for (int which = 0; which < 200; ++which) {
    half_open.push_back(connect());
    half_open.back()->send("GET /api/v1/services HTTP/1.1\r\nX");
  }
  ASSERT_EQ(post("/api/v1/rollouts", kBegin).status, 201);
  serve(500);
  EXPECT_TRUE(eventually([this] { return world_.line_of("live") == "v1"; }, 60s))
      << world_.output();
}

TEST_F(ApiAttackTest, TwoHostsOrTwoTokensAreNotOneOfThem) {
  start();
  const auto two_hosts = connect();
  two_hosts->send("GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n");
  EXPECT_TRUE(two_hosts->read_until("HTTP/1.1 400"));
  const auto two_tokens = connect();
  two_tokens->send("POST /api/v1/disarm HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
                   std::string(kToken) +
                   "\r\nAuthorization: Bearer other\r\nContent-Length: " + "0\r\n\r\n");
  EXPECT_TRUE(two_tokens->read_until("HTTP/1.1 400"));
}

}  // namespace
}  // namespace belay::test
