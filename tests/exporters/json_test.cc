#include "exporters/json.h"

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

TEST(Json, GivesEqualBytesForEqualStates) {
  rules::Snapshot snapshot{.at = from_unix_ms(5)};
  snapshot.services.push_back({.name = "shop"});
  snapshot.sources.push_back({.name = "tail", .rejected_total = {{"not_json", 2}, {"late", 1}}});
  EXPECT_EQ(text_of(json_of(snapshot)), text_of(json_of(snapshot)));
  EXPECT_EQ(json_of(snapshot).at("sources").at(0).at("rejected").at("late"), 1);
}

}  // namespace
}  // namespace belay::exporters
