// Goal: what is read is what was published, waited for and followed. Method: the API without a
// socket.

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/api/event_log.h"
#include "tests/monitor/api/api_fixture.h"

namespace belay::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class ReadingTest : public ApiTest {
 protected:
  void publish_rollout(const rules::RolloutStatus& rollout) {
    rules::Snapshot snapshot = shop();
    snapshot.services[0].rollout = rollout;
    publish(snapshot);
  }
};

TEST_F(ReadingTest, EveryAnswerHasItsHeaders) {
  net::Incoming asking = request("GET", "/api/v1/status");
  asking.headers.push_back({"X-Request-Id", "job-17"});
  const net::Outgoing answer = ask(asking);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(header_of(answer, "X-Request-Id"), "job-17");
  EXPECT_EQ(header_of(answer, "Cache-Control"), "no-store");
  EXPECT_EQ(header_of(answer, "X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(header_of(answer, "Content-Security-Policy"), "default-src 'none'");
  asking.headers.back().value = "two words\r\nSet-Cookie: x";
  EXPECT_EQ(header_of(ask(asking), "X-Request-Id").size(), 32U);
  const net::Outgoing refused = get("/nothing");
  EXPECT_EQ(json_of(refused).at("request_id"), header_of(refused, "X-Request-Id"));
}

TEST_F(ReadingTest, PathsAndMethodsAndParametersThatAreNotThereAreSaidSo) {
  EXPECT_EQ(problem_of(get("/")), "not-found");
  EXPECT_EQ(problem_of(get("/api/v1/services/")), "not-found");
  EXPECT_EQ(problem_of(get("/api/v1/services/nope")), "unknown-service");
  EXPECT_EQ(problem_of(get("/api/v1/services/%zz")), "not-found");
  EXPECT_EQ(problem_of(get("/api/v1/services/a%00b")), "not-found");
  EXPECT_EQ(problem_of(get("/api/v1/services?wiat=1")), "bad-request");
  const net::Outgoing refused = ask(request("DELETE", "/api/v1/rollouts", kGateToken));
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(header_of(refused, "Allow"), "GET, POST");
  EXPECT_EQ(get("/api/v1/services/sho%70").status, 200);
}

TEST_F(ReadingTest, ServicesAreShownWithTheirRules) {
  const nlohmann::json json = json_of(get("/api/v1/services"));
  EXPECT_EQ(json.at("services").at(0).at("service"), "shop");
  EXPECT_EQ(json.at("services").at(0).at("rules").at(0).at("rule"), "shop-5xx");
  EXPECT_TRUE(json_of(get("/api/v1/services/shop")).contains("series"));
  EXPECT_EQ(json_of(get("/api/v1/status")).at("recorded"), true);
}

TEST_F(ReadingTest, APollIsAnsweredWhenTheRolloutMovesAndNotWhenNumbersDo) {
  rules::RolloutStatus one = rollout("one");
  publish_rollout(one);
  const net::Outgoing first = get("/api/v1/rollouts/one");
  const std::string etag = header_of(first, "ETag");
  net::Incoming asking = request("GET", "/api/v1/rollouts/one?wait=30s");
  asking.headers.push_back({"If-None-Match", etag});
  const net::Outgoing waiting = ask(asking);
  ASSERT_TRUE(waiting.later != nullptr);
  one.why = "12 of 50 requests";
  publish_rollout(one);
  EXPECT_FALSE(waiting.later().has_value());
  one.step = 1;
  publish_rollout(one);
  const auto answer = waiting.later();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 200);
  EXPECT_NE(header_of(*answer, "ETag"), etag);
  EXPECT_EQ(ask(asking).status, 200) << "it has moved since: no wait";
}

TEST_F(ReadingTest, APollOfARolloutThatIsOverDoesNotWait) {
  rules::RolloutStatus over = rollout("one");
  over.state = rules::RolloutState::recovered;
  over.verdict = rules::Outcome::fail;
  over.ended = now_;
  publish_rollout(over);
  const nlohmann::json json = json_of(get("/api/v1/rollouts/one?wait=30s"));
  EXPECT_EQ(json.at("exit_code"), 11);
  EXPECT_EQ(json.at("result"), "fail, put back");
}

TEST_F(ReadingTest, ARolloutThatGoesOnSaysUntilWhenItsServiceIsDisarmed) {
  for (const bool is_over : {false, true})
    for (const Duration left :
         {Duration{-std::chrono::seconds{1}}, Duration{std::chrono::hours{1}}}) {
      rules::Snapshot snapshot = shop();
      snapshot.services[0].rollout = rollout("one");
      if (is_over) snapshot.services[0].rollout->ended = now_;
      snapshot.services[0].disarmed_until = snapshot.at + left;
      publish(snapshot);
      const bool is_shown = !is_over && left > Duration::zero();
      EXPECT_EQ(json_of(get("/api/v1/rollouts/one")).contains("disarmed_until_ms"), is_shown);
      const nlohmann::json list = json_of(get("/api/v1/rollouts"));
      EXPECT_EQ(list.at("rollouts")[0].contains("disarmed_until_ms"), is_shown);
      EXPECT_EQ(list.at("disarmed").size(), left > Duration::zero() ? 1U : 0U) << is_over;
    }
}

TEST_F(ReadingTest, APollWaitsForAMinuteAtMost) {
  publish_rollout(rollout("one"));
  EXPECT_EQ(problem_of(get("/api/v1/rollouts/one?wait=61s")), "bad-request");
  EXPECT_EQ(problem_of(get("/api/v1/rollouts/one?wait=ages")), "bad-request");
  const net::Outgoing at_once = get("/api/v1/rollouts/one?wait=0s");
  EXPECT_EQ(at_once.status, 200);
}

TEST_F(ReadingTest, NotMoreThanTheirPlacesWait) {
  publish_rollout(rollout("one"));
  std::vector<net::Outgoing> polls;
  std::vector<net::Outgoing> streams;
  for (std::size_t i = 0; i < monitor::ApiContext::kWaitsMax; ++i) {
    polls.push_back(get("/api/v1/rollouts/one?wait=30s"));
    ASSERT_TRUE(polls.back().later != nullptr) << i;
  }
  EXPECT_EQ(problem_of(get("/api/v1/rollouts/one?wait=30s")), "too-many-clients");
  for (std::size_t i = 0; i < monitor::ApiContext::kStreamsMax; ++i) {
    streams.push_back(get("/api/v1/events"));
    ASSERT_TRUE(streams.back().stream != nullptr) << i;
  }
  const net::Outgoing refused = get("/api/v1/events");
  EXPECT_EQ(problem_of(refused), "too-many-clients");
  EXPECT_EQ(header_of(refused, "Retry-After"), "5");
  polls.clear();
  streams.clear();
  EXPECT_TRUE(get("/api/v1/events").stream != nullptr);
  EXPECT_TRUE(get("/api/v1/rollouts/one?wait=30s").later != nullptr);
}

TEST_F(ReadingTest, EventsBeginWithASnapshot) {
  publish_rollout(rollout("one"));
  const net::Outgoing answer = get("/api/v1/events");
  EXPECT_EQ(answer.content_type, "text/event-stream");
  const std::string first = answer.stream().value();
  EXPECT_TRUE(first.starts_with("retry: 3000\n\nid: ")) << first;
  EXPECT_THAT(first, HasSubstr("\nevent: snapshot\ndata: {\"services\":[{\"service\":\"shop\""));
  EXPECT_THAT(first, HasSubstr("\"rollouts\":[{\"id\":\"one\""));
  EXPECT_EQ(answer.stream().value(), "") << "at most once a second";
}

TEST(EventLogTest, WhoComesBackMissesNothing) {
  monitor::EventLog log;
  rules::Snapshot snapshot;
  snapshot.services.push_back({.name = "shop"});
  snapshot.services.push_back({.name = "till"});
  log.note(monitor::Newest::Published{1, snapshot});
  const std::string whole = log.whole({});
  const std::string id = whole.substr(4, whole.find('\n') - 4);
  snapshot.services[0].verdict = rules::Outcome::fail;
  log.note(monitor::Newest::Published{2, snapshot});
  const auto number = log.number_of(id);
  ASSERT_TRUE(number.has_value());
  EXPECT_THAT(log.since(*number, {}), HasSubstr("event: service\ndata: {\"service\":\"shop\""));
  EXPECT_THAT(log.since(*number, {}), Not(HasSubstr("till")));
  EXPECT_EQ(log.since(*number, {.service = "till", .rollout = ""}), "");
  EXPECT_EQ(log.number_of("another-life-1"), std::nullopt);
  EXPECT_EQ(log.number_of(id + "9999"), std::nullopt);
  EXPECT_EQ(log.number_of(""), std::nullopt);
}

TEST(EventLogTest, TheRingIsBounded) {
  monitor::EventLog log;
  rules::Snapshot snapshot;
  snapshot.services.push_back({.name = "shop"});
  log.note(monitor::Newest::Published{1, snapshot});
  const std::string whole = log.whole({});
  const std::string id = whole.substr(4, whole.find('\n') - 4);
  for (std::uint64_t i = 0; i < 2 * monitor::EventLog::kEventsMax; ++i) {
    snapshot.services[0].versions = {std::to_string(i)};
    log.note(monitor::Newest::Published{i + 2, snapshot});
  }
  EXPECT_EQ(log.number_of(id), std::nullopt) << "too old: a snapshot comes instead";
  EXPECT_TRUE(log.has_all_since(log.newest()));
}

}  // namespace
}  // namespace belay::test
