#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/belay_run.h"
#include "tests/support/child_process.h"
#include "tests/support/eventually.h"
#include "tests/support/paths.h"
#include "tests/support/scripted_peer.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

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

TEST(CommandLineTest, ADisarmOfAStateThatABelayHasWorkedWithSaysNothingOfIt) {
  const TemporaryDirectory directory;
  directory.write("belay.yaml", "services: { shop: { logs: { file: shop.log } } }\n");
  directory.write("shop.log", "");
  const BelayRun gate =
      run_belay({"gate", "--standalone", "--service", "shop", "--candidate", "v2", "--for", "1s"},
                directory.path());
  EXPECT_EQ(gate.code, 12) << gate.text;
  const BelayRun run = run_belay({"disarm", "--for", "1h"}, directory.path());
  EXPECT_EQ(run.code, 0) << run.text;
  EXPECT_THAT(run.text, Not(HasSubstr("no Belay has done anything with this state")));
}

TEST(CommandLineTest, AKeyWhoseVariableIsNotSetIsAUsageError) {
  for (const std::vector<std::string>& verb : std::vector<std::vector<std::string>>{
           {"rollout", "start", "--service", "s", "--candidate", "v2", "--for", "1m"},
           {"gate", "--service", "s", "--candidate", "v2"},
           {"train", "start", "t", "--candidate", "s=v2"}}) {
    std::vector<std::string> arguments = verb;
    arguments.insert(arguments.end(), {"--idempotency-key", ""});
    const BelayRun run = run_belay(arguments);
    EXPECT_EQ(run.code, 2) << run.text;
    EXPECT_THAT(run.text, HasSubstr("is the variable set?"));
  }
}

TEST(CommandLineTest, AStateBesideALinkIsRefusedAlsoFromTheDirectoryThatTheLinkNames) {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory.path() / "7");
  directory.write("7/belay.yaml", "services: { shop: { logs: { file: shop.log } } }\n");
  std::filesystem::create_directory_symlink("7", directory.path() / "current");
  const auto code_in = [&](const std::string& where) {
    ChildProcess child{
        {.argv = {"sh", "-c", "cd " + where + " && exec \"$0\" check", belay_binary().string()},
         .output = directory.path() / "output",
         .directory = directory.path()}};
    return child.wait(std::chrono::seconds{20});
  };
  EXPECT_EQ(code_in("7"), 0) << content_of(directory.path() / "output");
  EXPECT_EQ(code_in("current"), 78);
  EXPECT_THAT(content_of(directory.path() / "output"), HasSubstr("is reached through a link"));
}

TEST(CommandLineTest, WhatGotNoAnswerIsAskedForAgainAfterAWhile) {
  std::mutex mutex;
  std::vector<std::chrono::steady_clock::time_point> asked;
  const ScriptedPeer peer{[&](PeerConnection& connection) {
    connection.read_until("\r\n\r\n");
    {
      const std::scoped_lock lock(mutex);
      asked.push_back(std::chrono::steady_clock::now());
    }
    connection.reset();
  }};
  const ChildProcess train{{.argv = {belay_binary().string(), "train", "abort", "t"},
                            .environment = {"BELAY_URL=" + peer.url("")}}};
  ASSERT_TRUE(eventually([&] { return peer.connections() >= 3; }));
  const std::scoped_lock lock(mutex);
  EXPECT_GE(asked.at(1) - asked.at(0), std::chrono::milliseconds{900});
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
  EXPECT_THAT(rule.text, HasSubstr("belay_requests_total{service=\"SERVICE\", role=\"candidate\""));
  const BelayRun latency = run_belay({"explain", "default/latency"});
  EXPECT_EQ(latency.code, 0) << latency.text;
  EXPECT_THAT(latency.text, HasSubstr("  unknown    while fewer than one in ten"));
  const BelayRun wrong = run_belay({"explain", "5xx rate > 5 over 1m"});
  EXPECT_EQ(wrong.code, 2) << "an argument";
  EXPECT_THAT(wrong.text, HasSubstr("5%"));
}

TEST(CommandLineTest, ExplainSaysThatLatencyIsNotJudged) {
  const TemporaryDirectory directory;
  directory.write("belay.yaml",
                  "state: s\nservices: { shop: { logs: { file: x }, rollout: { limits: { p95 "
                  "latency: off } } } }\n");
  const BelayRun latency = run_belay({"explain", "default/latency"}, directory.path());
  EXPECT_EQ(latency.code, 0) << latency.text;
  EXPECT_THAT(latency.text, HasSubstr("never: it is off by `limits: { p95 latency: off }`"));
  const BelayRun comparison = run_belay({"explain", "default/comparison"}, directory.path());
  EXPECT_THAT(comparison.text, HasSubstr("worse than baseline by 25% errors, confidence 99%"));
}

TEST(CommandLineTest, ExplainTakesTheServiceAndTheRoleFromTheConfiguration) {
  const TemporaryDirectory directory;
  directory.write("rules.yaml",
                  "rules: [{ name: errors, when: \"error rate > 5% over 1m, min 50 requests\", "
                  "then: rollback }]\n");
  directory.write("belay.yaml",
                  "services: { shop: { logs: { file: l }, rollout: { rules: [rules.yaml] } } }\n");
  const BelayRun run = run_belay({"explain", "errors"}, directory.path());
  EXPECT_EQ(run.code, 0) << run.text;
  EXPECT_THAT(run.text, HasSubstr("{service=\"shop\", role=\"candidate\"}"));
}

TEST(CommandLineTest, WhereNothingIsTestedNothingPassed) {
  const TemporaryDirectory directory;
  directory.write("rules.yaml",
                  "rules: [{ name: errors, when: \"error rate > 5% over 1m, min 50 requests\", "
                  "then: rollback }]\n");
  const BelayRun run = run_belay({"test", "rules.yaml"}, directory.path());
  EXPECT_EQ(run.code, 12) << run.text;
  EXPECT_THAT(run.text, HasSubstr("has no tests: nothing was tested"));
}

TEST(CommandLineTest, AnAddressThatIsNoneEndsTheDemoBeforeItBegins) {
  const BelayRun run = run_belay({"demo", "--metrics", "nonsense"});
  EXPECT_EQ(run.code, 2) << run.text;
  EXPECT_THAT(run.text, HasSubstr("IP:PORT should stand here"));
}

}  // namespace
}  // namespace belay::test
