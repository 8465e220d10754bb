// Goal: a report tells the whole story of a rollout, hands nothing hostile on, and is the same
// after a restart. Method: the real engine on the tests' clock writes a real journal, which the API
// reads, without a socket.

#include "exporters/report.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/monitor/api/recorded_fixture.h"
#include "tests/rules/support/engine_rig.h"
#include "tests/support/paths.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using rules::EngineRig;
using testing::HasSubstr;
using testing::Not;

class ReportTest : public RecordedTest {};

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

exporters::ServiceCommands commands() {
  return {.undo = "wrangler versions deploy {candidate} {baseline} --name shop",
          .logs = "wrangler tail shop --version-id {candidate}"};
}

TEST_F(ReportTest, TheCommandThatUndoesARollbackIsInIt) {
  commands_["shop"] = commands();
  EngineRig rig(plan());
  roll_back(rig);
  EXPECT_THAT(markdown(),
              HasSubstr("- To undo what Belay did: `wrangler versions deploy v2 v1 --name shop`"));
  EXPECT_THAT(markdown(), HasSubstr("- To look at the logs: `wrangler tail shop --version-id v2`"));
  EXPECT_EQ(report().at("undo"), "wrangler versions deploy v2 v1 --name shop");
}

TEST_F(ReportTest, WhereNothingWasDoneThereIsNothingToUndo) {
  commands_["shop"] = commands();
  play_out(from_v1_to_v2(EngineRig(plan())));
  EXPECT_THAT(markdown(), Not(HasSubstr("To undo")));
  EXPECT_THAT(markdown(), HasSubstr("- To look at the logs: `wrangler tail shop --version-id v2`"));
  EXPECT_FALSE(report().contains("undo"));
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

TEST_F(ReportTest, SaysThatTheDefaultJudgementJudgedWhereNobodyWroteARule) {
  rules::Plan by_default = EngineRig::plan_of({}, {});
  by_default.services[0].rollout.is_judged_by_default = true;
  EngineRig rig(std::move(by_default));
  for (const char* version : {"v1", "v2"}) rig.stream(version, 20, {.version = version});
  rig.run(12s);
  rig.push(from_v1_to_v2(rig));
  rig.run(1min);
  record(rig);
  EXPECT_THAT(markdown(), HasSubstr("No rule of yours: the default judgement, as below."));
}

TEST(Report, OfWhatItsTrainTookBackSaysSoAndWhy) {
  const auto moved = [](Instant at, const char* state, const char* rule, const char* why) {
    return rules::JournalEntry{.kind = rules::JournalEntry::Kind::rollout_moved,
                               .at = at,
                               .service = "shop",
                               .rule = rule,
                               .intent = "",
                               .text = json{{"state", state}, {"rule", rule}, {"why", why}}.dump(),
                               .rollout = "11111111-1111-4111-8111-111111111111"};
  };
  const Instant at = EngineRig::kStart;
  const std::vector<rules::JournalEntry> entries = {
      moved(at, "promoted", "", "3 rules are fine"),
      moved(at + 1min, "rolling_back", "train", "its train r1 failed: orders v2: errors"),
      moved(at + 2min, "rolling_back", "train", "did not help"),
      moved(at + 3min, "recovered", "train", "errors is fine")};
  rules::RememberedRollout known;
  known.started = {.at = at, .service = "shop", .candidate = "v2", .baseline = "v1"};
  known.state = rules::RolloutState::recovered;
  known.rule = "train";
  known.verdict = rules::Outcome::fail;
  const exporters::Report report =
      exporters::compose_report({.known = known, .entries = entries, .commands = {}});
  EXPECT_EQ(verdict_of(report), "Its train failed, and what was done helped");
  EXPECT_EQ(report.decided_by, "its train r1 failed: orders v2: errors");
  EXPECT_EQ(report.decided, at + 1min);
}

TEST(Report, WhatThePlatformShowedIsInTheTimelineInPlaceOfItsStateOnceMore) {
  const Instant at = EngineRig::kStart;
  const auto moved = [&](Duration after, const char* restated) {
    json text = {{"state", "baking"}, {"step", 0}, {"why", "watching"}};
    if (*restated != '\0') text["restated"] = restated;
    return rules::JournalEntry{.kind = rules::JournalEntry::Kind::rollout_moved,
                               .at = at + after,
                               .service = "shop",
                               .rule = "",
                               .intent = "",
                               .text = text.dump(),
                               .rollout = "11111111-1111-4111-8111-111111111111"};
  };
  rules::RememberedRollout known;
  known.started = {.at = at, .service = "shop", .candidate = "v2", .baseline = "v1"};
  const exporters::Report report = exporters::compose_report(
      {.known = known,
       .entries = {moved(0s, ""), moved(5s, "the platform shows v2 at 10%")},
       .commands = {}});
  std::vector<std::string> told;
  for (const auto& moment : report.timeline) told.push_back(moment.what);
  EXPECT_THAT(told,
              testing::ElementsAre("baking, step 1: watching", "the platform shows v2 at 10%"));
}

TEST_F(ReportTest, OfAFailThatWasLeftAsItIsItSaysWhy) {
  const std::string disarmed = "disarmed until ";
  const std::string irreversible = "irreversible: nothing is rolled back";
  const std::string observe = "mode observe";
  int number = 2;
  for (const std::string& why : {disarmed, irreversible, observe}) {
    EngineRig rig(plan());
    rules::RolloutStarted started = from_v1_to_v2(rig);
    started.id.back() = static_cast<char>('0' + number++);
    started.is_irreversible = why == irreversible;
    if (why == observe) started.mode = rules::Mode::observe;
    if (why == disarmed)
      rig.push(rules::Disarmed{.at = rig.now(), .service = "shop", .until = rig.now() + 1h});
    rig.stream("v1", 20, {.version = "v1"});
    rig.stream("v2", 20, {.version = "v2", .status = 500});
    rig.push(started);
    rig.run(1min);
    record(rig);
    EXPECT_THAT(markdown(started.id), HasSubstr("\nNothing: `" + why));
  }
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

}  // namespace
}  // namespace belay::test
