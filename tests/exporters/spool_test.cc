// Goal: what waits for a route outlives the process. Method: a life is a spool and an outbox; a
// kill is a life that ends while nobody answers.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/exporters/spool_fixture.h"

namespace belay::exporters {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

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

TEST_F(SpoolTest, WhatTwoLivesCouldNotDeliverTheThirdTells) {
  live_away({notice("a")});
  live_away({notice("b")});
  EXPECT_THAT(live_on(), ElementsAre("!a", "!b"));
  EXPECT_EQ(counts_.failed.Value(), 0);
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
  outbox(*kept, kPatient, "slack-page").reset();
  EXPECT_THAT(receiver_.told(), IsEmpty());
  outbox(*kept).reset();
  EXPECT_THAT(receiver_.told(), ElementsAre("!for slack"));
}

TEST_F(SpoolTest, TheRouteThatReplacesAnotherTellsWhatThatOneLeft) {
  receiver_.is_away(true);
  const auto kept = spool();
  auto before = outbox(*kept, kAway);
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
  Outbox::Limits limits = kAway;
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

TEST_F(SpoolTest, PagesHavePlacesOfTheirOwnAndWhatFindsNoneIsSaidOnce) {
  const auto kept = spool();
  bool has_room = true;
  for (std::size_t i = 0; i < Spool::kKeptMax; ++i) {
    has_room = kept->keep(i % 2 == 0 ? "slack" : "slack-2", notice("a", 0s, false)) != 0;
  }
  EXPECT_FALSE(has_room);
  EXPECT_NE(kept->keep("slack-page", notice("page")), 0U);
  EXPECT_EQ(kept->keep("slack", notice("a", 0s, false)), 0U);
  const auto said = [this] {
    const auto lines = complaints();
    return std::ranges::count_if(lines, [](const std::string& line) {
      return line.find("there is no room") != std::string::npos;
    });
  };
  EXPECT_TRUE(test::eventually([&] { return said() == 1; }));
  EXPECT_TRUE(test::eventually([&] { return files().size() == Spool::kKeptMax / 2 + 1; }));
  EXPECT_EQ(said(), 1);
}

TEST_F(SpoolTest, WhatNobodyTakesIsForgottenOnceItIsOld) {
  live_away({notice("old"), notice("young", -2h)});
  {
    const auto kept = spool(kNow + 25h);
    kept->forget_left(24h);
  }
  EXPECT_THAT(files(), SizeIs(1));
  EXPECT_THAT(complaints().back(), HasSubstr("1 kept message lost"));
  EXPECT_THAT(live_on(), ElementsAre("!young"));
}

}  // namespace
}  // namespace belay::exporters
