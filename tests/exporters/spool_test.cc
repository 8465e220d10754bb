// Goal: what waits for a route outlives the process, whatever the disk does, and a disk that does
// its worst costs messages only. Method: a life is a spool and an outbox; a kill is a life that
// ends while nobody answers. The files are damaged, and forbidden, by hand.

#include "exporters/spool.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "exporters/kept_notice.h"
#include "exporters/notice_text.h"
#include "exporters/outbox.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_directory.h"

namespace belay::exporters {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Result = Outbox::Attempt::Result;

constexpr Instant kNow = from_unix_ms(1'795'000'000'000);

rules::Notice notice(std::string headline, Duration age = 0s) {
  return {.kind = rules::Notice::Kind::not_recovered,
          .page = true,
          .at = kNow - age,
          .service = "shop",
          .headline = std::move(headline)};
}

/// A receiver that is away or there, over all lives; "!" stands before what came late.
class Receiver {
 public:
  Outbox::Deliver deliver() {
    return [this](const Outbox::Batch& batch, const std::stop_token&) -> Outbox::Attempt {
      const std::lock_guard lock(mutex_);
      if (is_away_) return {.result = Result::try_again, .why = "away"};
      for (std::size_t i = 0; i < batch.notices.size(); ++i) {
        told_.push_back((i < batch.late ? "!" : "") + batch.notices[i].headline);
      }
      return {.result = Result::delivered};
    };
  }
  void is_away(bool away) {
    const std::lock_guard lock(mutex_);
    is_away_ = away;
  }
  std::vector<std::string> told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }

 private:
  std::mutex mutex_;
  bool is_away_ = false;
  std::vector<std::string> told_;
};

class SpoolTest : public testing::Test {
 protected:
  std::unique_ptr<Spool> spool(Instant now = kNow) {
    return std::make_unique<Spool>(
        path_, [now] { return now; }, complain());
  }
  Outbox::Complain complain() {
    return [this](const std::string& line) {
      const std::lock_guard lock(mutex_);
      complaints_.push_back(line);
    };
  }
  std::unique_ptr<Outbox> outbox(Spool& spool, Outbox::Limits limits = kAtOnce,
                                 const std::string& route = "slack") {
    return std::make_unique<Outbox>(limits, counts_, receiver_.deliver(), complain(),
                                    Keeping{.spool = &spool, .route = route});
  }
  /// A life in which nothing can be delivered.
  void live_away(const std::vector<rules::Notice>& notices, Outbox::Limits limits = kAtOnce) {
    receiver_.is_away(true);
    const auto kept = spool();
    const auto box = outbox(*kept, limits);
    for (const rules::Notice& one : notices) box->put(one);
  }
  /// What the next life tells.
  std::vector<std::string> live_on(Instant now = kNow) {
    receiver_.is_away(false);
    const auto kept = spool(now);
    outbox(*kept).reset();
    return receiver_.told();
  }
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  std::vector<std::string> complaints() {
    const std::lock_guard lock(mutex_);
    return complaints_;
  }

  static constexpr Outbox::Limits kAtOnce{.batch_max = 2,
                                          .spacing = 0ms,
                                          .backoff_min = 1ms,
                                          .backoff_max = 2ms,
                                          .give_up_after = 24h,
                                          .drain = 20ms,
                                          .look_again = 5ms};
  const test::TemporaryDirectory directory_;
  const std::filesystem::path path_ = directory_.path() / "outbox";
  Receiver receiver_;
  Notifications notifications_;
  NotificationCounts counts_ = notifications_.of("slack");
  std::mutex mutex_;
  std::vector<std::string> complaints_;
};

TEST_F(SpoolTest, WhatOneLifeCouldNotDeliverTheNextOneTellsInOrderAndSaysThatItIsLate) {
  live_away({notice("a", 90s), notice("b"), notice("c")});
  EXPECT_THAT(complaints().back(), HasSubstr("3 messages are not delivered, and kept"));
  EXPECT_EQ(counts_.failed.Value(), 0);
  EXPECT_THAT(live_on(), ElementsAre("!a", "!b", "!c"));
  EXPECT_EQ(counts_.sent.Value(), 3);
  EXPECT_THAT(files(), IsEmpty());
  EXPECT_THAT(live_on(), SizeIs(3)) << "told once";
}

TEST_F(SpoolTest, WhatIsNewComesAfterWhatIsLeftAndIsNotLate) {
  live_away({notice("old")});
  receiver_.is_away(false);
  const auto kept = spool();
  auto box = outbox(*kept);
  box->put(notice("new"));
  box.reset();
  EXPECT_THAT(receiver_.told(), ElementsAre("!old", "new"));
}

TEST_F(SpoolTest, ItIsWrittenWhileTheReceiverIsAwayAndNotOnlyAtTheEnd) {
  receiver_.is_away(true);
  const auto kept = spool();
  const auto box = outbox(*kept);
  box->put(notice("a"));
  EXPECT_TRUE(test::eventually([&] { return files().size() == 1; }));
  receiver_.is_away(false);
  EXPECT_TRUE(test::eventually([&] { return files().empty(); })) << "told, and gone";
}

TEST_F(SpoolTest, EachRouteGetsItsOwn) {
  live_away({notice("for slack")});
  receiver_.is_away(false);
  const auto kept = spool();
  outbox(*kept, kAtOnce, "slack-page").reset();
  EXPECT_THAT(receiver_.told(), IsEmpty());
  outbox(*kept).reset();
  EXPECT_THAT(receiver_.told(), ElementsAre("!for slack"));
}

TEST_F(SpoolTest, TheRouteThatReplacesAnotherTellsWhatThatOneLeft) {
  receiver_.is_away(true);
  const auto kept = spool();
  auto before = outbox(*kept);
  before->put(notice("a"));
  const auto after = outbox(*kept);
  before.reset();
  receiver_.is_away(false);
  EXPECT_TRUE(test::eventually([&] { return receiver_.told().size() == 1; }));
  EXPECT_EQ(counts_.failed.Value(), 0);
}

TEST_F(SpoolTest, WhatIsTooOldIsNotToldButCounted) {
  live_away({notice("old"), notice("young", -2h)});
  EXPECT_THAT(live_on(kNow + 25h), ElementsAre("!young"));
  EXPECT_EQ(counts_.failed.Value(), 1);
  EXPECT_THAT(complaints().back(), HasSubstr("1 message lost: not delivered within 24h"));
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(SpoolTest, AClockThatWasSetBackMakesNothingYoungerThanNew) {
  live_away({notice("a")});
  const auto left = spool(kNow - 48h)->take("slack");
  ASSERT_THAT(left, SizeIs(1));
  EXPECT_EQ(left.front().age, Duration{0});
}

TEST_F(SpoolTest, WhatARouteHasNoRoomForIsNotKeptEither) {
  Outbox::Limits limits = kAtOnce;
  limits.waiting_max = 2;
  limits.batch_max = 1;
  live_away({notice("a"), notice("b"), notice("c"), notice("d"), notice("e")}, limits);
  EXPECT_EQ(counts_.dropped.Value() + static_cast<double>(files().size()), 5);
  EXPECT_LE(files().size(), 3U) << "one under way, and two that wait";
}

TEST_F(SpoolTest, ItHoldsSoManyAndNoMore) {
  const auto kept = spool();
  std::vector<std::uint64_t> numbers;
  for (std::size_t i = 0; i < Spool::kKeptMax; ++i) {
    numbers.push_back(kept->keep("slack", notice("a")));
  }
  EXPECT_THAT(numbers, Each(testing::Ne(0U)));
  EXPECT_EQ(kept->keep("slack", notice("one more")), 0U);
  for (const std::uint64_t number : numbers) kept->forget(number);
  EXPECT_TRUE(test::eventually([&] { return kept->keep("slack", notice("b")) != 0; }));
}

TEST_F(SpoolTest, OfMoreFilesThanItHoldsTheNewestAreTold) {
  live_away({notice("a")});
  const std::filesystem::path one = files().front();
  for (std::size_t i = 0; i < Spool::kKeptMax; ++i) {
    std::filesystem::copy(one, path_ / ("1" + std::to_string(100'000'000'000'000 + i) + ".json"));
  }
  const auto kept = spool();
  EXPECT_THAT(files(), SizeIs(Spool::kKeptMax));
  EXPECT_FALSE(std::filesystem::exists(one));
  EXPECT_THAT(complaints().back(), HasSubstr("1 kept messages lost"));
}

TEST_F(SpoolTest, DamagedFilesCostTheirMessagesOnly) {
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

TEST_F(SpoolTest, ADiskThatTakesNothingCostsOnlyWhatWouldOutliveUs) {
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

TEST_F(SpoolTest, ADirectoryThatIsNotOursAloneIsNotUsedAndMessagesAreToldAllTheSame) {
  std::filesystem::create_directory(path_);
  std::filesystem::permissions(path_, std::filesystem::perms::all);
  const auto kept = spool();
  EXPECT_THAT(complaints(), ElementsAre(HasSubstr("others may enter it")));
  auto box = outbox(*kept);
  box->put(notice("a"));
  box.reset();
  EXPECT_THAT(receiver_.told(), ElementsAre("a"));
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(SpoolTest, OneThatAnotherHoldsIsLeftAlone) {
  live_away({notice("a")});
  const auto holder = spool();
  const auto second = spool();
  EXPECT_THAT(complaints().back(), HasSubstr("in use by another process"));
  EXPECT_THAT(second->take("slack"), IsEmpty());
}

TEST_F(SpoolTest, NobodyElseMayReadThem) {
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

TEST_F(SpoolTest, WhatNobodyTakesIsForgottenOnceItIsOld) {
  live_away({notice("old"), notice("young", -2h)});
  {
    const auto kept = spool(kNow + 25h);
    kept->forget_left(24h);
  }
  EXPECT_THAT(files(), SizeIs(1));
  EXPECT_THAT(complaints().back(), HasSubstr("1 kept messages lost"));
  EXPECT_THAT(live_on(), ElementsAre("!young"));
}

TEST(KeptNotice, ComesBackAsItWouldHaveBeenTold) {
  rules::Evidence evidence{.what = "error rate", .truth = rules::Truth::bad};
  evidence.value = 0.124;
  evidence.has_value = true;
  rules::Notice told = notice("shop: \"v2\" failed");
  told.severity = rules::Severity::warning;
  told.rule = "errs";
  told.candidate = "v2";
  told.baseline = "v1";
  told.intent = "6f1c";
  told.details = {"why: it is 12.4%", "a line\nof logs \x1b[31m"};
  told.evidence = {evidence};
  const std::string text = text_of(KeptNotice{.route = "slack", .notice = told});
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const auto kept = kept_notice_of(text);
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(kept->route, "slack");
  EXPECT_EQ(kept->notice.kind, told.kind);
  EXPECT_EQ(kept->notice.page, told.page);
  EXPECT_EQ(kept->notice.severity, told.severity);
  EXPECT_EQ(kept->notice.service, told.service);
  EXPECT_EQ(kept->notice.headline, told.headline);
  EXPECT_EQ(origin_of(kept->notice), origin_of(told));
  EXPECT_EQ(lines_of(kept->notice), lines_of(told));
  EXPECT_THAT(lines_of(told), SizeIs(3));
}

TEST(KeptNotice, EveryKindComesBack) {
  for (int kind = 0; kind <= static_cast<int>(rules::Notice::Kind::source_back); ++kind) {
    rules::Notice one = notice("a");
    one.kind = static_cast<rules::Notice::Kind>(kind);
    const auto kept = kept_notice_of(text_of(KeptNotice{.route = "slack", .notice = one}));
    ASSERT_TRUE(kept.has_value()) << name_of(one.kind);
    EXPECT_EQ(kept->notice.kind, one.kind);
  }
}

TEST(KeptNotice, StaysWithinItsBoundWhateverItHolds) {
  rules::Notice big = notice(std::string(100'000, '"'));
  big.rule = big.service = big.candidate = std::string(100'000, '\\');
  for (int i = 0; i < 1'000; ++i) {
    big.details.push_back(std::to_string(i) + std::string(100'000, '"'));
  }
  const std::string text = text_of(KeptNotice{.route = "slack", .notice = big});
  EXPECT_LE(text.size(), kKeptBytesMax);
  const auto kept = kept_notice_of(text);
  ASSERT_TRUE(kept.has_value());
  EXPECT_THAT(kept->notice.details.back(), HasSubstr("and more"));
}

TEST(KeptNotice, NothingElseIsTaken) {
  for (const char* text : {"", "7", "[]", "{}", R"({"to":"slack"})", "{\"to\":\"sl"}) {
    EXPECT_FALSE(kept_notice_of(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace belay::exporters
