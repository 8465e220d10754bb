// Goal: what `belay replay` says, and the code that it ends with, can be believed. Method: the real
// binary, over the samples and recordings made here.

#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/belay_run.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {
namespace {

using nlohmann::json;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

/// `count` requests in each of the seconds, all fine.
std::string fine(int first_second, int seconds, int every_seconds, int count) {
  std::string log;
  for (int second = first_second; second < first_second + seconds; second += every_seconds) {
    for (int i = 0; i < count; ++i) {
      log += "{\"ts\":" + std::to_string(1'795'182'320'000 + second * 1000 + i) +
             R"(,"service":"s","version":"v2","status":200,"wall_ms":3})" + "\n";
    }
  }
  return log;
}

TEST(ReplayRunTest, WhatWasJudgedAndEndsInSilenceIsNotUnknown) {
  const TemporaryDirectory directory;
  directory.write("log", fine(0, 180, 1, 10) + fine(180, 900, 60, 1));
  const BelayRun run = run_belay({"replay", "log"}, directory.path());
  EXPECT_EQ(run.code, 0) << run.text;
  const std::string rules = run_belay({"replay", "-o", "json", "log"}, directory.path()).text;
  const json summary = json::parse(rules, nullptr, false);
  ASSERT_TRUE(summary.is_object()) << rules;
  for (const json& rule : summary.at("rules")) EXPECT_EQ(rule.at("truth"), "unknown") << rule;
}

TEST(ReplayRunTest, TheDefaultJudgementJudgesWithoutARule) {
  const TemporaryDirectory directory;
  directory.write("log", fine(0, 180, 1, 10));
  const BelayRun run = run_belay({"replay", "log", "-o", "jsonl", "--service", "s", "--candidate",
                                  "v2", "--steps", "100% for 1m"},
                                 directory.path());
  EXPECT_EQ(run.code, 0) << run.text;
  EXPECT_THAT(run.text, HasSubstr(R"("decision":"keep")"));
}

TEST(ReplayRunTest, WithoutABaselineItSaysWhatThatMeansAndWhatKeepDoes) {
  const TemporaryDirectory directory;
  directory.write("log", fine(0, 180, 1, 10));
  std::vector<std::string> arguments = {"replay",      "log", "--service", "s",
                                        "--candidate", "v2",  "--steps",   "100% for 1m"};
  const BelayRun run = run_belay(arguments, directory.path());
  EXPECT_THAT(run.text, HasSubstr("no --baseline: nothing is compared"));
  EXPECT_THAT(run.text, HasSubstr("  keep (to its end nothing called for a rollback)\n"));
  arguments.insert(arguments.end(), {"--baseline", "v1"});
  EXPECT_THAT(run_belay(arguments, directory.path()).text, Not(HasSubstr("no --baseline")));
}

TEST(ReplayRunTest, WhatCouldNotBeJudgedAllAlongIsUnknownHoweverItIsAsked) {
  const TemporaryDirectory directory;
  directory.write("log", fine(0, 900, 60, 1));
  for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{
           {},
           {"--rules", "packs/rollout", "--against", "packs/probes"},
           {"--service", "s", "--candidate", "v2", "--steps", "100% for 1m"}}) {
    std::vector<std::string> arguments = {"replay", "log"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const BelayRun run = run_belay(arguments, directory.path());
    EXPECT_EQ(run.code, 12) << run.text;
    EXPECT_THAT(run.text, HasSubstr("no rule was anything but unknown"));
  }
}

TEST(ReplayRunTest, ReplayAccountsForEveryDocumentOfEverySample) {
  int samples = 0;
  for (const auto& entry : std::filesystem::directory_iterator(data_path("samples"))) {
    const BelayRun run = run_belay({"replay", "--output", "json", entry.path().string()});
    // Behind it stands the complaint where nothing could be judged.
    const std::string printed = run.text.substr(0, run.text.rfind("\n}") + 2);
    const json summary = json::parse(printed, nullptr, false);
    ASSERT_TRUE(summary.is_object()) << entry.path() << run.text;
    const bool is_judged_at_the_end =
        std::ranges::any_of(summary.value("rules", json::array()),
                            [](const json& rule) { return rule.at("truth") != "unknown"; });
    if (is_judged_at_the_end || summary.at("used") == 0) {
      EXPECT_EQ(run.code, is_judged_at_the_end ? 0 : 12) << entry.path();
    } else {  // It may have been judged before it ended in silence.
      EXPECT_THAT(run.code, AnyOf(0, 12)) << entry.path();
    }
    std::uint64_t rejected = 0;
    for (const auto& [reason, count] : summary.at("rejected").items()) {
      rejected += count.get<std::uint64_t>();
    }
    EXPECT_EQ(summary.at("documents"), summary.at("used").get<std::uint64_t>() + rejected)
        << entry.path();
    if (entry.path().filename() == "wrangler-tail-format-json.stdout.txt") {
      EXPECT_EQ(summary.at("documents"), 34);
    }
    ++samples;
  }
  EXPECT_GE(samples, 8);
}

TEST(ReplayRunTest, TheSameRecordingTwiceGivesTheSameBytes) {
  const std::string sample = data_path("samples/tail-prodlike.ndjson").string();
  const BelayRun first = run_belay({"replay", "--output", "jsonl", sample});
  EXPECT_EQ(first.code, 0);
  EXPECT_EQ(run_belay({"replay", "--output", "jsonl", sample}).text, first.text);
}

TEST(ReplayRunTest, ReplayAgainstOtherRulesTellsWhatDiffers) {
  const TemporaryDirectory directory;
  std::string log;
  for (int second = 0; second < 120; ++second) {
    for (int i = 0; i < 10; ++i) {
      log += "{\"ts\":" + std::to_string(1'795'182'320'000 + second * 1000 + i) +
             ",\"service\":\"s\",\"status\":" + (second >= 60 && i < 3 ? "500" : "200") + "}\n";
    }
  }
  directory.write("log", log);
  const std::string rule = "  - { name: errors, then: alert, when: \"error rate > ";
  directory.write("a.yaml", "rules:\n" + rule + "20% over 10s, min 20 requests\" }\n");
  directory.write("b.yaml", "rules:\n" + rule + "50% over 10s, min 20 requests\" }\n");
  const std::vector<std::string> compare = {"replay", "--rules", "a.yaml", "--against", "b.yaml"};
  const auto run = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = compare;
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_belay(arguments, directory.path());
  };
  const BelayRun text = run({"log"});
  EXPECT_EQ(text.code, 0) << text.text;
  EXPECT_THAT(text.text, HasSubstr("B  never fired"));
  EXPECT_THAT(text.text, HasSubstr("1 of 1 rules that fired differ; A is a.yaml, B is b.yaml"));
  const json differs = json::parse(run({"--output", "json", "log"}).text);
  EXPECT_EQ(differs.at("differ"), 1);
  EXPECT_EQ(differs.at("rules").at(0).at("a").size(), 1U);
  EXPECT_TRUE(differs.at("rules").at(0).at("b").empty());
  EXPECT_EQ(run({"-"}).code, 2);
}

TEST(ReplayRunTest, ARecordingOfWhichNothingCanBeJudgedIsUnknown) {
  const TemporaryDirectory directory;
  directory.write("log", "not a log\n");
  const BelayRun run = run_belay({"replay", "log"}, directory.path());
  EXPECT_EQ(run.code, 12) << run.text;
  EXPECT_THAT(run.text, HasSubstr("nothing was judged"));
  const BelayRun compared = run_belay(
      {"replay", "--rules", "packs/rollout", "--against", "packs/probes", "log"}, directory.path());
  EXPECT_EQ(compared.code, 12) << compared.text;
}

TEST(ReplayRunTest, ARecordingInWhichTooMuchCannotBeReadIsUnknown) {
  const TemporaryDirectory directory;
  const auto log_with = [](int unreadable) {
    std::string log;
    for (int i = 0; i < 200; ++i) {
      log += "{\"ts\":" + std::to_string(1'795'182'320'000 + i * 600) +
             R"(,"service":"s","status":)" + (i < unreadable ? "\"200\"" : "200") + "}\n";
    }
    return log;
  };
  directory.write("log", log_with(2));
  EXPECT_EQ(run_belay({"replay", "log"}, directory.path()).code, 0);
  directory.write("log", log_with(3));
  for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{
           {},
           {"--rules", "packs/rollout", "--against", "packs/probes"},
           {"--service", "s", "--candidate", "v2", "--steps", "100% for 10s"}}) {
    std::vector<std::string> arguments = {"replay", "log"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const BelayRun run = run_belay(arguments, directory.path());
    EXPECT_EQ(run.code, 12) << run.text;
    EXPECT_THAT(run.text, HasSubstr("3 of 200 documents cannot be read, and may be what fails"));
  }
}

TEST(ReplayRunTest, AJumpInTimeNamesItsLine) {
  const TemporaryDirectory directory;
  directory.write("log",
                  "{\"ts\":1795182320000,\"service\":\"s\",\"status\":200}\n\n"
                  "{\"ts\":1799999999999,\"service\":\"s\",\"status\":200}\n");
  const BelayRun run = run_belay({"replay", "log"}, directory.path());
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.text, HasSubstr("log:3: the time jumps ahead"));
  EXPECT_THAT(run.text, HasSubstr("1 rejected (1 time_jump)"));
}

}  // namespace
}  // namespace belay::test
