#include "monitor/platform/command.h"

#include <fstream>

#include <gtest/gtest.h>

#include "monitor/attempt.h"
#include "tests/monitor/acting/records.h"
#include "tests/support/child_process.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using Phase = rules::ActionOutcome::Phase;
namespace fs = std::filesystem;

class CommandTest : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const char* name) const { return (place_.path() / name).string(); }
  static std::vector<std::string> shell(const std::string& script) {
    return {"/bin/sh", "-c", script};
  }

  /// The whole way of the order, retries without waiting.
  rules::ActionOutcome live(const CommandOptions& options, bool resumed = false) {
    CommandPlatform platform(options);
    ActorOptions patience;
    Attempt attempt(
        order_, platform, clock_, patience, [] { return 0.0; }, resumed);
    std::optional<rules::ActionOutcome> last;
    while (!attempt.is_over()) {
      clock_.advance_to(attempt.due());
      if (auto told = attempt.step({})) last = told;
    }
    return *last;
  }

  test::TemporaryDirectory place_;
  test::ManualClock clock_;
  rules::Order order_ = test::rollback_order(1, clock_.now());
};

TEST_F(CommandTest, GetsItsEvidenceInTheEnvironmentAndNoShellSeesIt) {
  order_.reason = "$(touch " + path("owned") + "); `id`";
  const auto outcome = live({.argv = shell("env | grep ^BELAY_ | sort > " + path("seen"))});
  EXPECT_EQ(outcome.phase, Phase::applied);
  const std::string seen = test::content_of(path("seen"));
  for (const std::string& line :
       {"BELAY_INTENT=" + order_.intent, std::string("BELAY_SERVICE=shop"),
        std::string("BELAY_RULE=rollout/5xx"), std::string("BELAY_ACTION=rollback"),
        std::string("BELAY_TARGET=") + test::kGoodVersion,
        std::string("BELAY_CANDIDATE=") + test::kBadVersion,
        std::string("BELAY_BASELINE=") + test::kGoodVersion, std::string("BELAY_METRIC=5xx rate"),
        std::string("BELAY_VALUE=0.124"), std::string("BELAY_THRESHOLD=0.05"),
        std::string("BELAY_SAMPLES=250"), "BELAY_REASON=" + order_.reason}) {
    EXPECT_NE(seen.find(line + "\n"), std::string::npos) << line << "\nin\n" << seen;
  }
  EXPECT_FALSE(fs::exists(path("owned")));
}

TEST_F(CommandTest, AFailureIsRejectedWithItsOwnWordsMadeHarmless) {
  const auto outcome = live({.argv = shell("printf '\\033[31mno rights\\n' >&2; exit 3")});
  EXPECT_EQ(outcome.phase, Phase::rejected);
  EXPECT_NE(outcome.detail.find("no rights"), std::string::npos) << outcome.detail;
  EXPECT_NE(outcome.detail.find("3"), std::string::npos);
  EXPECT_EQ(outcome.detail.find('\033'), std::string::npos);
}

TEST_F(CommandTest, AProgramIsNamedWithoutItsDirectory) {
  const auto outcome = live({.argv = {"/bin/false"}});
  EXPECT_EQ(outcome.detail.find("/bin"), std::string::npos) << outcome.detail;
  EXPECT_NE(outcome.detail.find("false gave exit code 1"), std::string::npos) << outcome.detail;
}

TEST_F(CommandTest, AProgramThatIsNotThereIsRejected) {
  EXPECT_EQ(live({.argv = {"/nonexistent/rollback"}}).phase, Phase::rejected);
}

TEST_F(CommandTest, WithoutVerifyARunOfUnknownEndIsNeverRepeated) {
  const auto outcome = live({.argv = shell("echo ran >> " + path("runs") + "; kill -9 $$")});
  EXPECT_EQ(outcome.phase, Phase::abandoned);
  EXPECT_EQ(test::content_of(path("runs")), "ran\n");
}

TEST_F(CommandTest, WithoutVerifyAnOpenOrderOfAnEarlierLifeIsNotRun) {
  const auto outcome = live({.argv = shell("echo ran >> " + path("runs"))}, /*resumed=*/true);
  EXPECT_EQ(outcome.phase, Phase::abandoned);
  EXPECT_FALSE(outcome.by_hand.empty());
  EXPECT_FALSE(fs::exists(path("runs")));
}

TEST_F(CommandTest, ARunThatIsOutOfTimeIsEndedWithItsWholeGroup) {
  const auto outcome =
      live({.argv = shell("sleep 1000 & echo $! > " + path("pid") + "; wait"), .timeout = 300ms});
  EXPECT_NE(outcome.detail.find("out of time; it cannot be known"), std::string::npos)
      << outcome.detail;
  EXPECT_EQ(outcome.phase, Phase::abandoned);
  const int pid = std::stoi(test::content_of(path("pid")));
  EXPECT_TRUE(::kill(pid, 0) != 0 ||
              test::content_of("/proc/" + std::to_string(pid) + "/stat").find(") Z ") !=
                  std::string::npos)
      << "its child lives on";
}

TEST_F(CommandTest, VerifyDecidesWhetherItHolds) {
  const std::string flag = path("done");
  CommandOptions options{.argv = shell("touch " + flag), .verify = shell("test -e " + flag)};
  EXPECT_EQ(live(options).phase, Phase::applied);
  EXPECT_EQ(live(options).phase, Phase::already) << "it holds before we act";
}

TEST_F(CommandTest, WithVerifyAnAmbiguousRunIsLookedIntoAndRepeatedIfItDidNotWork) {
  const CommandOptions options{
      .argv = shell("echo ran >> " + path("runs") + "; [ $(wc -l < " + path("runs") +
                    ") = 2 ] && touch " + path("done") + " || kill -9 $$"),
      .verify = shell("test -e " + path("done"))};
  EXPECT_EQ(live(options).phase, Phase::applied);
  EXPECT_EQ(test::content_of(path("runs")), "ran\nran\n");
}

TEST_F(CommandTest, WithVerifyAFailureThatDidNothingIsRunTwiceAndRejectedWithItsOwnWords) {
  const auto outcome =
      live({.argv = shell("echo ran >> " + path("runs") + "; echo permission denied >&2; exit 3"),
            .verify = shell("exit 1")});
  EXPECT_EQ(outcome.phase, Phase::rejected);
  EXPECT_NE(outcome.detail.find("sh gave exit code 3: permission denied;"), std::string::npos)
      << outcome.detail;
  EXPECT_EQ(test::content_of(path("runs")), "ran\nran\n");
}

TEST_F(CommandTest, WithVerifyARunOutOfTimeIsRunTwiceAtMost) {
  const auto outcome = live({.argv = shell("echo ran >> " + path("runs") + "; exec sleep 1000"),
                             .verify = shell("exit 1"),
                             .timeout = 200ms});
  EXPECT_EQ(outcome.phase, Phase::rejected);
  EXPECT_NE(outcome.detail.find("out of time"), std::string::npos) << outcome.detail;
  EXPECT_EQ(test::content_of(path("runs")), "ran\nran\n");
}

TEST_F(CommandTest, AVerifyThatCannotTellMeansThatNothingIsRunAndAMissingOneIsToldSoon) {
  for (const char* verify : {"echo kubectl: not found >&2; exit 127", "exit 7", "kill -9 $$"}) {
    const bool is_missing = std::string_view(verify).ends_with("127");
    const Instant began = clock_.now();
    const auto outcome =
        live({.argv = shell("echo ran >> " + path("runs")), .verify = shell(verify)});
    EXPECT_EQ(outcome.phase, Phase::rejected) << verify;
    EXPECT_EQ(outcome.detail.rfind("nothing was sent: verify sh gave ", 0), 0U) << outcome.detail;
    EXPECT_EQ(clock_.now() - began <= 31s, is_missing) << verify;
    EXPECT_FALSE(fs::exists(path("runs")));
  }
}

TEST_F(CommandTest, AVerifyThatIsBlindForAWhileKeepsNothingFromBeingRun) {
  const std::string looks = path("looks");
  const auto outcome =
      live({.argv = shell("echo ran >> " + path("runs")),
            .verify = shell("test -e " + path("runs") + " && exit 0; echo look >> " + looks +
                            "; [ $(wc -l < " + looks + ") -gt 8 ] && exit 1; exit 2")});
  EXPECT_EQ(outcome.phase, Phase::applied) << outcome.detail;
  EXPECT_EQ(test::content_of(path("runs")), "ran\n");
}

TEST_F(CommandTest, ARunThatEndsWellAndDoesNothingIsFoundOutInAMinuteAndNotRepeated) {
  const Instant began = clock_.now();
  const auto outcome =
      live({.argv = shell("echo ran >> " + path("runs")), .verify = shell("exit 1")});
  EXPECT_EQ(outcome.phase, Phase::abandoned);
  EXPECT_NE(outcome.detail.find("is not done 1m later: verify sh gave exit code 1"),
            std::string::npos)
      << outcome.detail;
  EXPECT_LE(clock_.now() - began, 62s);
  EXPECT_EQ(test::content_of(path("runs")), "ran\n");
}

TEST_F(CommandTest, AVerifyThatSaysThatItGoesOnIsWaitedFor) {
  const auto outcome = live(
      {.argv = shell("echo ran >> " + path("runs")),
       .verify = shell("test -e " + path("runs") + " || exit 1; echo look >> " + path("looks") +
                       "; [ $(wc -l < " + path("looks") + ") -gt 10 ] || exit 2")});
  EXPECT_EQ(outcome.phase, Phase::applied) << outcome.detail;
  EXPECT_EQ(test::content_of(path("runs")), "ran\n");
}

TEST_F(CommandTest, TheLineToTypeByHandIsWhatWasWrittenNotWhatWasFilledIn) {
  const CommandPlatform platform(
      {.argv = {"./deploy", "--token", "s3cret"}, .written = {"./deploy", "--token", "${TOKEN}"}});
  EXPECT_EQ(platform.by_hand(order_),
            std::string("BELAY_SERVICE=shop BELAY_ACTION=rollback BELAY_TARGET=") +
                test::kGoodVersion + " BELAY_CANDIDATE=" + test::kBadVersion +
                " BELAY_BASELINE=" + test::kGoodVersion +
                " ./deploy --token \"${TOKEN}\" # in the directory of the configuration");
}

TEST_F(CommandTest, TheLineToTypeByHandIsRunByAShellAsBelayRunsIt) {
  std::ofstream(path("a secret")) << "hush\n";
  const CommandPlatform platform(
      {.environment = {{"REGION", "eu west"}},
       .argv = {},
       .written = {"printf", "%s|", "it's $$HOME",
                   "\"$${X}\" `id` ${REGION} \\ $$ ${file:" + path("a secret") + "}",
                   "${REGION}"}});
  const std::string typed = platform.by_hand(order_);
  EXPECT_TRUE(typed.ends_with(" # with its `env`: REGION")) << typed;
  const auto outcome =
      live({.argv = shell("REGION='eu west'; { " + typed + "\n} > " + path("said"))});
  EXPECT_EQ(outcome.phase, Phase::applied) << outcome.detail;
  EXPECT_EQ(test::content_of(path("said")), "it's $HOME|\"${X}\" `id` eu west \\ $ hush|eu west|");
}

TEST_F(CommandTest, IsAllowedItsOwnTimeouts) {
  const CommandPlatform platform(
      {.argv = {"./deploy"}, .timeout = std::chrono::hours{1}, .verify_timeout = 30s});
  EXPECT_GT(platform.step_max(), 1h + 2 * 30s);
  EXPECT_LT(platform.step_max(), 65min);
}

TEST_F(CommandTest, ItsOwnProgramMovesTheTraffic) {
  order_.action = rules::MoveTraffic{
      .candidate = test::kBadVersion, .baseline = test::kGoodVersion, .percent = 12.5};
  const auto outcome = live(
      {.argv = shell("exit 1"),
       .verify = shell("grep -qs \"$BELAY_TARGET $BELAY_PERCENT\" " + path("split") + " || exit 1"),
       .move = shell("echo $BELAY_ACTION $BELAY_TARGET $BELAY_PERCENT > " + path("split"))});
  EXPECT_EQ(outcome.phase, Phase::applied) << outcome.detail;
  EXPECT_EQ(test::content_of(path("split")), std::string("move ") + test::kBadVersion + " 12.5\n");
  const std::string typed =
      CommandPlatform({.argv = {}, .move_written = {"split"}}).by_hand(order_);
  for (const std::string name : {"CANDIDATE", "BASELINE", "PERCENT", "SERVICE"})
    EXPECT_NE(typed.find("BELAY_" + name + "="), std::string::npos) << typed;
}

TEST_F(CommandTest, WithoutAProgramThatMovesTrafficNoneIsMoved) {
  order_.action = rules::MoveTraffic{.candidate = test::kBadVersion, .percent = 100};
  const auto outcome = live({.argv = shell("touch " + path("ran"))});
  EXPECT_EQ(outcome.phase, Phase::rejected);
  EXPECT_FALSE(fs::exists(path("ran"))) << "the rollback is not run in its place";
}

}  // namespace
}  // namespace belay::monitor
