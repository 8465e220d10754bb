#include "exporters/json.h"

#include <chrono>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/exporters/example_snapshot.h"

namespace belay::exporters {
namespace {

rules::RuleStatus a_firing_rule() {
  rules::RuleStatus status{.service = "shop",
                           .rule = "shop-5xx",
                           .sentence = "5xx rate > 5% over 1m, min 50 requests",
                           .then = {.kind = rules::Then::Kind::reset_flag, .name = "checkout"},
                           .truth = rules::Truth::bad,
                           .firing = true,
                           .bad_since = from_unix_ms(1'000)};
  status.evidence.push_back(test::example_evidence());
  return status;
}

TEST(Json, ShowsARuleWithEverythingThatIsNeededToCheckItByHand) {
  const auto json = json_of(a_firing_rule());
  EXPECT_EQ(json.at("then"), "reset flag checkout");
  EXPECT_EQ(json.at("bad_since_ms"), 1000);
  const auto& evidence = json.at("evidence").at(0);
  EXPECT_EQ(evidence.at("numerator"), 31);
  EXPECT_EQ(evidence.at("denominator"), 250);
  EXPECT_EQ(evidence.at("value"), 0.124);
  EXPECT_EQ(evidence.at("unit"), "share");
  EXPECT_EQ(evidence.at("window_seconds"), 60.0);
}

TEST(Json, LeavesOutWhatIsNotKnown) {
  rules::QueueStatus queue{.queue = "emails"};
  queue.last.active = 0;
  rules::ServiceStatus service{.name = "shop"};
  service.queues.push_back(queue);
  const auto json = json_of(service);
  const auto& shown = json.at("queues").at(0);
  EXPECT_EQ(shown.at("active"), 0);
  EXPECT_FALSE(shown.contains("depth"));
  EXPECT_FALSE(shown.contains("oldest_seconds"));
  EXPECT_FALSE(json.contains("gate"));
  EXPECT_EQ(json.at("verdict"), "unknown");
}

TEST(Json, SurvivesHostileTextInOneLine) {
  const rules::Notice notice{.service = "shop", .headline = "\xFF\x1b[31m\n\"quoted\""};
  const std::string text = text_of(json_of(notice));
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(text).at("headline"), "\xEF\xBF\xBD\x1b[31m\n\"quoted\"");
}

TEST(Json, ShowsWhoseTheBadRequestsOfARolloutWere) {
  rules::RolloutStatus rollout{.id = "1", .candidate = "v2", .rule = "comparison"};
  EXPECT_FALSE(json_of(rollout).contains("comparison"));
  rules::RolloutNumbers numbers{.compared = rules::Compared::slow_p90,
                                .window = std::chrono::seconds{50},
                                .odds = 8100,
                                .odds_limit = 600,
                                .share = 0.84,
                                .allowed = 0.12,
                                .routes = {{.name = "/buy", .bad = 36, .total = 40}},
                                .exceptions = {{.name = "TypeError: x", .bad = 3}}};
  numbers.counts[rules::Role::candidate] = {.bad = 36, .total = 430};
  numbers.since_start[rules::Role::baseline] = {.bad = 7, .total = 9000};
  rollout.comparison = numbers;
  const auto json = json_of(rollout);
  EXPECT_EQ(json.at("failed_by"), "comparison");
  const auto& shown = json.at("comparison");
  EXPECT_EQ(shown.at("compared"), "slow_p90");
  EXPECT_EQ(shown.at("window_seconds"), 50.0);
  EXPECT_EQ(shown.at("candidate").at("bad"), 36);
  EXPECT_EQ(shown.at("odds"), 8100.0);
  EXPECT_EQ(shown.at("bad_share_allowed"), 0.12);
  EXPECT_EQ(shown.at("since_start").at("baseline").at("total"), 9000);
  EXPECT_EQ(shown.at("routes").at(0).at("total"), 40);
  EXPECT_EQ(shown.at("exceptions").at(0).dump(), R"({"name":"TypeError: x","bad":3})");
}

TEST(Json, GivesEqualBytesForEqualStates) {
  rules::Snapshot snapshot{.at = from_unix_ms(5)};
  snapshot.services.push_back({.name = "shop"});
  snapshot.sources.push_back({.name = "tail", .rejected_total = {{"not_json", 2}, {"late", 1}}});
  EXPECT_EQ(text_of(json_of(snapshot)), text_of(json_of(snapshot)));
  EXPECT_EQ(json_of(snapshot).at("sources").at(0).at("rejected").at("late"), 1);
}

}  // namespace
}  // namespace belay::exporters
