#include "monitor/sources/file_source.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/monitor/sources/running_source.h"
#include "tests/support/temporary_directory.h"

namespace belay::monitor {
namespace {

using rules::SourceHealth;
using test::line;
using test::RunningSource;

class FileSourceTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path path() const { return directory_.path() / "tail.log"; }

  void append(const std::string& text) const {
    std::ofstream(path(), std::ios::binary | std::ios::app) << text;
  }
  void replace(const std::string& text) const {
    std::ofstream(path(), std::ios::binary | std::ios::trunc) << text;
  }
  [[nodiscard]] ino_t number() const {
    struct stat found {};
    EXPECT_EQ(::stat(path().c_str(), &found), 0);
    return found.st_ino;
  }
  void rename_away() const { std::filesystem::rename(path(), directory_.path() / "tail.log.1"); }

  [[nodiscard]] FileSource source(bool from_beginning = true) const {
    return FileSource({.path = path(),
                       .from_beginning = from_beginning,
                       .parser = {.source = rules::SourceId{1}}});
  }

 private:
  belay::test::TemporaryDirectory directory_;
};

TEST_F(FileSourceTest, ItReadsWhatIsThereAndWhatComes) {
  append(line("a"));
  FileSource file = source();
  RunningSource running(file);
  EXPECT_EQ(running.routes(1), "/a ");
  append(line("b"));
  EXPECT_EQ(running.routes(2), "/a /b ");
  EXPECT_TRUE(running.is(SourceHealth::alive));
}

TEST_F(FileSourceTest, ItStartsAtTheEndByDefaultButReadsTheLastLineWhole) {
  append(line("old") + R"({"ts":1795182320647,"service":"shop",)");
  FileSource file = source(false);
  RunningSource running(file);
  ASSERT_TRUE(running.is(SourceHealth::alive));
  append("\"status\":200,\"route\":\"/half\"}\n" + line("new"));
  EXPECT_EQ(running.routes(2), "/half /new ");
}

TEST_F(FileSourceTest, AMissingFileIsDownAndReadWholeWhenItComes) {
  FileSource file = source(false);
  RunningSource running(file);
  ASSERT_TRUE(running.is(SourceHealth::down));
  EXPECT_NE(running.state->detail.find("No such file"), std::string::npos);
  append(line("first"));
  EXPECT_EQ(running.routes(1), "/first ");
  EXPECT_TRUE(running.is(SourceHealth::alive));
}

TEST_F(FileSourceTest, APartialLastLineIsHeld) {
  FileSource file = source();
  append(line("a") + "{\"ts\":1795182320647,\"serv");
  RunningSource running(file);
  EXPECT_EQ(running.routes(1), "/a ");
  append("ice\":\"shop\",\"status\":200,\"route\":\"/b\"}\n");
  EXPECT_EQ(running.routes(2), "/a /b ");
  running.stop();
  EXPECT_TRUE(running.progress.rejected.empty());
}

TEST_F(FileSourceTest, ARenamedFileIsReadToItsEndBeforeTheNewOne) {
  append(line("a"));
  FileSource file = source();
  RunningSource running(file);
  ASSERT_EQ(running.routes(1), "/a ");
  std::ofstream writer(path(), std::ios::binary | std::ios::app);
  rename_away();
  writer << line("b") << std::flush;  // It has not noticed yet.
  std::string last = line("c");
  last.pop_back();
  writer << last << std::flush;  // A last line without a newline.
  append(line("d"));
  EXPECT_EQ(running.routes(4), "/a /b /c /d ");
  append(line("e"));
  EXPECT_EQ(running.routes(5), "/a /b /c /d /e ");
  running.stop();
  EXPECT_TRUE(running.gaps.empty());
}

TEST_F(FileSourceTest, AWriterThatIsSlowToMoveOnLosesNothing) {
  append(line("a"));
  FileSource file = source();
  RunningSource running(file);
  ASSERT_EQ(running.routes(1), "/a ");
  std::ofstream writer(path(), std::ios::binary | std::ios::app);
  rename_away();
  replace("");
  writer << line("b") << std::flush;
  EXPECT_EQ(running.routes(2), "/a /b ");
  append(line("c"));
  EXPECT_EQ(running.routes(3), "/a /b /c ");
}

TEST_F(FileSourceTest, ATruncatedFileIsReadFromItsBeginningAndTheGapIsTold) {
  append(line("a") + line("b"));
  FileSource file = source();
  RunningSource running(file);
  ASSERT_EQ(running.routes(2), "/a /b ");
  replace("");
  append(line("c"));
  EXPECT_EQ(running.routes(3), "/a /b /c ");
  ASSERT_TRUE(running.until([&] { return !running.gaps.empty(); }));
  EXPECT_EQ(running.gaps[0].reason, "truncated");
}

TEST_F(FileSourceTest, AFileWrittenAnewInPlaceIsSeenThoughItIsLongerThanBefore) {
  append(line("a"));
  FileSource file = source();
  RunningSource running(file);
  ASSERT_EQ(running.routes(1), "/a ");
  // In one write, as a copytruncate between two looks: only the first bytes tell.
  const std::string text =
      "{\"route\":\"/x\",\"ts\":1795182320647,\"service\":\"shop\",\"status\":200}\n";
  const std::filesystem::path other = path().string() + ".new";
  std::ofstream(other) << text << line("y") << line("z");
  std::ofstream(path(), std::ios::binary | std::ios::in) << text << line("y") << line("z");
  EXPECT_EQ(running.routes(4), "/a /x /y /z ");
}

// A file is told by its number, which the system gives away again once nobody holds the file.
TEST_F(FileSourceTest, ADeletedFileIsHeldSoThatTheNextOneHasAnotherNumber) {
  for (int round = 0; round < 3; ++round) {
    replace(line("a"));
    FileSource file = source();
    RunningSource running(file);
    ASSERT_EQ(running.routes(1), "/a ");
    const ino_t deleted = number();
    std::filesystem::remove(path());
    append(line("b"));
    EXPECT_NE(number(), deleted);
    ASSERT_EQ(running.routes(2), "/a /b ");
  }
}

TEST_F(FileSourceTest, AFileThatGoesAwayIsDownAndComesBack) {
  append(line("a"));
  FileSource file = source();
  RunningSource running(file);
  ASSERT_EQ(running.routes(1), "/a ");
  std::filesystem::remove(path());
  ASSERT_TRUE(running.is(SourceHealth::down));
  append(line("b"));
  EXPECT_EQ(running.routes(2), "/a /b ");
  EXPECT_TRUE(running.is(SourceHealth::alive));
}

TEST_F(FileSourceTest, AHundredMegabytesOfOneLineAreSkippedAndCounted) {
  FileSource file = source();
  RunningSource running(file);
  {
    std::ofstream out(path(), std::ios::binary);
    const std::string chunk(1024 * 1024, 'x');
    for (int i = 0; i < 100; ++i) out << chunk;
    out << '\n' << line("after");
  }
  EXPECT_EQ(running.routes(1), "/after ");
  running.stop();
  ASSERT_EQ(running.progress.rejected.size(), 1U);
  EXPECT_EQ(running.progress.rejected[0].reason, "too_long");
  EXPECT_EQ(running.progress.documents, 2U);
}

TEST_F(FileSourceTest, EvidenceThatCannotBeReadIsAGapAndAnApplicationsOtherLinesAreNot) {
  append("listening on 8080\n" + line("a"));
  FileSource file = source();
  RunningSource running(file);
  ASSERT_EQ(running.routes(1), "/a ");
  append("a stack trace\n\n[1] of it\n{\"level\":\"info\",\"ts\":1795182320647}\n" + line("b"));
  ASSERT_EQ(running.routes(2), "/a /b ");
  ASSERT_TRUE(running.until([&] { return running.progress.documents >= 6; }));
  EXPECT_TRUE(running.gaps.empty()) << running.gaps[0].reason;
  const char* const unreadable[] = {
      R"({"ts":1795182320647,"service":"shop","status":"500"})",
      R"({"ts":1795182320647,"service":"shop","status":500,"wall_ms":-1})",
      R"({"service":"shop","status":500})",
      R"({"ts":1795182320647,"service":"shop","status":500,"stack":"cut of)",
      "{\"ts\":1795182320647,\"service\":\"shop\",\"status\":500,\"route\":\"/\xff\"}",
  };
  std::size_t gaps = 0;
  for (const char* text : unreadable) {
    append(text + ("\n" + line("ok")));
    ++gaps;
    ASSERT_TRUE(running.until([&] { return running.gaps.size() >= gaps; })) << text;
    EXPECT_EQ(running.gaps.back().reason, "unreadable");
    EXPECT_EQ(running.gaps.back().lost, 1U);
    EXPECT_GT(running.gaps.back().span, Duration::zero());
  }
}

TEST_F(FileSourceTest, OneUnreadableDocumentInThousandsIsNoGap) {
  FileSource file = source();
  std::string text;
  for (int i = 0; i < 1000; ++i) text += line("r");
  append(text + "{\n" + line("last"));
  RunningSource running(file);
  ASSERT_TRUE(running.until([&] { return running.progress.documents >= 1002; }));
  EXPECT_TRUE(running.gaps.empty());
}

TEST_F(FileSourceTest, AFullLaneStopsTheReadingAndLosesNothing) {
  std::string text;
  constexpr std::size_t kLines = 20'000;
  for (std::size_t i = 0; i < kLines; ++i) text += line("r");
  append(text);
  FileSource file = source();
  RunningSource running(file, 8192);
  ASSERT_TRUE(belay::test::eventually([&] { return running.lane().fill() > 0.5; }));
  ASSERT_TRUE(running.until([&] { return running.requests.size() >= kLines; }));
  EXPECT_TRUE(running.gaps.empty());
}

TEST_F(FileSourceTest, ADirectoryIsDown) {
  std::filesystem::create_directory(path());
  FileSource file = source();
  RunningSource running(file);
  ASSERT_TRUE(running.is(SourceHealth::down));
  EXPECT_NE(running.state->detail.find("not a regular file"), std::string::npos);
}

// Three silent intervals of a second make a source blind; a loaded machine may take one.
TEST_F(FileSourceTest, ItSpeaksOftenEnoughNotToPassForBlind) {
  append(line("a"));
  FileSource file = source();
  RunningSource running(file);
  ASSERT_TRUE(running.until([&] { return running.states.size() >= 4; }));
  for (std::size_t i = 1; i < running.states.size(); ++i) {
    EXPECT_LT(running.states[i].at - running.states[i - 1].at, std::chrono::seconds{3});
  }
}

}  // namespace
}  // namespace belay::monitor
