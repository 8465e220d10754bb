#include "monitor/sources/push_source.h"

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "monitor/sources/ingest.h"
#include "net/http_listener.h"
#include "tests/monitor/sources/running_source.h"

namespace belay::monitor {
namespace {

using test::line;
using test::RunningSource;

/// A push source behind a real listener.
class PushSourceTest : public ::testing::Test {
 protected:
  void start(const std::string& token, std::size_t events_max = 65536) {
    running_ = std::make_unique<RunningSource>(source_, events_max);
    ASSERT_TRUE(running_->is(rules::SourceHealth::alive));
    std::vector<net::HashedToken> tokens;
    if (!token.empty()) tokens.emplace_back(token);
    ingest_ = std::make_unique<Ingest>(
        std::move(tokens), std::vector<Ingest::Target>{{"shop", "tail", &source_}}, posts_);
    auto listener = net::HttpListener::start(
        "127.0.0.1:0", [this](const net::Incoming& request) { return ingest_->answer(request); });
    ASSERT_TRUE(listener.ok());
    listener_ = std::move(listener).value();
    client_ = std::make_unique<httplib::Client>("127.0.0.1", listener_->port());
  }

  httplib::Result post(const std::string& body, const httplib::Headers& headers = {},
                       const std::string& path = "/events") {
    return client_->Post(path, headers, body, "text/plain");
  }

  double accepted() { return posts_.of("shop", "tail").accepted.Value(); }
  double refused() { return posts_.of("shop", "tail").refused.Value(); }

  exporters::IngestPosts posts_;
  PushSource source_{{.source = rules::SourceId{1}}};
  std::unique_ptr<RunningSource> running_;
  std::unique_ptr<Ingest> ingest_;
  std::unique_ptr<net::HttpListener> listener_;
  std::unique_ptr<httplib::Client> client_;
};

TEST_F(PushSourceTest, LinesAreTakenAndTheBadOnesCountedByReason) {
  start("");
  const auto answer = post(line("a") + "no json\n{\"ts\":1,\"service\":\"s\"}\n" + line("b"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 202);
  EXPECT_EQ(nlohmann::json::parse(answer->body),
            nlohmann::json::parse(R"({"accepted":2,"rejected":{"not_json":1,"no_outcome":1}})"));
  EXPECT_EQ(running_->routes(2), "/a /b ");
}

TEST_F(PushSourceTest, AnArrayIsTakenAndALastLineNeedsNoNewline) {
  start("");
  std::string first = line("a");
  std::string second = line("b");
  first.pop_back();
  second.pop_back();
  const auto answer = post("[" + first + "," + second + "]");
  ASSERT_TRUE(answer);
  EXPECT_EQ(nlohmann::json::parse(answer->body).at("accepted"), 2);
  ASSERT_TRUE(post(second));
  EXPECT_EQ(running_->routes(3), "/a /b /b ");
}

TEST_F(PushSourceTest, EachPostStandsForItself) {
  start("");
  ASSERT_TRUE(post("{\n  \"ts\": 1,\n"));
  ASSERT_TRUE(post("[" + line("a")));
  const auto answer = post(line("b"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(nlohmann::json::parse(answer->body).at("accepted"), 1);
}

TEST_F(PushSourceTest, WithoutTheTokenNothingIsTaken) {
  start("s3cret");
  EXPECT_EQ(post(line("a"))->status, 401);
  EXPECT_EQ(post(line("a"), {{"Authorization", "Bearer s3cre"}})->status, 401);
  EXPECT_EQ(post(line("a"), {{"Authorization", "Basic s3cret"}})->status, 401);
  EXPECT_EQ(post(line("a"), {{"Authorization", "bearer s3cret"}})->status, 202);
  EXPECT_EQ(running_->routes(1), "/a ");
}

TEST_F(PushSourceTest, UnderPressureItAsksForPatienceAndTakesNothing) {
  start("", 8);
  std::string five;
  for (int i = 0; i < 5; ++i) five += line("a");
  EXPECT_EQ(post(five)->status, 202);
  const auto too_much = post(line("b"));
  EXPECT_EQ(too_much->status, 429);
  EXPECT_EQ(too_much->get_header_value("Retry-After"), "1");
  EXPECT_EQ(running_->routes(5), "/a /a /a /a /a ");
  EXPECT_EQ(post(line("b"))->status, 202);
  EXPECT_EQ(running_->routes(6), "/a /a /a /a /a /b ");
  EXPECT_EQ(accepted(), 2);
  EXPECT_EQ(refused(), 1);
}

TEST_F(PushSourceTest, WhatWasAcceptedIsNotDroppedThoughItIsMoreThanTheLaneHolds) {
  start("", 8);
  std::string many;
  for (int i = 0; i < 20; ++i) many += line("a");
  const auto answer = post(many);
  EXPECT_EQ(answer->status, 202);
  EXPECT_EQ(nlohmann::json::parse(answer->body).at("accepted"), 20);
  EXPECT_EQ(post(line("b"))->status, 429);
  ASSERT_TRUE(running_->until([&] { return running_->requests.size() == 20; }));
  EXPECT_TRUE(running_->gaps.empty());
}

TEST_F(PushSourceTest, APostThatIsSentAgainWithItsKeyIsTakenOnce) {
  start("");
  const httplib::Headers first = {{"Idempotency-Key", "one"}};
  const auto answer = post(line("a") + line("b"), first);
  const auto again = post(line("a") + line("b"), first);
  post(line("c"), {{"Idempotency-Key", "two"}});
  post(line("d"));
  post(line("d"));
  ASSERT_TRUE(answer && again);
  EXPECT_EQ(again->status, 202);
  EXPECT_EQ(again->body, answer->body);
  EXPECT_EQ(running_->routes(5), "/a /b /c /d /d ") << "without a key each counts";
}

TEST_F(PushSourceTest, AKeyThatIsNotThePostsOwnIsRefused) {
  start("");
  ASSERT_EQ(post(line("a"), {{"Idempotency-Key", "same"}})->status, 202);
  EXPECT_EQ(post(line("b"), {{"Idempotency-Key", "same"}})->status, 422);
  EXPECT_EQ(post(line("b"), {{"Idempotency-Key", ""}})->status, 400);
  EXPECT_EQ(post(line("b"), {{"Idempotency-Key", std::string(256, 'k')}})->status, 400);
}

TEST_F(PushSourceTest, APostThatWasRefusedMayComeAgainWithItsKey) {
  start("", 8);
  std::string five;
  for (int i = 0; i < 5; ++i) five += line("a");
  ASSERT_EQ(post(five)->status, 202);
  const httplib::Headers key = {{"Idempotency-Key", "one"}};
  EXPECT_EQ(post(line("b"), key)->status, 429);
  EXPECT_EQ(running_->routes(5), "/a /a /a /a /a ");
  EXPECT_EQ(post(line("b"), key)->status, 202);
  EXPECT_EQ(running_->routes(6), "/a /a /a /a /a /b ");
}

TEST_F(PushSourceTest, ThePathSaysWhichSource) {
  start("");
  EXPECT_EQ(post(line("a"), {}, "/events/shop")->status, 202);
  EXPECT_EQ(post(line("a"), {}, "/events/shop/tail")->status, 202);
  EXPECT_EQ(post(line("a"), {}, "/events/shop/other")->status, 404);
  EXPECT_EQ(post(line("a"), {}, "/elsewhere")->status, 404);
  EXPECT_EQ(client_->Get("/events")->status, 405);
}

TEST_F(PushSourceTest, AfterTheEndItAnswersThatItDoesNotRead) {
  start("");
  running_->stop();
  EXPECT_EQ(post(line("a"))->status, 503);
}

}  // namespace
}  // namespace belay::monitor
