#include <array>
#include <csignal>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "monitor/sources/backoff.h"
#include "monitor/sources/exec_source.h"
#include "monitor/sources/stdin_source.h"
#include "tests/monitor/sources/running_source.h"
#include "tests/support/child_process.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_directory.h"

namespace belay::monitor {
namespace {

using rules::SourceHealth;
using std::chrono::milliseconds;
using test::line;
using test::RunningSource;

ExecSource shell(const std::string& script) {
  return ExecSource({.argv = {"/bin/sh", "-c", script},
                     .parser = {.source = rules::SourceId{1}},
                     .backoff_min = milliseconds{10},
                     .backoff_max = milliseconds{50},
                     .grace = milliseconds{500}});
}

bool is_gone(pid_t pid) {
  return belay::test::eventually([&] {
    const std::string stat = belay::test::content_of("/proc/" + std::to_string(pid) + "/stat");
    return stat.empty() || stat.find(") Z ") != std::string::npos;
  });
}

TEST(ExecSourceTest, WhatAProgramPrintsIsRead) {
  ExecSource source = shell("echo '" + line("a") + "'; exec tail -f /dev/null");
  RunningSource running(source);
  EXPECT_EQ(running.routes(1), "/a ");
  EXPECT_TRUE(running.is(SourceHealth::alive));
}

TEST(ExecSourceTest, AProgramThatEndsIsStartedAgainAndTheGapIsTold) {
  ExecSource source = shell("echo '" + line("a") + "'");
  RunningSource running(source);
  EXPECT_TRUE(running.routes(3).starts_with("/a /a /a "));
  ASSERT_TRUE(running.until([&] { return !running.gaps.empty(); }));
  EXPECT_EQ(running.gaps[0].reason, "restart");
}

TEST(ExecSourceTest, WhyItEndedIsShownWithItsLastComplaintMadeHarmless) {
  ExecSource source = shell("printf 'first\\n\\033[31mAuthentication error\\n' >&2; exit 3");
  RunningSource running(source);
  ASSERT_TRUE(running.until([&] {
    return running.state && running.state->detail.find("exit code 3") != std::string::npos;
  }));
  EXPECT_EQ(running.state->health, SourceHealth::down);
  EXPECT_NE(running.state->detail.find("Authentication error"), std::string::npos);
  EXPECT_EQ(running.state->detail.find('\033'), std::string::npos);
}

TEST(ExecSourceTest, AProgramThatIsNotThereIsDown) {
  ExecSource source({.argv = {"/nonexistent/wrangler"}, .parser = {}});
  RunningSource running(source);
  ASSERT_TRUE(running.until([&] {
    return running.state && running.state->detail.find("No such file") != std::string::npos;
  }));
  EXPECT_EQ(running.state->health, SourceHealth::down);
}

TEST(ExecSourceTest, HalfADocumentOfAProgramThatBrokeIsCutOff) {
  ExecSource source = shell("printf '{\"ts\":1'; exit 1");
  RunningSource running(source);
  ASSERT_TRUE(running.until([&] { return !running.progress.rejected.empty(); }));
  EXPECT_EQ(running.progress.rejected[0].reason, "cut_off");
}

TEST(ExecSourceTest, AStopEndsTheWholeGroup) {
  const belay::test::TemporaryDirectory directory;
  const std::string pids = (directory.path() / "pids").string();
  ExecSource source = shell("tail -f /dev/null & echo $! > " + pids + ".new; mv " + pids + ".new " +
                            pids + "; wait");
  RunningSource running(source);
  std::string pid;
  ASSERT_TRUE(belay::test::eventually([&] {
    pid = belay::test::content_of(pids);
    return !pid.empty();
  }));
  running.stop();
  EXPECT_TRUE(is_gone(std::stoi(pid)));
}

TEST(ExecSourceTest, OnlyOutputResetsTheBackoff) {
  Backoff backoff(milliseconds{100}, milliseconds{1000});
  milliseconds last{0};
  for (const int whole : {100, 200, 400, 800, 1000, 1000}) {
    last = backoff.next();
    EXPECT_GE(last.count(), whole / 2);
    EXPECT_LE(last.count(), whole);
  }
  backoff.reset();
  EXPECT_LE(backoff.next().count(), 100);
}

class StdinSourceTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0); }
  void TearDown() override {
    ::close(ends_[0]);
    shut();
  }
  void write(const std::string& text) {
    ASSERT_EQ(::write(ends_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void shut() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }
  std::array<int, 2> ends_{};
};

TEST_F(StdinSourceTest, ItIsReadToItsEndAndThenDown) {
  StdinSource source({.source = rules::SourceId{1}}, ends_[0]);
  RunningSource running(source);
  write(line("a"));
  EXPECT_EQ(running.routes(1), "/a ");
  std::string last = line("b");
  last.pop_back();
  write(last);
  shut();
  EXPECT_EQ(running.routes(2), "/a /b ");
  ASSERT_TRUE(running.is(SourceHealth::down));
  EXPECT_EQ(running.state->detail, "standard input ended");
}

TEST_F(StdinSourceTest, WhatThePlatformDropsIsSaidUntilItStops) {
  StdinSource source({.source = rules::SourceId{1}}, ends_[0]);
  RunningSource running(source);
  write(R"({"outcome":"unknown","scriptName":null,"eventTimestamp":1795182006571,)"
        R"("event":{"type":"overload","message":"sampling mode"}})"
        "\n");
  ASSERT_TRUE(running.is(SourceHealth::sampled));
  EXPECT_EQ(running.state->detail, "sampling mode");
  const std::size_t said = running.states.size();
  ASSERT_TRUE(running.until([&] { return running.states.size() > said; }));
  EXPECT_EQ(running.state->health, SourceHealth::sampled);
  write(R"({"outcome":"unknown","scriptName":null,"eventTimestamp":1795182006571,)"
        R"("event":{"type":"overload-stop","message":"no longer"}})"
        "\n");
  EXPECT_TRUE(running.is(SourceHealth::alive));
}

}  // namespace
}  // namespace belay::monitor
