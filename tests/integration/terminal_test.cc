// Goal: colours and progress are for people: what a pipe gets is plain, and who waits for more than
// two seconds hears how far it is. Method: the real binary, on a pipe and on a terminal of our own,
// its clocks a thousand times too slow or too fast (libfaketime).

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/integration/belay_run.h"
#include "tests/support/child_process.h"
#include "tests/support/eventually.h"
#include "tests/support/libfaketime.h"
#include "tests/support/paths.h"

namespace belay::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kInPlace = "\r\033[K";
const std::vector<std::string> kWords = {"test", "packs/rollout"};

std::vector<std::string> clock_rate(const std::string& rate) {
  return {"LD_PRELOAD=" + libfaketime(), "FAKETIME=+0 " + rate,
          "ASAN_OPTIONS=verify_asan_link_order=0", "TERM=xterm"};
}

/// What it writes on a terminal.
BelayRun run_on_terminal(const std::vector<std::string>& environment) {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
  std::array<char, 128> name{};
  BELAY_CHECK(terminal >= 0 && ::grantpt(terminal) == 0 && ::unlockpt(terminal) == 0 &&
                  ::ptsname_r(terminal, name.data(), name.size()) == 0,
              "no terminal to be had");
  // Held open, so that nothing is lost when the child closes it.
  const int held = ::open(name.data(), O_RDWR | O_NOCTTY);
  std::vector<std::string> argv = {belay_binary().string()};
  argv.insert(argv.end(), kWords.begin(), kWords.end());
  BelayRun run;
  {
    ChildProcess child({.argv = argv, .environment = environment, .output = name.data()});
    eventually(
        [&] {
          const bool is_over = !child.runs();
          for (pollfd ready{.fd = terminal, .events = POLLIN, .revents = 0};
               ::poll(&ready, 1, 0) > 0;) {
            std::array<char, 4096> bytes{};
            const ssize_t count = ::read(terminal, bytes.data(), bytes.size());
            if (count <= 0) break;
            run.text.append(bytes.data(), static_cast<std::size_t>(count));
          }
          return is_over;
        },
        std::chrono::seconds{60});
    run.code = child.wait(std::chrono::seconds{0}).value_or(-1);
  }
  ::close(held);
  ::close(terminal);
  return run;
}

TEST(TerminalTest, ColoursAreForATerminalThatWantsThem) {
  const BelayRun coloured = run_on_terminal({"TERM=xterm", "NO_COLOR="});
  EXPECT_EQ(coloured.code, 0) << coloured.text;
  EXPECT_THAT(coloured.text, HasSubstr("\033["));
  // What takes longer shows its progress, and takes that away again.
  std::string plain = run_on_terminal({"TERM=xterm", "NO_COLOR=1"}).text;
  const std::string erase = "\033[K";
  for (std::size_t at = plain.find(erase); at != std::string::npos; at = plain.find(erase))
    plain.erase(at, erase.size());
  EXPECT_THAT(plain, Not(HasSubstr("\033[")));
  EXPECT_THAT(run_on_terminal({"TERM=dumb", "NO_COLOR="}).text, Not(HasSubstr("\033[")));
  const BelayRun piped = run_belay(kWords, {}, {"TERM=xterm", "NO_COLOR="});
  EXPECT_EQ(piped.code, 0) << piped.text;
  EXPECT_THAT(piped.text, Not(HasSubstr("\033")));
}

TEST(TerminalTest, WhatTakesOverTwoSecondsSaysHowFarItIs) {
  const BelayRun quick = run_belay(kWords, {}, clock_rate("x0.001"));
  EXPECT_EQ(quick.code, 0) << quick.text;
  EXPECT_THAT(quick.text, Not(HasSubstr("tests run\n")));
  const BelayRun slow = run_belay(kWords, {}, clock_rate("x1000"));
  EXPECT_EQ(slow.code, 0) << slow.text;
  EXPECT_THAT(slow.text, HasSubstr(" tests run\n"));
  EXPECT_THAT(slow.text, Not(HasSubstr("\r"))) << "a log has nothing rewritten in place";
}

TEST(TerminalTest, ProgressIsRewrittenInPlaceAndErasedFromATerminal) {
  const BelayRun run = run_on_terminal(clock_rate("x1000"));
  EXPECT_EQ(run.code, 0) << run.text;
  const std::string shown = " tests run";
  std::size_t at = run.text.find(shown);
  EXPECT_NE(at, std::string::npos) << run.text;
  for (; at != std::string::npos; at = run.text.find(shown, at + 1))
    EXPECT_TRUE(run.text.substr(at + shown.size()).starts_with(kInPlace))
        << run.text.substr(at, 80);
}

}  // namespace
}  // namespace belay::test
