// Goal: a report tells the whole story of a rollout, hands nothing hostile on, and is the same
// after a restart; the history is whole, page by page. Method: the real engine on the tests' clock
// writes a real journal, which the API reads, without a socket.

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "monitor/journal.h"
#include "tests/monitor/api/api_fixture.h"
#include "tests/rules/support/engine_rig.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using rules::EngineRig;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kId = "99999999-0000-4000-8000-000000000001";
constexpr const char* kRollout =
    R"({"service":"shop","candidate":"v2","baseline":"v1","for":"30s"})";

class ReportTest : public ApiTest {
 protected:
  ReportTest() { open(); }

  void open() {
    journal_.reset();
    auto opened = monitor::Journal::open(place_.path() / "state");
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    journal_ = std::move(opened).value();
  }
  static rules::Plan plan() {
    return EngineRig::plan_of(
        {}, {rules::make_rule("shop-errors", "error rate > 20% over 5s, min 20 requests, for 1s",
                              "rollback")});
  }
  static rules::RolloutStarted from_v1_to_v2(const EngineRig& rig) {
    return {.at = rig.now(),
            .service = "shop",
            .candidate = "v2",
            .baseline = "v1",
            .lasts = 30s,
            .id = kId,
            .commit = "4f2a91c",
            .by = "ci"};
  }
  /// The journal gets what the engine wanted recorded; the API what it shows.
  void record(EngineRig& rig) {
    const Status status = journal_->append(rig.journal);
    ASSERT_TRUE(status.ok()) << status.error().message;
    rig.journal.clear();
    publish(rig.engine.snapshot());
  }
  /// Someone carries out what is asked for.
  static void obey(EngineRig& rig, rules::ActionOutcome::Phase phase) {
    ASSERT_EQ(rig.orders.size(), 1U);
    rig.push(rules::ActionOutcome{
        .at = rig.now(), .intent = rig.orders.back().intent, .phase = phase, .detail = "by hand"});
  }
  /// A rollout of v2 that fails half of its requests, and is rolled back.
  void roll_back(EngineRig& rig, const std::string& route = "/cart") {
    rig.stream("v1", 20, {.version = "v1", .route = "/cart"});
    rig.run(10s);
    rig.stream("v2", 10, {.version = "v2", .route = route});
    rig.stream("v2 fails", 10, {.version = "v2", .route = route, .status = 500, .exceptions = 1});
    rig.push(from_v1_to_v2(rig));
    rig.run(8s);
    obey(rig, rules::ActionOutcome::Phase::applied);
    rig.stream("v2", 0);
    rig.stream("v2 fails", 0);
    rig.stream("v1", 40, {.version = "v1", .route = "/cart"});
    rig.run(6min);
    record(rig);
  }

  /// To its end; the engine has then forgotten it, as it does with what is long over.
  void play_out(const rules::Event& begins) {
    EngineRig rig(plan());
    for (const char* version : {"v1", "v2"}) rig.stream(version, 20, {.version = version});
    rig.run(12s);
    rig.push(begins);
    rig.run(1min);
    record(rig);
    publish(shop());
  }
  /// As ask(), and the engine's thread comes round in between.
  net::Outgoing look(const net::Incoming& asking) {
    net::Outgoing answer = ask(asking);
    for (int i = 0; i < 100 && answer.later; ++i) {
      past_.serve(journal_.get());
      if (std::optional<net::Outgoing> known = answer.later()) answer = *std::move(known);
    }
    return answer;
  }
  net::Outgoing begin_under_key(const std::string& what, const std::string& body) {
    net::Incoming asking = request("POST", "/api/v1/" + what, kGateToken, body);
    asking.headers.push_back({"Idempotency-Key", "run 1"});
    return look(asking);
  }
  std::string markdown(const std::string& id = kId) {
    net::Incoming asking = request("GET", "/api/v1/rollouts/" + id + "/report");
    asking.headers.push_back({"Accept", "text/markdown"});
    return look(asking).body;
  }
  json report(const std::string& id = kId) {
    return json_of(look(request("GET", "/api/v1/rollouts/" + id + "/report")));
  }
  json history(const std::string& query = "") {
    return json_of(look(request("GET", "/api/v1/history" + query)));
  }

  TemporaryDirectory place_;
  std::unique_ptr<monitor::Journal> journal_;
};

/// tests/data/reports/NAME.md is what it should say.
void expect_golden(const std::string& name, const std::string& told) {
  const std::filesystem::path file = data_path("reports/" + name);
  std::ifstream stream(file);
  std::stringstream expected;
  expected << stream.rdbuf();
  EXPECT_EQ(told, expected.str()) << "of " << file;
}

TEST_F(ReportTest, OneThatFailedAndWasRolledBackIsToldWhole) {
  EngineRig rig(plan());
  roll_back(rig);
  expect_golden("rolled_back.md", markdown());
  const json told = report();
  EXPECT_EQ(told.at("state"), "recovered");
  EXPECT_EQ(told.at("verdict"), "fail");
  EXPECT_EQ(told.at("exit_code"), 11);
  EXPECT_EQ(told.at("rules").at(0).at("rule"), "shop-errors");
  EXPECT_TRUE(told.at("rules").at(0).at("firing"));
  EXPECT_GT(told.at("rules").at(0).at("evidence").at(0).at("numerator"), 0);
  EXPECT_EQ(told.at("actions").at(0).at("verified"), "recovered");
  EXPECT_GT(told.at("time_to_detect_seconds"), 0);
  EXPECT_NEAR(told.at("time_to_recover_seconds").get<double>(), 300, 10);
}

TEST_F(ReportTest, OneThatPassedIsToldWhole) {
  EngineRig rig(plan());
  rig.stream("v1", 20, {.version = "v1"});
  rig.stream("v2", 20, {.version = "v2"});
  rig.run(10s);
  rig.push(from_v1_to_v2(rig));
  rig.run(40s);
  record(rig);
  expect_golden("passed.md", markdown());
  EXPECT_EQ(report().at("exit_code"), 0);
}

TEST_F(ReportTest, OneThatNobodyCouldJudgeSaysWhatWasMissing) {
  EngineRig rig(plan());
  rig.stream("v1", 20, {.version = "v1"});
  rig.stream("v2", 20, {.version = "v2"});
  rig.run(10s);
  rig.push(from_v1_to_v2(rig));
  rig.run(5s);
  rig.push(rules::SourceGap{
      .source = EngineRig::kTail, .at = rig.now(), .span = 1s, .lost = 17, .reason = "inbox_full"});
  rig.run(5s);
  rig.stream("v1", 0);
  rig.stream("v2", 0);
  rig.say(EngineRig::kTail, rules::SourceHealth::down);
  rig.run(30s);
  record(rig);
  expect_golden("unknown.md", markdown());
  const json told = report();
  EXPECT_EQ(told.at("verdict"), "unknown");
  EXPECT_EQ(told.at("evidence_lost").size(), 2U) << told.at("evidence_lost");
}

TEST_F(ReportTest, IsTheSameAfterARestartAndLongAfterwards) {
  std::string before;
  std::string before_json;
  {
    EngineRig rig(plan());
    roll_back(rig);
    before = markdown();
    before_json = report().dump();
  }
  open();
  auto recovered = journal_->recover(EngineRig::kStart + 48h);
  ASSERT_TRUE(recovered.ok()) << recovered.error().message;
  EXPECT_TRUE(recovered->remembered.rollouts.empty()) << "the engine has forgotten it";
  EngineRig next(plan(), std::move(recovered->remembered));
  publish(next.engine.snapshot());
  EXPECT_EQ(markdown(), before);
  EXPECT_EQ(report().dump(), before_json);
}

TEST_F(ReportTest, WhileItIsJudgedItTellsWhatTheEngineSees) {
  EngineRig rig(plan());
  rig.stream("v2", 20, {.version = "v2"});
  rig.push(from_v1_to_v2(rig));
  rig.run(10s);
  record(rig);
  EXPECT_THAT(markdown(), HasSubstr("# Not decided: baking"));
  EXPECT_EQ(report().at("rules").at(0).at("truth"), "fine");
  EXPECT_FALSE(report().contains("exit_code"));
}

TEST_F(ReportTest, HostileTextsForgeNothing) {
  const std::string hostile =
      "/a`b|c\n# Passed\n<img src=x onerror=alert(1)>[x](https://evil.example)![y](z) @everyone "
      "\xE2\x80\xAE \x1b[31m";
  rules::Plan plan = EngineRig::plan_of(
      {}, {rules::make_rule("shop-errors", "error rate > 20% over 5s, min 20 requests, for 1s",
                            "rollback")});
  EngineRig rig(plan);
  rules::RolloutStarted started = from_v1_to_v2(rig);
  started.candidate = hostile;
  started.by = hostile;
  started.commit = hostile;
  started.train = hostile;
  rig.stream("v2", 20, {.version = hostile, .route = hostile, .outcome = hostile, .status = 500});
  rig.push(started);
  rig.run(20s);
  record(rig);
  const std::string page = markdown();
  int headings = 0;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    headings += line.starts_with("#") ? 1 : 0;
    // Every cell is closed by us: a row has as many bars as its table's head.
    if (line.starts_with("|")) {
      EXPECT_LE(std::count(line.begin(), line.end(), '|'), 5) << line;
    }
    // Outside code spans there is nothing of it.
    std::string outside;
    bool is_code = false;
    for (const char c : line) {
      if (c == '`') is_code = !is_code;
      if (!is_code && c != '`') outside += c;
    }
    EXPECT_FALSE(is_code) << "a span that is not closed: " << line;
    for (const char* part : {"evil", "<img", "![", "@everyone", "Passed"}) {
      EXPECT_THAT(outside, Not(HasSubstr(part)));
    }
  }
  EXPECT_EQ(headings, 6) << page;
  EXPECT_THAT(page, Not(HasSubstr("\x1b")));
  EXPECT_THAT(page, Not(HasSubstr("\xE2\x80\xAE")));
}

TEST_F(ReportTest, ARolloutThatNobodyKnowsIsSaidSo) {
  const net::Outgoing answer = look(request("GET", "/api/v1/rollouts/nope/report"));
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(problem_of(answer), "unknown-rollout");
}

TEST_F(ReportTest, WithoutAJournalNothingIsMadeUp) {
  journal_.reset();
  EXPECT_EQ(look(request("GET", "/api/v1/history")).status, 503);
  EXPECT_EQ(look(request("GET", "/api/v1/rollouts/x/report")).status, 503);
}

TEST_F(ReportTest, HistoryIsNewestFirstAndEveryPageGoesOnWhereTheOneBeforeEnded) {
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

TEST_F(ReportTest, HistoryCanBeAskedOfOneServiceAndOfALastWhile) {
  EngineRig rig(plan());
  roll_back(rig);
  rig.push(rules::Disarmed{.at = rig.now(), .service = "", .until = rig.now() + 1h, .by = "ann"});
  rig.run(1s);
  record(rig);
  now_ = rig.now();
  EXPECT_EQ(history("?service=other").at("entries").size(), 1U) << "the brake on everything";
  EXPECT_EQ(history("?since=30s").at("entries").at(0).at("kind"), "disarmed");
  EXPECT_THAT(history("?since=30s").at("entries").at(0).at("what").get<std::string>(),
              HasSubstr("by ann"));
  const std::size_t all = history("?service=shop").at("entries").size();
  EXPECT_GT(all, history("?since=30s").at("entries").size());
  EXPECT_EQ(history("?since=30d").at("entries").size(), all);
  for (const char* wrong : {"?since=soon", "?limit=0", "?limit=501", "?cursor=x", "?limit=-1"})
    EXPECT_EQ(look(request("GET", std::string("/api/v1/history") + wrong)).status, 400) << wrong;
}

TEST_F(ReportTest, HistorySaysWhyNothingWasDone) {
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

TEST_F(ReportTest, HistorySaysWhyItIsNotKnownWhetherSomethingWasDone) {
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

TEST_F(ReportTest, OneQuestionStandsAtATimeAndNoneIsLost) {
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

TEST_F(ReportTest, TheEngineThatDoesNotComeRoundIsNotWaitedForForever) {
  const net::Outgoing answer = ask(request("GET", "/api/v1/history"));
  ASSERT_TRUE(answer.later);
  EXPECT_FALSE(answer.later().has_value());
}

TEST_F(ReportTest, WhatTheJournalKnowsDoesNotBeginAgainUnderItsKey) {
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

TEST_F(ReportTest, ATrainThatTheJournalKnowsDoesNotBeginAgainUnderItsKey) {
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
