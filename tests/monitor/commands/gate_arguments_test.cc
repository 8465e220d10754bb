#include "monitor/commands/gate_arguments.h"

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

#include "monitor/commands/api_client.h"
#include "monitor/rollout_result.h"
#include "tests/support/temporary_directory.h"

namespace belay::monitor {
namespace {

TEST(DrivingOptionsTest, SayNothingWhereNothingIsSaid) {
  const auto driving = [](std::vector<std::string> words) {
    CLI::App app;
    std::optional<bool> is_driving;
    add_driving_options(app, is_driving);
    app.parse(std::move(words));
    return is_driving;
  };
  EXPECT_EQ(driving({}), std::nullopt) << "the service says it";
  EXPECT_EQ(driving({"--driving"}), true);
  EXPECT_EQ(driving({"--following"}), false);
  EXPECT_THROW(driving({"--driving", "--following"}), CLI::ParseError);
}

TEST(GateArgumentsTest, OnlyTheVerdictsThatAreNamedFail) {
  EXPECT_EQ(exit_code_of(kExitUnknown, "fail,unknown"), kExitUnknown);
  EXPECT_EQ(exit_code_of(kExitUnknown, "fail"), kExitPass);
  EXPECT_EQ(exit_code_of(kExitRolledBack, "unknown"), kExitPass);
  EXPECT_EQ(exit_code_of(kExitNotRecovered, "unknown"), kExitNotRecovered);
  EXPECT_EQ(exit_code_of(kExitInterrupted, "unknown"), kExitInterrupted);
}

TEST(GateArgumentsTest, WranglersFileNamesTheWorkerAndTheVersion) {
  const test::TemporaryDirectory directory;
  GateArguments arguments;
  arguments.from_wrangler =
      directory.write("out", R"({"type":"deploy","worker_name":"shop","version_id":"v2"})")
          .string();
  EXPECT_FALSE(complete(arguments).has_value());
  EXPECT_EQ(arguments.service, "shop");
  EXPECT_EQ(arguments.candidate, "v2");
  EXPECT_TRUE(complete(arguments).has_value()) << "a candidate is named already";
}

TEST(GateArgumentsTest, TheWorkerIsKnownBesideTheServiceThatIsNamed) {
  const test::TemporaryDirectory directory;
  GateArguments arguments;
  arguments.service = "checkout";
  arguments.from_wrangler =
      directory.write("out", R"({"type":"deploy","worker_name":"shop","version_id":"v2"})")
          .string();
  EXPECT_FALSE(complete(arguments).has_value());
  EXPECT_EQ(arguments.service, "checkout");
  EXPECT_EQ(arguments.worker, "shop");
}

TEST(GateArgumentsTest, WhatIsMissingIsSaid) {
  GateArguments arguments;
  EXPECT_TRUE(complete(arguments).has_value());
  arguments.service = "shop";
  EXPECT_TRUE(complete(arguments).has_value());
  arguments.candidate = "v2";
  EXPECT_FALSE(complete(arguments).has_value());
  arguments.baseline = "v2";
  EXPECT_TRUE(complete(arguments).has_value());
}

TEST(GateArgumentsTest, AGateThatWouldNeverEndOrNotBeginIsRefused) {
  GateArguments arguments;
  arguments.service = "shop";
  arguments.candidate = "v2";
  for (const char* wrong : {"0s", "999ms", "721h"}) {
    arguments.lasts = wrong;
    EXPECT_TRUE(complete(arguments).has_value()) << wrong;
  }
  for (const char* right : {"1s", "10m", "720h"}) {
    arguments.lasts = right;
    EXPECT_FALSE(complete(arguments).has_value()) << right;
  }
}

TEST(GateArgumentsTest, AUrlWithAPasswordIsRefusedAndNotShown) {
  const auto client = ApiClient::find({.url = "https://me:canary@belay.example.com/x"});
  ASSERT_FALSE(client.ok());
  EXPECT_EQ(client.error().message.find("canary"), std::string::npos);
  EXPECT_TRUE(ApiClient::find({.url = "https://belay.example.com/@x"}).ok());
}

TEST(RolloutResultTest, EveryFinalStateHasItsExitCode) {
  using rules::RolloutState;
  const auto code = [](RolloutState state, rules::Outcome verdict = rules::Outcome::unknown) {
    rules::RolloutStatus rollout;
    rollout.state = state;
    rollout.verdict = verdict;
    const auto result = result_of(rollout);
    return result ? static_cast<int>(result->code) : -1;
  };
  EXPECT_EQ(code(RolloutState::promoted), 0);
  EXPECT_EQ(code(RolloutState::failed), 10);
  EXPECT_EQ(code(RolloutState::recovered), 11);
  EXPECT_EQ(code(RolloutState::inconclusive), 12);
  EXPECT_EQ(code(RolloutState::inconclusive, rules::Outcome::fail), 14);
  EXPECT_EQ(code(RolloutState::not_recovered), 14);
  EXPECT_EQ(code(RolloutState::superseded), 15);
  EXPECT_EQ(code(RolloutState::aborted), 15);
  for (const RolloutState state :
       {RolloutState::pending, RolloutState::preflight, RolloutState::baking, RolloutState::held,
        RolloutState::rolling_back, RolloutState::verifying}) {
    EXPECT_EQ(code(state), -1);
  }
}

TEST(RolloutResultTest, WhatWasWrongComesBeforeWhatWasSeenSince) {
  rules::RolloutStatus rollout;
  rollout.state = rules::RolloutState::recovered;
  rollout.why = "errors is fine";
  EXPECT_EQ(result_of(rollout)->why, "errors is fine") << "what its timeline does not know";
  rollout.timeline = {{.state = rules::RolloutState::baking, .what = "baking"},
                      {.state = rules::RolloutState::rolling_back, .what = "errors fired: 9% > 5%"},
                      {.state = rules::RolloutState::rolling_back, .what = "roll back"},
                      {.state = rules::RolloutState::recovered, .what = "errors is fine"}};
  EXPECT_EQ(result_of(rollout)->why, "errors fired: 9% > 5%; since then: errors is fine");
  rollout.state = rules::RolloutState::promoted;
  EXPECT_EQ(result_of(rollout)->why, "errors is fine");
}

}  // namespace
}  // namespace belay::monitor
