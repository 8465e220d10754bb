#include <csignal>
#include <cstdio>
#include <random>
#include <sstream>

#include <gtest/gtest.h>

#include "monitor/journal.h"
#include "tests/monitor/acting/records.h"
#include "tests/support/child_process.h"
#include "tests/support/eventually.h"
#include "tests/support/may_trace.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_directory.h"

namespace belay::monitor {
namespace {

using rules::JournalEntry;
namespace fs = std::filesystem;

std::string child_program() {
  return (test::belay_binary().parent_path() / "acting_child").string();
}

/// The number of the last batch that was said to be durable; -3 if none was.
int last_said(const fs::path& output) {
  std::istringstream lines(test::content_of(output));
  int last = -3;
  for (std::string line; std::getline(lines, line);) {
    if (!lines.eof()) last = std::stoi(line);  // A line without its end was cut by the kill.
  }
  return last;
}

/// Whole batches without a gap; gives how many entries there are.
int entries_in(const fs::path& state) {
  auto journal = Journal::open(state);
  EXPECT_TRUE(journal.ok()) << journal.error().message;
  if (!journal.ok()) return 0;
  int number = 0;
  const Status read = (*journal)->read(1'000'000, [&](const JournalEntry& entry) {
    EXPECT_EQ(entry.rule, "rule-" + std::to_string(number));
    ++number;
  });
  EXPECT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(number % 3, 0) << "a batch was torn";
  return number;
}

class JournalKillTest : public testing::Test {
 protected:
  /// Runs the child until `end` has ended it, and checks what it left behind.
  template <typename End>
  void live_and_die(std::vector<std::string> before, End end) {
    const fs::path output = place_.path() / ("said-" + std::to_string(++lives_));
    for (const std::string& word :
         {child_program(), std::string("journal"), state_.string(), std::to_string(entries_)}) {
      before.push_back(word);
    }
    test::ChildProcess child({.argv = std::move(before), .output = output});
    end(child, output);
    const auto code = child.wait(std::chrono::seconds{30});
    ASSERT_TRUE(code == 128 + SIGKILL) << "code " << code.value_or(-1);
    const int said = last_said(output);
    entries_ = entries_in(state_);
    ASSERT_GE(entries_, said + 3) << "what was said to be durable is lost";
  }

  test::TemporaryDirectory place_;
  fs::path state_ = place_.path() / "state";
  int entries_ = 0;
  int lives_ = 0;
};

TEST_F(JournalKillTest, ProcessesKilledAtRandomLeaveWholeBatchesAndAllTheySaid) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int life = 0; life < 25; ++life) {
    const std::size_t bytes = random() % 60;
    ASSERT_NO_FATAL_FAILURE(
        live_and_die({}, [&](test::ChildProcess& child, const fs::path& output) {
          test::eventually([&] { return test::content_of(output).size() >= bytes; });
          child.signal(SIGKILL);
        }));
  }
  std::printf("%d lives, %d entries\n", lives_, entries_);
}

TEST_F(JournalKillTest, ProcessesKilledAtEachSystemCallLeaveWholeBatchesAndAllTheySaid) {
  // strace delivers the signal as the call is entered, so each number is another moment.
  if (!test::may_trace()) return;
  const std::vector<std::pair<const char*, int>> calls = {
      {"openat", 8}, {"pwrite64", 14}, {"fdatasync", 8}, {"fsync", 1}, {"write", 6}};
  for (const auto& [call, count] : calls) {
    for (int number = 1; number <= count; ++number) {
      const std::string inject =
          std::string("inject=") + call + ":signal=KILL:when=" + std::to_string(number) + "+";
      SCOPED_TRACE(inject);
      ASSERT_NO_FATAL_FAILURE(live_and_die(
          {"strace", "-f", "-o", "/dev/null", "-e", std::string("trace=") + call, "-e", inject},
          [](test::ChildProcess&, const fs::path&) {}));
    }
  }
  std::printf("%d lives, %d entries\n", lives_, entries_);
}

}  // namespace
}  // namespace belay::monitor
