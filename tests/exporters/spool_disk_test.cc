// Goal: a disk that does its worst costs messages only, and that is said. Method: the files of a
// spool are damaged, renamed and forbidden by hand.

#include <csignal>
#include <fstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporters/kept_notice.h"
#include "tests/exporters/spool_fixture.h"

namespace belay::exporters {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

using SpoolDiskTest = SpoolTest;

TEST_F(SpoolDiskTest, WhatCannotBeRemovedIsSaidOnceForItWillBeToldAgain) {
  const auto kept = spool();
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < 2; ++i) numbers.push_back(kept->keep("slack", notice("a")));
  ASSERT_TRUE(test::eventually([&] { return files().size() == 2; }));
  for (const auto& path : files()) {
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
  }
  for (const std::uint64_t number : numbers) kept->forget(number);
  const auto is_forgotten = [&] { return !kept->leave("none", {.number = numbers.back()}); };
  ASSERT_TRUE(test::eventually(is_forgotten));
  EXPECT_THAT(complaints(), ElementsAre(HasSubstr("told again by the next start")));
}

TEST_F(SpoolDiskTest, NumbersThatNoLifeOfOursGivesAreLeftAlone) {
  live_away({notice("a")});
  const std::filesystem::path one = files().front();
  std::filesystem::copy(one, path_ / "0000000000000000.json");
  std::filesystem::copy(one, path_ / "9999999999999999.json");
  EXPECT_THAT(live_on(), ElementsAre("!a"));
  live_away({notice("b")});
  EXPECT_THAT(live_on(), ElementsAre("!a", "!b"));
  EXPECT_THAT(files(), SizeIs(2));
}

TEST_F(SpoolDiskTest, OfMoreFilesThanItHoldsTheNewestAreTold) {
  live_away({notice("a")});
  const std::filesystem::path one = files().front();
  for (std::size_t i = 0; i < Spool::kKeptMax; ++i) {
    std::filesystem::copy(one, path_ / ("1" + std::to_string(100'000'000'000'000 + i) + ".json"));
  }
  const auto kept = spool();
  EXPECT_THAT(files(), SizeIs(Spool::kKeptMax));
  EXPECT_FALSE(std::filesystem::exists(one));
  EXPECT_THAT(complaints().back(), HasSubstr("1 kept message lost"));
}

TEST_F(SpoolDiskTest, DamagedFilesCostTheirMessagesOnly) {
  live_away({notice("a"), notice("b"), notice("c"), notice("d"), notice("e")});
  const auto paths = files();
  ASSERT_THAT(paths, SizeIs(5));
  std::filesystem::resize_file(paths[0], 20);
  std::ofstream{paths[1]} << R"({"to":"slack","notice":"no such kind","details":7})";
  std::ofstream{paths[3]} << std::string(kKeptBytesMax + 1, 'x');
  std::filesystem::remove(paths[4]);
  ASSERT_EQ(::mkfifo(paths[4].c_str(), 0600), 0);
  EXPECT_THAT(live_on(), ElementsAre("!c"));
  EXPECT_THAT(complaints(), testing::Contains(HasSubstr("4 kept messages lost: damaged")));
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(SpoolDiskTest, ADiskThatTakesNothingCostsOnlyWhatWouldOutliveUs) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  receiver_.is_away(true);
  {
    const auto kept = spool();
    const auto box = outbox(*kept);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
    box->put(notice("a"));
    EXPECT_TRUE(test::eventually([&] {
      const auto lines = complaints();
      return std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
        return line.find("a message cannot be kept") != std::string::npos;
      });
    }));
    EXPECT_TRUE(test::eventually([&] { return files().empty(); })) << "no half of a message";
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    box->put(notice("b"));
    box->put(notice("c"));
    EXPECT_TRUE(test::eventually([&] { return files().size() == 2; })) << "there is room again";
    receiver_.is_away(false);
    EXPECT_TRUE(test::eventually([&] { return receiver_.told().size() == 3; }));
  }
  EXPECT_THAT(receiver_.told(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(counts_.sent.Value(), 3);
}

TEST_F(SpoolDiskTest, WhatCouldNotBeWrittenIsNotKept) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  const auto kept = spool();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
  const std::uint64_t number = kept->keep("slack", notice("a"));
  const auto is_left = [&] { return kept->leave("slack", {.number = number}); };
  EXPECT_TRUE(test::eventually([&] { return !is_left(); }));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
}

TEST_F(SpoolDiskTest, WithoutAPlaceForThemWhatIsNotDeliveredIsLostAndNotCalledKept) {
  std::filesystem::create_directory(path_);
  std::filesystem::permissions(path_, std::filesystem::perms::all);
  live_away({notice("a"), notice("b")});
  EXPECT_EQ(counts_.failed.Value(), 2);
  EXPECT_THAT(complaints(), Each(Not(HasSubstr("and kept"))));
  EXPECT_THAT(complaints().back(), HasSubstr("2 messages lost: Belay ends"));
}

TEST_F(SpoolDiskTest, ADirectoryOfSomeoneElseIsNotToBeRemoved) {
  std::filesystem::create_directory(path_);
  // Who is not root cannot give one away, and finds one that is root's.
  constexpr uid_t kSomeoneElse = 1;
  const bool is_given = ::chown(path_.c_str(), kSomeoneElse, static_cast<gid_t>(-1)) == 0;
  const Result<SpoolDirectory> opened = SpoolDirectory::open(is_given ? path_ : "/usr");
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error().message, HasSubstr("belongs to another user"));
  EXPECT_THAT(opened.error().message, Not(HasSubstr("remove")));
}

TEST_F(SpoolDiskTest, ADirectoryThatIsNotOursAloneIsNotUsedAndMessagesAreToldAllTheSame) {
  std::filesystem::create_directory(path_);
  std::filesystem::permissions(path_, std::filesystem::perms::all);
  const auto kept = spool();
  EXPECT_THAT(complaints(), ElementsAre(HasSubstr("others may enter it: chmod 700 it")));
  auto box = outbox(*kept);
  box->put(notice("a"));
  box.reset();
  EXPECT_THAT(receiver_.told(), ElementsAre("a"));
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(SpoolDiskTest, OneThatAnotherHoldsIsLeftAlone) {
  live_away({notice("a")});
  const auto holder = spool();
  const auto second = spool();
  EXPECT_THAT(complaints().back(), HasSubstr("in use by another process"));
  EXPECT_THAT(second->take("slack"), IsEmpty());
}

TEST_F(SpoolDiskTest, NobodyElseMayReadThem) {
  live_away({notice("a")});
  const auto all_but_owner = std::filesystem::perms::group_all | std::filesystem::perms::others_all;
  std::vector<std::filesystem::path> paths = files();
  ASSERT_THAT(paths, SizeIs(1));
  paths.push_back(path_);
  for (const auto& path : paths) {
    EXPECT_EQ(std::filesystem::status(path).permissions() & all_but_owner,
              std::filesystem::perms::none);
  }
}

}  // namespace
}  // namespace belay::exporters
