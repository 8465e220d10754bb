// Goal: the history is whole, page by page, and what the journal knows does not begin again.
// Method: the real engine on the tests' clock writes a real journal, which the API reads, without a
// socket.

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/monitor/api/recorded_fixture.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using rules::EngineRig;
using testing::HasSubstr;

TEST_F(RecordedTest, WithoutAJournalNothingIsMadeUp) {
  journal_.reset();
  EXPECT_EQ(look(request("GET", "/api/v1/history")).status, 503);
  EXPECT_EQ(look(request("GET", "/api/v1/rollouts/x/report")).status, 503);
}

TEST_F(RecordedTest, HistoryIsNewestFirstAndEveryPageGoesOnWhereTheOneBeforeEnded) {
  EngineRig rig(plan());
  roll_back(rig);
  const json whole = history("?limit=500").at("entries");
  ASSERT_GT(whole.size(), 5U);
  std::vector<json> paged;
  std::string cursor;
  do {
    const json page = history("?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor));
    EXPECT_LE(page.at("entries").size(), 2U);
    for (const json& entry : page.at("entries")) paged.push_back(entry);
    cursor = page.value("next", "");
  } while (!cursor.empty() && paged.size() < 100);
  EXPECT_EQ(json(paged), whole);
  for (std::size_t i = 1; i < whole.size(); ++i)
    EXPECT_GT(whole.at(i - 1).at("number"), whole.at(i).at("number"));
  EXPECT_EQ(whole.back().at("kind"), "rollout_started");
  EXPECT_EQ(whole.front().at("kind"), "rollout_ended");
  EXPECT_EQ(whole.front().at("rollout"), kId);
}

TEST_F(RecordedTest, HistoryCanBeAskedOfOneServiceAndOfALastWhile) {
  EngineRig rig(plan());
  roll_back(rig);
  rig.push(rules::Disarmed{.at = rig.now(), .service = "", .until = rig.now() + 1h, .by = "ann"});
  rig.run(1s);
  record(rig);
  now_ = rig.now();
  EXPECT_EQ(history("?service=other").at("type"), "urn:belay:problem:unknown-service");
  EXPECT_EQ(history("?service=shop").at("entries").at(0).at("what"),
            "no actions everywhere until " + format_utc(rig.now() + 1h - 1s) + ", by ann");
  // One that only the journal knows, by now.
  publish({.at = now_});
  EXPECT_GT(history("?service=shop").at("entries").size(), 1U);
  EXPECT_EQ(history("?since=30s").at("entries").at(0).at("kind"), "disarmed");
  EXPECT_THAT(history("?since=30s").at("entries").at(0).at("what").get<std::string>(),
              HasSubstr("by ann"));
  const std::size_t all = history("?service=shop").at("entries").size();
  EXPECT_GT(all, history("?since=30s").at("entries").size());
  EXPECT_EQ(history("?since=30d").at("entries").size(), all);
  for (const char* wrong : {"?since=soon", "?limit=0", "?limit=501", "?cursor=x", "?limit=-1"})
    EXPECT_EQ(look(request("GET", std::string("/api/v1/history") + wrong)).status, 400) << wrong;
}

TEST_F(RecordedTest, HistoryTellsABrakeThatWasReleasedFromOneThatStands) {
  EngineRig rig(plan());
  const Instant now = rig.now();
  rig.push(rules::Disarmed{.at = now, .service = "shop", .until = now, .by = "ann"});
  rig.push(rules::Silenced{.at = now, .rule = "shop-errors", .until = now, .by = "ann"});
  rig.run(1s);
  record(rig);
  std::vector<std::string> told;
  const json page = history();
  for (const json& entry : page.at("entries")) told.push_back(entry.at("what"));
  EXPECT_THAT(told,
              testing::UnorderedElementsAre("actions again on shop, by ann",
                                            "shop-errors no longer silent everywhere, by ann"));
}

TEST_F(RecordedTest, HistorySaysWhyNothingWasDone) {
  const auto notices = [this] {
    std::vector<std::string> told;
    const json entries = history().at("entries");
    for (const json& entry : entries)
      if (entry.at("kind") == "notice") told.push_back(entry.at("what"));
    return told;
  };
  EngineRig rig(plan());
  rig.push(rules::Disarmed{.at = rig.now(), .service = "shop", .until = rig.now() + 1h});
  rig.stream("v2 fails", 20, {.version = "v2", .status = 500});
  rig.push(from_v1_to_v2(rig));
  rig.run(8s);
  record(rig);
  EXPECT_THAT(
      notices(),
      testing::ElementsAre(testing::StartsWith("shop: did not roll back from v2 to v1: disarmed")));
}

TEST_F(RecordedTest, HistorySaysWhyItIsNotKnownWhetherSomethingWasDone) {
  EngineRig rig(plan());
  rig.stream("v2 fails", 20, {.version = "v2", .status = 500});
  rig.push(from_v1_to_v2(rig));
  rig.run(8s);
  obey(rig, rules::ActionOutcome::Phase::unknown);
  rig.run(1s);
  record(rig);
  EXPECT_THAT(
      history().dump(),
      HasSubstr("still trying to roll back from v2 to v1; nobody knows yet whether that was "
                "done: by hand"));
}

TEST_F(RecordedTest, OneQuestionStandsAtATimeAndNoneIsLost) {
  EngineRig rig(plan());
  roll_back(rig);
  net::Outgoing first = ask(request("GET", "/api/v1/history"));
  net::Outgoing gone = ask(request("GET", "/api/v1/history?limit=1"));
  net::Outgoing third = ask(request("GET", "/api/v1/history?limit=2"));
  ASSERT_TRUE(first.later && gone.later && third.later);
  gone = {};  // Its client has hung up.
  std::optional<net::Outgoing> second_answer;
  std::optional<net::Outgoing> first_answer;
  for (int i = 0; i < 20 && !(first_answer && second_answer); ++i) {
    past_.serve(journal_.get());
    if (!second_answer) second_answer = third.later();
    if (!first_answer) first_answer = first.later();
  }
  ASSERT_TRUE(first_answer && second_answer);
  EXPECT_EQ(json_of(*second_answer).at("entries").size(), 2U);
  EXPECT_GT(json_of(*first_answer).at("entries").size(), 2U);
}

TEST_F(RecordedTest, TheEngineThatDoesNotComeRoundIsNotWaitedForForever) {
  const net::Outgoing answer = ask(request("GET", "/api/v1/history"));
  ASSERT_TRUE(answer.later);
  EXPECT_FALSE(answer.later().has_value());
}

TEST_F(RecordedTest, WhatTheJournalKnowsDoesNotBeginAgainUnderItsKey) {
  const auto begin = [this] { return begin_under_key("rollouts", kRollout); };
  publish(shop());
  begin();
  ASSERT_EQ(delivered_.size(), 1U);
  const std::string id = std::get<Boxed<rules::RolloutStarted>>(delivered_[0])->id;
  play_out(delivered_[0]);
  const net::Outgoing again = begin();
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(json_of(again).at("id"), id);
  EXPECT_EQ(json_of(again).at("state"), "promoted");
  EXPECT_EQ(delivered_.size(), 1U) << "it has begun once, and is over";
}

TEST_F(RecordedTest, ATrainThatTheJournalKnowsDoesNotBeginAgainUnderItsKey) {
  const auto begin = [this] {
    return begin_under_key("trains", R"({"name":"r1","rollouts":[)" + std::string(kRollout) + "]}");
  };
  publish(shop());
  begin();
  ASSERT_EQ(delivered_.size(), 1U);
  play_out(delivered_[0]);
  const net::Outgoing again = begin();
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(json_of(again).at("rollouts").at(0).at("state"), "promoted") << again.body;
  EXPECT_EQ(delivered_.size(), 1U);
}

}  // namespace
}  // namespace belay::test
