// Goal: a supervised program can misbehave as it likes: its source goes on, tells what was lost,
// and leaves no process behind. Method: real programs that do each of it.

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "monitor/sources/exec_source.h"
#include "monitor/sources/tail_loss.h"
#include "tests/monitor/sources/running_source.h"
#include "tests/support/child_process.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_directory.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using rules::SourceHealth;
using test::line;
using test::RunningSource;

class HostileProgramTest : public ::testing::Test {
 protected:
  [[nodiscard]] ExecSource shell(const std::string& script) const {
    return ExecSource(
        {.argv = {"/bin/sh", "-c", "cd " + directory_.path().string() + "\n" + script},
         .parser = {.source = rules::SourceId{1}},
         .backoff_min = 10ms,
         .backoff_max = 50ms,
         .grace = 500ms});
  }
  /// The number that the script has written to a file `name`.
  [[nodiscard]] pid_t pid(const std::string& name) const {
    std::string text;
    EXPECT_TRUE(belay::test::eventually([&] {
      text = belay::test::content_of(directory_.path() / name);
      return text.ends_with('\n');
    })) << name;
    return text.empty() ? -1 : std::stoi(text);
  }
  [[nodiscard]] std::size_t starts() const {
    return belay::test::content_of(directory_.path() / "starts").size();
  }
  void allow() const { directory_.write("go", ""); }

  belay::test::TemporaryDirectory directory_;
};

bool is_gone(pid_t pid) {
  return belay::test::eventually([&] {
    const std::string stat = belay::test::content_of("/proc/" + std::to_string(pid) + "/stat");
    return stat.empty() || stat.find(") Z ") != std::string::npos;
  });
}

/// Waits in the script for allow().
constexpr const char* kUntilAllowed = "while ! [ -e go ]; do :; done; ";

TEST_F(HostileProgramTest, AFloodOfComplaintsHoldsUpNothing) {
  ExecSource source = shell("yes complaint >&2 & echo $! > flood; echo '" + line("a") + "'; " +
                            kUntilAllowed + "echo '" + line("b") + "'; wait");
  RunningSource running(source);
  EXPECT_EQ(running.routes(1), "/a ");
  allow();
  EXPECT_EQ(running.routes(2), "/a /b ");
  EXPECT_TRUE(running.is(SourceHealth::alive));
  running.stop();
  EXPECT_TRUE(is_gone(pid("flood")));
}

TEST_F(HostileProgramTest, OneThatIgnoresTheTermIsKilledAfterTheGrace) {
  ExecSource source = shell("trap '' TERM; echo $$ > pid; echo '" + line("a") +
                            "'; tail -f /dev/null & wait; wait");
  RunningSource running(source);
  EXPECT_EQ(running.routes(1), "/a ");
  const auto began = std::chrono::steady_clock::now();
  running.stop();
  EXPECT_GE(std::chrono::steady_clock::now() - began, 500ms);
  EXPECT_TRUE(is_gone(pid("pid")));
}

TEST_F(HostileProgramTest, GrandchildrenInSessionsOfTheirOwnEndWithIt) {
  ExecSource source = shell(
      "setsid sh -c 'echo $$ > session; exec tail -f /dev/null' & "
      // An orphan, twice removed, that ignores SIGTERM and holds the output.
      "(setsid setsid sh -c \"trap '' TERM; echo \\$\\$ > orphan; tail -f /dev/null; :\" &) ; "
      "echo '" +
      line("a") + "'; tail -f /dev/null & wait");
  RunningSource running(source);
  EXPECT_EQ(running.routes(1), "/a ");
  const pid_t session = pid("session");
  const pid_t orphan = pid("orphan");
  running.stop();
  EXPECT_TRUE(is_gone(session));
  EXPECT_TRUE(is_gone(orphan));
}

TEST_F(HostileProgramTest, WhatItLeftBehindEndsBeforeItIsStartedAnew) {
  ExecSource source = shell(
      "setsid tail -f /dev/null & echo $! > \"left.$(printf . >> starts; wc "
      "-c < starts)\"; exit 1");
  RunningSource running(source);
  ASSERT_TRUE(belay::test::eventually([&] { return starts() >= 3; }));
  running.stop();
  EXPECT_TRUE(is_gone(pid("left.1")));
  EXPECT_TRUE(is_gone(pid("left.2")));
}

TEST_F(HostileProgramTest, OneThatPrintsAndEndsAtOnceIsStartedEverMoreSeldom) {
  ExecSource source({.argv = {"/bin/sh", "-c",
                              "cd " + directory_.path().string() + "; printf . >> starts; echo '" +
                                  line("a") + "'"},
                     .parser = {.source = rules::SourceId{1}},
                     .backoff_min = 50ms,
                     .backoff_max = 10s});
  const auto began = std::chrono::steady_clock::now();
  RunningSource running(source);
  ASSERT_TRUE(belay::test::eventually([&] { return starts() >= 5; }));
  // Half of 50, 100, 200 and 400 ms: the jitter takes no more away.
  EXPECT_GE(std::chrono::steady_clock::now() - began, 375ms);
  EXPECT_TRUE(running.until([&] { return running.gaps.size() >= 4; })) << "one for each restart";
}

TEST_F(HostileProgramTest, OneThatShutsItsOutputAndLivesIsStartedAnew) {
  ExecSource source = shell("printf . >> starts; echo $$ > pid.$(wc -c < starts); echo '" +
                            line("a") + "'; exec tail -f /dev/null > elsewhere");
  RunningSource running(source);
  ASSERT_TRUE(running.until([&] {
    return running.state && running.state->health == SourceHealth::down &&
           running.state->detail.find("shut its standard output") != std::string::npos;
  }));
  ASSERT_TRUE(belay::test::eventually([&] { return starts() >= 2; }));
  EXPECT_TRUE(is_gone(pid("pid.1")));
  running.stop();
}

/// What wrangler 4.164 prints, colours and all.
constexpr const char* kReconnecting =
    "\\033[33m▲ \\033[43;33m[\\033[43;30mWARNING\\033[43;33m]\\033[0m "
    "Tail connection lost. Reconnecting (attempt 1 of 5) in 1s...\\n\\n";

TEST_F(HostileProgramTest, ATailThatReconnectsByItselfIsDownUntilItPrintsAgain) {
  ExecSource source =
      shell("echo '" + line("a") + "'; " + kUntilAllowed + "rm go; printf '" + kReconnecting +
            "' >&2; " + kUntilAllowed + "echo '" + line("b") + "'; tail -f /dev/null");
  RunningSource running(source);
  EXPECT_EQ(running.routes(1), "/a ");
  ASSERT_TRUE(running.is(SourceHealth::alive));
  allow();
  ASSERT_TRUE(running.is(SourceHealth::down));
  EXPECT_NE(running.state->detail.find("Tail connection lost"), std::string::npos);
  const Instant down_at = running.state->at;
  allow();
  EXPECT_EQ(running.routes(2), "/a /b ");
  ASSERT_TRUE(running.until([&] { return !running.gaps.empty(); }));
  EXPECT_EQ(running.gaps[0].reason, "reconnect");
  EXPECT_LE(running.gaps[0].at - running.gaps[0].span, down_at);
  EXPECT_TRUE(running.is(SourceHealth::alive));
}

TEST_F(HostileProgramTest, ATailThatEndsWhileItReconnectsHasAGapFromTheLossOn) {
  ExecSource source = shell(std::string("if [ -e again ]; then tail -f /dev/null; fi; printf '") +
                            kReconnecting + "' >&2; > again; " + kUntilAllowed + "exit 1");
  RunningSource running(source);
  ASSERT_TRUE(running.until([&] {
    return running.state && running.state->detail.find("Tail connection") != std::string::npos;
  }));
  const Instant down_at = running.state->at;
  allow();
  ASSERT_TRUE(running.until([&] { return !running.gaps.empty(); }));
  EXPECT_EQ(running.gaps[0].reason, "restart");
  EXPECT_LE(running.gaps[0].at - running.gaps[0].span, down_at);
}

/// What flyctl's NATS client (nats.go) prints.
constexpr const char* kRefused = "nats: authentication expired on connection [7]\\n";

TEST_F(HostileProgramTest, AFlyTailThatIsRefusedAndReconnectsIsDownUntilItPrintsAgain) {
  ExecSource source =
      shell("echo '" + line("a") + "'; " + kUntilAllowed + "rm go; printf '" + kRefused +
            "' >&2; " + kUntilAllowed + "echo '" + line("b") + "'; tail -f /dev/null");
  RunningSource running(source);
  EXPECT_EQ(running.routes(1), "/a ");
  ASSERT_TRUE(running.is(SourceHealth::alive));
  allow();
  ASSERT_TRUE(running.is(SourceHealth::down));
  EXPECT_NE(running.state->detail.find("authentication expired"), std::string::npos);
  const Instant down_at = running.state->at;
  ASSERT_TRUE(running.until([&] { return running.state->at - down_at >= 2100ms; }));
  EXPECT_EQ(running.state->health, SourceHealth::down) << "it says nothing when it is back";
  allow();
  EXPECT_EQ(running.routes(2), "/a /b ");
  ASSERT_TRUE(running.until([&] { return !running.gaps.empty(); }));
  EXPECT_EQ(running.gaps[0].reason, "reconnect");
  EXPECT_LE(running.gaps[0].at - running.gaps[0].span, down_at);
  EXPECT_TRUE(running.is(SourceHealth::alive));
}

TEST_F(HostileProgramTest, AFlyTailThatDropsMessagesHasAGapAndGoesOn) {
  ExecSource source = shell("echo '" + line("a") + "'; " + kUntilAllowed +
                            "echo 'nats: slow consumer, messages "
                            "dropped on connection [7]' >&2; echo '" +
                            line("b") + "'; tail -f /dev/null");
  RunningSource running(source);
  EXPECT_EQ(running.routes(1), "/a ");
  ASSERT_TRUE(running.is(SourceHealth::alive));
  const std::size_t states = running.states.size();
  allow();
  ASSERT_TRUE(running.until([&] { return !running.gaps.empty(); }));
  EXPECT_EQ(running.gaps[0].reason, "dropped");
  EXPECT_GE(running.gaps[0].span, 5s);
  EXPECT_EQ(running.routes(2), "/a /b ");
  for (std::size_t i = states; i < running.states.size(); ++i) {
    EXPECT_EQ(running.states[i].health, SourceHealth::alive);
  }
}

/// `fly logs` ends well, and without a word, once its connection is lost for good.
TEST_F(HostileProgramTest, ATailThatEndsByItselfHasAGapFromItsLastOutputOn) {
  ExecSource source = shell("if [ -e again ]; then tail -f /dev/null; fi; > again; echo '" +
                            line("a") + "'; " + kUntilAllowed + "exit 0");
  RunningSource running(source);
  EXPECT_EQ(running.routes(1), "/a ");
  ASSERT_TRUE(running.is(SourceHealth::alive));
  const Instant alive_at = running.state->at;
  ASSERT_TRUE(running.until([&] { return running.state->at - alive_at >= 1s; }));
  allow();
  ASSERT_TRUE(running.until([&] { return !running.gaps.empty(); }));
  EXPECT_EQ(running.gaps[0].reason, "restart");
  EXPECT_LE(running.gaps[0].at - running.gaps[0].span, alive_at + 100ms);
}

TEST_F(HostileProgramTest, ATailThatIsKilledHasAGapFromItsEndOn) {
  ExecSource source = shell("if [ -e again ]; then tail -f /dev/null; fi; > again; echo '" +
                            line("a") + "'; " + kUntilAllowed + "kill -9 $$");
  RunningSource running(source);
  EXPECT_EQ(running.routes(1), "/a ");
  ASSERT_TRUE(running.is(SourceHealth::alive));
  const Instant alive_at = running.state->at;
  ASSERT_TRUE(running.until([&] { return running.state->at - alive_at >= 1s; }));
  allow();
  ASSERT_TRUE(running.until([&] { return !running.gaps.empty(); }));
  EXPECT_GE(running.gaps[0].at - running.gaps[0].span, alive_at + 1s);
}

TEST(TailLossTest, FlysNatsClientIsKnown) {
  const auto refused = tail_loss_in("nats: authorization violation on connection [12]");
  ASSERT_TRUE(refused && refused->after);
  EXPECT_EQ(*refused->after, 2s);
  EXPECT_EQ(refused->within, 4min);
  const auto dropped = tail_loss_in(
      "nats: slow consumer, messages dropped on connection [7] for subscription on "
      "\"logs.shop.*.*\"");
  ASSERT_TRUE(dropped);
  EXPECT_FALSE(dropped->after);
  EXPECT_EQ(dropped->before, 5s);
  EXPECT_FALSE(tail_loss_in("nats: hello"));
  EXPECT_FALSE(tail_loss_in("listening on connection [7]"));
}

TEST(TailLossTest, WranglersOwnWordsAreKnown) {
  const auto lost = tail_loss_in("Tail connection lost. Reconnecting (attempt 5 of 5) in 16s...");
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->after, 16s);
  EXPECT_EQ(lost->before, 0s);
  const auto silent = tail_loss_in(
      "Tail connection lost: the Worker did not respond to a keep-alive ping within 10000ms.");
  ASSERT_TRUE(silent);
  EXPECT_EQ(silent->before, 20s);
  EXPECT_FALSE(tail_loss_in("Tail connection is fine"));
  EXPECT_FALSE(tail_loss_in(""));
}

TEST(TailLossTest, ANumberThatIsNoneIsASecond) {
  EXPECT_EQ(tail_loss_in("Tail connection lost. Reconnecting (attempt 1")->after, 1s);
  EXPECT_EQ(tail_loss_in("Tail connection lost. Reconnecting (attempt 1 of 5) in xs")->after, 1s);
  EXPECT_EQ(
      tail_loss_in("Tail connection lost. Reconnecting (attempt 1 of 5) in 999999999s")->after,
      60s);
}

}  // namespace
}  // namespace belay::monitor
