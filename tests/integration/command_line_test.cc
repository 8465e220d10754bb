#include <algorithm>
#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/belay_run.h"
#include "tests/support/child_process.h"
#include "tests/support/paths.h"
#include "tests/support/scripted_peer.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(CommandLineTest, AnUnknownVerbIsAUsageErrorWithASuggestion) {
  const BelayRun run = run_belay({"rplay"});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.text, HasSubstr("did you mean `replay`?"));
  EXPECT_EQ(run_belay({"--version"}).code, 0);
  EXPECT_EQ(run_belay({}).code, 2);
  EXPECT_EQ(run_belay({"gate", "--service", "a", "--candidate", "b"}).code, 69) << "no daemon";
  EXPECT_EQ(run_belay({"gate", "--candidate", "b"}).code, 2);
}

TEST(CommandLineTest, WhatAnswersAndIsNotBelayIsNoDaemon) {
  std::atomic<int> status = 200;
  const ScriptedPeer peer{[&status](PeerConnection& connection) {
    connection.read_until("\r\n\r\n");
    connection.send(http_response(status, R"({"status":"ok"})"));
  }};
  const std::vector<std::vector<std::string>> verbs = {
      {"rollout", "status"},
      {"rollout", "status", "x"},
      {"rollout", "pause", "x"},
      {"rollout", "start", "--service", "s", "--candidate", "v2", "--for", "1m"},
      {"train", "status", "t"},
      {"history"},
      {"report", "x", "--output", "json"},
      {"disarm", "--for", "1h"},
      {"silence", "r", "--for", "1h"}};
  for (const int answered : {200, 404}) {
    status = answered;
    for (const std::vector<std::string>& verb : verbs) {
      const BelayRun run = run_belay(verb, {}, {"BELAY_URL=" + peer.url("")});
      EXPECT_EQ(run.code, 69) << verb.front() << ": " << run.text;
      EXPECT_THAT(run.text, HasSubstr("is not Belay (HTTP " + std::to_string(answered) + ")"));
    }
  }
}

TEST(CommandLineTest, AVersionThatIsNoTextIsAUsageError) {
  for (const std::vector<std::string>& verb : std::vector<std::vector<std::string>>{
           {"rollout", "start", "--service", "s", "--candidate", "v\xff", "--for", "1m"},
           {"gate", "--service", "s", "--candidate", "v2", "--baseline", "v\xc3"},
           {"train", "start", "t", "--candidate", "s=\xff"}}) {
    const BelayRun run = run_belay(verb);
    EXPECT_EQ(run.code, 2) << run.text;
    EXPECT_THAT(run.text, HasSubstr("is not valid UTF-8"));
  }
}

TEST(CommandLineTest, ReplayAccountsForEveryDocumentOfEverySample) {
  int samples = 0;
  for (const auto& entry : std::filesystem::directory_iterator(data_path("samples"))) {
    const BelayRun run = run_belay({"replay", "--output", "json", entry.path().string()});
    // Behind it stands the complaint where nothing could be judged.
    const std::string printed = run.text.substr(0, run.text.rfind("\n}") + 2);
    const json summary = json::parse(printed, nullptr, false);
    ASSERT_TRUE(summary.is_object()) << entry.path() << run.text;
    const bool is_any_judged =
        std::ranges::any_of(summary.value("rules", json::array()),
                            [](const json& rule) { return rule.at("truth") != "unknown"; });
    EXPECT_EQ(run.code, is_any_judged ? 0 : 12) << entry.path();
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

TEST(CommandLineTest, TheSameRecordingTwiceGivesTheSameBytes) {
  const std::string sample = data_path("samples/tail-prodlike.ndjson").string();
  const BelayRun first = run_belay({"replay", "--output", "jsonl", sample});
  EXPECT_EQ(first.code, 0);
  EXPECT_EQ(run_belay({"replay", "--output", "jsonl", sample}).text, first.text);
}

TEST(CommandLineTest, ReplayAgainstOtherRulesTellsWhatDiffers) {
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

TEST(CommandLineTest, ARecordingOfWhichNothingCanBeJudgedIsUnknown) {
  const TemporaryDirectory directory;
  directory.write("log", "not a log\n");
  const BelayRun run = run_belay({"replay", "log"}, directory.path());
  EXPECT_EQ(run.code, 12) << run.text;
  EXPECT_THAT(run.text, HasSubstr("nothing was judged"));
  const BelayRun compared = run_belay(
      {"replay", "--rules", "packs/rollout", "--against", "packs/probes", "log"}, directory.path());
  EXPECT_EQ(compared.code, 12) << compared.text;
}

TEST(CommandLineTest, ARecordingInWhichTooMuchCannotBeReadIsUnknown) {
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

TEST(CommandLineTest, ADisarmThatNobodyMayEverReadIsToldEachTime) {
  const TemporaryDirectory directory;
  directory.write("belay.yaml", "services: { shop: {} }\n");
  std::filesystem::create_directory(directory.path() / "belay-state");
  std::filesystem::permissions(directory.path() / "belay-state", std::filesystem::perms::owner_all);
  for (int i = 0; i < 2; ++i) {
    const BelayRun run = run_belay({"disarm", "--for", "1h"}, directory.path());
    EXPECT_EQ(run.code, 0) << run.text;
    EXPECT_THAT(run.text, HasSubstr("no Belay has done anything with this state"));
  }
}

TEST(CommandLineTest, AWorkingDirectoryThatWasRemovedEndsNoCommand) {
  const TemporaryDirectory directory;
  const auto run_nowhere = [&](const std::string& arguments) {
    const std::string script = "mkdir gone && cd gone && rmdir ../gone && exec \"$0\" " + arguments;
    const auto output = directory.path() / "output";
    ChildProcess child{{.argv = {"sh", "-c", script, belay_binary().string()},
                        .output = output,
                        .directory = directory.path()}};
    return BelayRun{child.wait(std::chrono::seconds{20}).value_or(-1), content_of(output)};
  };
  for (const char* arguments :
       {"test", "check packs/rollout", "explain rollout-5xx",
        "explain rollout-5xx --rules packs/rollout", "explain default/errors"}) {
    const BelayRun run = run_nowhere(arguments);
    EXPECT_EQ(run.code, 0) << arguments << "\n" << run.text;
  }
  for (const char* arguments : {"test rules.yaml", "check", "run"}) {
    const BelayRun run = run_nowhere(arguments);
    EXPECT_EQ(run.code, 78) << arguments << "\n" << run.text;
  }
}

TEST(CommandLineTest, AJumpInTimeNamesItsLine) {
  const TemporaryDirectory directory;
  directory.write("log",
                  "{\"ts\":1795182320000,\"service\":\"s\",\"status\":200}\n\n"
                  "{\"ts\":1799999999999,\"service\":\"s\",\"status\":200}\n");
  const BelayRun run = run_belay({"replay", "log"}, directory.path());
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.text, HasSubstr("log:3: the time jumps ahead"));
  EXPECT_THAT(run.text, HasSubstr("1 rejected (1 time_jump)"));
}

TEST(CommandLineTest, AWrongConfigurationIsRefusedWholeWithEveryErrorAndItsPlace) {
  const TemporaryDirectory directory;
  directory.write("belay.yaml",
                  "mode: enforced\nservices:\n  shop:\n    logs: { file: a, exec: [b] }\n"
                  "    probs: {}\n");
  for (const char* verb : {"check", "run"}) {
    const BelayRun run = run_belay({verb}, directory.path());
    EXPECT_EQ(run.code, 78) << verb;
    EXPECT_THAT(run.text, HasSubstr("belay.yaml:1:7: error:"));
    EXPECT_THAT(run.text, HasSubstr("belay.yaml:4:11: error: logs come from exactly one"));
    EXPECT_THAT(run.text, HasSubstr("belay.yaml:5:5: error:"));
    EXPECT_THAT(run.text, HasSubstr("did you mean `probes`?"));
  }
  EXPECT_EQ(run_belay({"check", "none.yaml"}, directory.path()).code, 78);
}

TEST(CommandLineTest, EveryExampleIsAccepted) {
  const std::vector<std::string> environment = {"CLOUDFLARE_ACCOUNT_ID=a",
                                                "CLOUDFLARE_API_TOKEN=t",
                                                "SLACK_WEBHOOK_URL=https://s.test/x",
                                                "REDIS_URL=redis://r.test",
                                                "HEARTBEAT_URL=https://h.test",
                                                "BELAY_INGEST_TOKEN=t"};
  int examples = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(source_dir() / "examples")) {
    if (entry.path().extension() != ".yaml") continue;
    const BelayRun run = run_belay({"check", entry.path().string()}, {}, environment);
    EXPECT_EQ(run.code, 0) << run.text;
    ++examples;
  }
  EXPECT_GE(examples, 5);
}

TEST(CommandLineTest, AResultThatCannotBePrintedIsNoSuccess) {
  const TemporaryDirectory directory;
  const auto config = directory.write("belay.yaml", "services: { shop: { logs: { file: a } } }\n");
  const std::string sample = data_path("samples/tail-prodlike.ndjson").string();
  const auto code_of = [&](const std::vector<std::string>& arguments, const char* script) {
    std::vector<std::string> argv = {"sh", "-c", script, "sh", belay_binary().string()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    ChildProcess child{{.argv = std::move(argv), .directory = directory.path()}};
    return child.wait(std::chrono::seconds{20}).value_or(-1);
  };
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"check", config.string()},
        {"replay", "-o", "json", sample},
        {"replay", sample},
        {"test"},
        {"explain", "default/errors"}}) {
    EXPECT_EQ(code_of(arguments, "\"$@\""), 0) << arguments[0];
    EXPECT_EQ(code_of(arguments, "\"$@\" > /dev/full"), 69) << arguments[0];
  }
  // Who reads has seen enough, and has gone before anything is printed.
  constexpr const char* kNobodyReads =
      "mkfifo gone; { cat gone > cat; \"$@\"; echo $? > code; } | { exec <&-; echo > gone; }; "
      "exit $(cat code)";
  EXPECT_EQ(code_of({"replay", sample}, kNobodyReads), 0);
}

TEST(CommandLineTest, CheckCountsTheDefaultJudgementAndWhatIsAskedFirst) {
  const TemporaryDirectory directory;
  const auto config =
      directory.write("belay.yaml",
                      "services:\n  shop:\n    logs: { file: a }\n"
                      "    rollout: { preflight: { calm: { when: 5xx rate > 1% over 5m } } }\n");
  const BelayRun run = run_belay({"check", config.string()});
  EXPECT_EQ(run.code, 0) << run.text;
  EXPECT_THAT(run.text, HasSubstr("1 rule"));
  EXPECT_THAT(run.text, HasSubstr("the default judgement of the rollouts of 1 service"));
}

TEST(CommandLineTest, TheShippedPacksPassTheirTests) {
  const BelayRun run = run_belay({"test"});
  EXPECT_EQ(run.code, 0) << run.text;
  EXPECT_THAT(run.text, HasSubstr(" passed, 0 failed"));
}

TEST(CommandLineTest, ExplainOpensARuleOrASentence) {
  const BelayRun rule = run_belay({"explain", "rollout-5xx", "--rules", "packs/rollout"});
  EXPECT_EQ(rule.code, 0) << rule.text;
  EXPECT_THAT(rule.text, HasSubstr("belay_requests_total"));
  const BelayRun wrong = run_belay({"explain", "5xx rate > 5 over 1m"});
  EXPECT_EQ(wrong.code, 78);
  EXPECT_THAT(wrong.text, HasSubstr("5%"));
}

}  // namespace
}  // namespace belay::test
