#include "monitor/process.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include "tests/support/child_process.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_directory.h"

namespace belay::monitor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Program shell(const std::string& script) { return {.argv = {"/bin/sh", "-c", script}}; }

RunResult run(const Program& program, const RunLimits& limits = {}) {
  Result<RunResult> result = run_program(program, limits);
  EXPECT_TRUE(result.ok());
  return std::move(result).value();
}

/// Gone, or a zombie that only waits for whoever inherited it.
bool is_gone(pid_t pid) {
  return test::eventually([&] {
    const std::string stat = test::content_of("/proc/" + std::to_string(pid) + "/stat");
    return stat.empty() || stat.find(") Z ") != std::string::npos;
  });
}

TEST(RunProgramTest, ArgumentsReachTheProgramAsTheyStand) {
  const RunResult result = run({.argv = {"printf", "%s|", "$HOME; ls *", "a b", ""}});
  EXPECT_TRUE(result.end.success());
  EXPECT_EQ(result.out, "$HOME; ls *|a b||");
}

TEST(RunProgramTest, ADirectoryThatIsNamedLikeAProgramIsNotStarted) {
  const test::TemporaryDirectory place;
  std::filesystem::create_directory(place.path() / "printf");
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", (place.path().string() + ":" + path).c_str(), 1);
  const RunResult result = run({.argv = {"printf", "found"}});
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(result.out, "found");
}

TEST(RunProgramTest, TheEnvironmentIsAddedToOurs) {
  Program program = shell("printf '%s %s' \"$BELAY_RULE\" \"${PATH:+path}\"");
  program.environment = {{"BELAY_RULE", "first"}, {"BELAY_RULE", "5xx\nrate"}};
  EXPECT_EQ(run(program).out, "5xx\nrate path");
}

TEST(RunProgramTest, ExitCodeAndSignalAreToldApart) {
  EXPECT_EQ(run(shell("exit 3")).end.text(), "exit code 3");
  const ProcessEnd killed = run(shell("kill -9 $$")).end;
  EXPECT_EQ(killed.signal, SIGKILL);
  EXPECT_EQ(killed.text(), "signal 9 (Killed)");
  EXPECT_FALSE(killed.success());
}

TEST(RunProgramTest, StandardErrorIsKeptApart) {
  const RunResult result = run(shell("echo out; echo err >&2"));
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
}

TEST(RunProgramTest, AProgramThatIsNotThereIsNotFound) {
  for (const std::string name : {"belay-no-such-program", "/nonexistent/program"}) {
    const auto result = run_program({.argv = {name}}, {});
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().kind, Error::Kind::not_found) << result.error().message;
  }
}

TEST(RunProgramTest, WhatCannotBeExecutedFails) {
  const test::TemporaryDirectory directory;
  const auto result = run_program({.argv = {directory.write("text", "no program").string()}}, {});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, Error::Kind::failed);
}

TEST(RunProgramTest, ANulOrAnEmptyListIsInvalid) {
  EXPECT_EQ(run_program({}, {}).error().kind, Error::Kind::invalid);
  EXPECT_EQ(run_program({.argv = {"echo", std::string("a\0b", 3)}}, {}).error().kind,
            Error::Kind::invalid);
}

TEST(RunProgramTest, ATimeoutEndsTheWholeGroup) {
  const RunResult result = run(shell("tail -f /dev/null & echo $!; wait"),
                               {.timeout = milliseconds{300}, .grace = seconds{5}});
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.end.signal, SIGTERM);
  EXPECT_TRUE(is_gone(std::stoi(result.out)));
}

TEST(RunProgramTest, WhoIgnoresTheTermIsKilled) {
  const RunResult result = run(shell("trap '' TERM; tail -f /dev/null & echo $!; wait"),
                               {.timeout = milliseconds{300}, .grace = milliseconds{200}});
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.end.signal, SIGKILL);
  EXPECT_TRUE(is_gone(std::stoi(result.out)));
}

TEST(RunProgramTest, WhatAProgramLeavesBehindEndsWithIt) {
  const RunResult result =
      run(shell("tail -f /dev/null & echo $!"), {.timeout = seconds{20}, .grace = seconds{5}});
  EXPECT_TRUE(result.end.success());
  EXPECT_TRUE(is_gone(std::stoi(result.out)));
}

TEST(RunProgramTest, OutputIsCapped) {
  const RunResult result = run(shell("head -c 1000000 /dev/zero"), {.output_bytes_max = 1000});
  EXPECT_EQ(result.out.size(), 1000U);
  EXPECT_TRUE(result.truncated);
  EXPECT_TRUE(result.end.success());
}

TEST(RunProgramTest, AStopEndsIt) {
  std::stop_source stop;
  stop.request_stop();
  const auto result = run_program(shell("tail -f /dev/null"), {}, stop.get_token());
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->stopped);
  EXPECT_FALSE(result->end.success());
}

TEST(ProcessTest, SignalsThatWeIgnoreAreNotInherited) {
  std::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(run(shell("kill -PIPE $$")).end.signal, SIGPIPE);
}

TEST(ProcessTest, OurFilesAreNotInherited) {
  const int leaked = ::open("/dev/null", O_RDONLY);  // Without O_CLOEXEC, as some library might.
  ASSERT_GE(leaked, 0);
  const std::string path = "/proc/self/fd/" + std::to_string(leaked);
  EXPECT_FALSE(run({.argv = {"/usr/bin/test", "-e", path}}).end.success());
  ::close(leaked);
}

TEST(ProcessTest, TheGroupEndsWithTheObject) {
  pid_t pid = -1;
  {
    Result<Process> process = Process::start(shell("tail -f /dev/null & wait"));
    ASSERT_TRUE(process.ok());
    pid = process->pid();
    EXPECT_FALSE(process->ended());
  }
  EXPECT_TRUE(is_gone(pid));
}

TEST(ProcessTest, ItEndsWithTheThreadThatStartedIt) {
  std::optional<Process> process;
  std::thread starter([&] {
    Result<Process> started = Process::start({.argv = {"tail", "-f", "/dev/null"}});
    ASSERT_TRUE(started.ok());
    process.emplace(std::move(started).value());
  });
  starter.join();
  pollfd ended{.fd = process->ended_fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&ended, 1, 20'000), 1);
  EXPECT_EQ(process->ended()->signal, SIGTERM);
}

}  // namespace
}  // namespace belay::monitor
