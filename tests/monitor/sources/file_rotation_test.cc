// Goal: whatever a log's writer does to its files, every line is counted or a gap is told. Method:
// a real writer on a thread of its own, as fast as it can or in step with the reader.

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "monitor/sources/file_source.h"
#include "tests/monitor/sources/running_source.h"
#include "tests/support/temporary_directory.h"

namespace belay::monitor {
namespace {

using test::line;
using test::RunningSource;

class FileRotationTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path path() const { return directory_.path() / "tail.log"; }
  [[nodiscard]] std::filesystem::path rotated(const std::string& name) const {
    return directory_.path() / ("tail.log." + name);
  }
  void append(const std::string& text) const {
    std::ofstream(path(), std::ios::binary | std::ios::app) << text;
  }
  [[nodiscard]] FileSource source(bool is_watched = true) const {
    return FileSource({.path = path(),
                       .from_beginning = true,
                       .parser = {.source = rules::SourceId{1}},
                       .is_watched = is_watched});
  }
  static bool has_gap(const RunningSource& running, const std::string& reason) {
    for (const auto& gap : running.gaps) {
      if (gap.reason == reason) return true;
    }
    return false;
  }

  belay::test::TemporaryDirectory directory_;
};

TEST_F(FileRotationTest, AtFullSpeedEveryLineIsCountedWhereTheFilesStay) {
  append(line("first"));
  FileSource file = source();
  RunningSource running(file);
  ASSERT_EQ(running.routes(1), "/first ");
  constexpr std::size_t kFiles = 400;
  constexpr std::size_t kLinesEach = 20;
  std::jthread writer([&] {
    for (std::size_t round = 0; round < kFiles; ++round) {
      std::string text;
      for (std::size_t i = 0; i < kLinesEach; ++i) text += line("r");
      append(text);
      std::filesystem::rename(path(), rotated(std::to_string(round)));
    }
    append(line("last"));
  });
  writer.join();
  constexpr std::size_t kLines = 2 + kFiles * kLinesEach;
  // Nothing is deleted, yet a writer this quick can have more files under way than names are kept.
  EXPECT_TRUE(running.until([&] {
    return running.requests.size() == kLines || !running.gaps.empty();
  })) << running.requests.size()
      << " of " << kLines;
  running.until([&] { return running.texts[running.requests.back().route] == "/last"; });
  EXPECT_LE(running.requests.size(), kLines) << "no line twice";
}

TEST_F(FileRotationTest, AtFullSpeedAFileThatIsOverwrittenUnreadIsTold) {
  append(line("first"));
  FileSource file = source();
  RunningSource running(file);
  ASSERT_EQ(running.routes(1), "/first ");
  std::size_t lines = 1;
  // Until the reader was outrun: then it must say so.
  std::atomic<bool> stop = false;
  std::jthread writer([&] {
    for (int round = 0; round < 20'000 && !stop; ++round) {
      append(line("r") + line("r"));
      lines += 2;
      std::filesystem::rename(path(), rotated("1"));
    }
    append(line("last"));
    ++lines;
  });
  running.until([&] { return has_gap(running, "rotation_missed"); });
  stop = true;
  writer.join();
  const auto is_last = [&](const rules::Request& one) {
    return running.texts[one.route] == "/last";
  };
  // Not as the last: a file whose name was taken meanwhile is read to its end after the newest.
  ASSERT_TRUE(running.until([&] { return std::ranges::any_of(running.requests, is_last); }));
  running.stop();
  EXPECT_LE(running.requests.size(), lines);
  EXPECT_TRUE(running.requests.size() == lines || has_gap(running, "rotation_missed"));
}

TEST_F(FileRotationTest, ADozenRotationsBetweenTwoLooksLoseNothing) {
  append(line("a"));
  FileSource file = source();
  RunningSource running(file, 8);
  ASSERT_TRUE(running.until([&] { return running.requests.size() == 1; }));
  append(line("b") + line("b") + line("b") + line("b") + line("b"));
  // The lane is full: the source reads nothing, and still sees what happens to the names.
  ASSERT_TRUE(belay::test::eventually([&] { return running.lane().fill() > 0.5; }));
  for (int round = 0; round < 12; ++round) {
    std::filesystem::rename(path(), rotated(std::to_string(round)));
    append(line("c" + std::to_string(round)));
  }
  ASSERT_TRUE(running.until([&] { return running.requests.size() == 18; }))
      << running.requests.size();
  std::vector<std::string> routes;
  for (const auto& request : running.requests) routes.push_back(running.texts[request.route]);
  for (int round = 0; round < 12; ++round) {
    EXPECT_EQ(std::count(routes.begin(), routes.end(), "/c" + std::to_string(round)), 1) << round;
  }
  EXPECT_TRUE(running.gaps.empty());
}

TEST_F(FileRotationTest, AFileThatIsDeletedUnreadIsAToldGap) {
  append(line("a"));
  FileSource file = source();
  RunningSource running(file);
  ASSERT_EQ(running.routes(1), "/a ");
  // Made and gone in one step of the writer's: nobody can have opened it. Should the reader be so
  // quick as to open one nevertheless, the next try finds it slower.
  for (int round = 0; round < 1000 && running.gaps.empty(); ++round) {
    std::filesystem::rename(path(), rotated("1"));
    append(line("gone"));
    std::filesystem::remove(path());
    append(line("b"));
    running.until([&] { return running.texts[running.requests.back().route] == "/b"; });
    running.until([&] { return !running.gaps.empty() || running.states.size() > 1; });
  }
  ASSERT_FALSE(running.gaps.empty());
  EXPECT_EQ(running.gaps[0].reason, "rotation_missed");
  EXPECT_GT(running.gaps[0].span, Duration::zero());
}

TEST_F(FileRotationTest, WhatASlowWriterStillWritesToTheOldFileIsRead) {
  append(line("a"));
  FileSource file = source();
  RunningSource running(file);
  ASSERT_EQ(running.routes(1), "/a ");
  std::ofstream slow(path(), std::ios::binary | std::ios::app);
  std::filesystem::rename(path(), rotated("1"));
  append(line("b"));  // Another process of the same program has gone on already.
  ASSERT_EQ(running.routes(2), "/a /b ");
  slow << line("c") << std::flush;
  EXPECT_EQ(running.routes(3), "/a /b /c ");
  // In the midst of a line of the new file, one of the old must not be put.
  append(R"({"ts":1795182320647,"service":"shop",)");
  slow << line("d") << std::flush;
  append("\"status\":200,\"route\":\"/e\"}\n");
  ASSERT_TRUE(running.until([&] { return running.requests.size() == 5; }));
  running.stop();
  EXPECT_TRUE(running.progress.rejected.empty());
  EXPECT_TRUE(running.gaps.empty());
}

TEST_F(FileRotationTest, WhereNamesAreNotToldEveryChangeOfTheFileIsAGap) {
  append(line("a"));
  FileSource file = source(false);
  RunningSource running(file);
  ASSERT_EQ(running.routes(1), "/a ");
  EXPECT_TRUE(running.gaps.empty());
  std::filesystem::rename(path(), rotated("1"));
  append(line("b"));
  EXPECT_EQ(running.routes(2), "/a /b ");
  ASSERT_TRUE(running.until([&] { return !running.gaps.empty(); }));
  EXPECT_EQ(running.gaps[0].reason, "rotation_unwatched");
}

TEST_F(FileRotationTest, AFileThatIsMovedOverTheLogIsReadAsTheNextOne) {
  append(line("a"));
  FileSource file = source();
  RunningSource running(file);
  ASSERT_EQ(running.routes(1), "/a ");
  std::ofstream(rotated("new")) << line("b");
  std::filesystem::rename(rotated("new"), path());
  EXPECT_EQ(running.routes(2), "/a /b ");
  append(line("c"));
  EXPECT_EQ(running.routes(3), "/a /b /c ");
  running.stop();
  EXPECT_TRUE(running.gaps.empty());
}

TEST_F(FileRotationTest, ADirectoryThatIsMovedAwayAndMadeAnewIsFollowed) {
  const auto inner = directory_.path() / "logs";
  std::filesystem::create_directory(inner);
  const auto log = inner / "tail.log";
  std::ofstream(log) << line("a");
  FileSource file({.path = log, .from_beginning = true, .parser = {.source = rules::SourceId{1}}});
  RunningSource running(file);
  ASSERT_EQ(running.routes(1), "/a ");
  std::filesystem::rename(inner, directory_.path() / "old");
  std::filesystem::create_directory(inner);
  std::ofstream(log) << line("b");
  EXPECT_EQ(running.routes(2), "/a /b ");
  ASSERT_TRUE(running.until([&] { return !running.gaps.empty(); })) << "nobody watched the names";
}

}  // namespace
}  // namespace belay::monitor
