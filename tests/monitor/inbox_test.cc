#include "monitor/inbox.h"

#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "monitor/parse/interner.h"

namespace belay::monitor {
namespace {

using rules::Request;
using rules::SourceGap;
using rules::SourceId;
using rules::TextDefined;
using rules::TextId;
using std::chrono::milliseconds;

constexpr milliseconds kAtOnce{0};
constexpr milliseconds kLong{20'000};

Request request(std::int64_t at_ms, std::uint16_t status = 200) {
  return {.source = SourceId{1}, .at = from_unix_ms(at_ms), .status = status};
}

TEST(InboxTest, EventsComeOutInTheirOrderControlFirst) {
  Inbox inbox;
  Lane& lane = inbox.add_lane(SourceId{1});
  EXPECT_TRUE(lane.offer(request(1)));
  lane.deliver(TextDefined{.source = SourceId{1}, .id = TextId{1}, .text = "shop"});
  EXPECT_TRUE(lane.offer(request(2)));
  const auto events = inbox.drain(kAtOnce);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(std::get<TextDefined>(events[0]).text, "shop");
  EXPECT_EQ(unix_ms(std::get<Request>(events[1]).at), 1);
  EXPECT_EQ(unix_ms(std::get<Request>(events[2]).at), 2);
  EXPECT_TRUE(inbox.drain(kAtOnce).empty());
}

TEST(InboxTest, AWakeEndsOneWaitWithoutEvents) {
  Inbox inbox;
  const auto began = std::chrono::steady_clock::now();
  inbox.wake();
  EXPECT_TRUE(inbox.drain(kLong).empty());
  EXPECT_LT(std::chrono::steady_clock::now() - began, kLong / 2);
  const auto again = std::chrono::steady_clock::now();
  inbox.drain(milliseconds{20});
  EXPECT_GE(std::chrono::steady_clock::now() - again, milliseconds{20});
}

TEST(InboxTest, AFullLaneReportsItsLossAsAGapBeforeWhatComesNext) {
  Inbox inbox(2);
  Lane& lane = inbox.add_lane(SourceId{7});
  EXPECT_TRUE(lane.offer(request(1000)));
  EXPECT_TRUE(lane.offer(request(2000)));
  EXPECT_FALSE(lane.offer(request(5000)));
  EXPECT_FALSE(lane.offer(request(4000)));
  EXPECT_FALSE(lane.offer(request(9000)));
  const auto events = inbox.drain(kAtOnce);
  ASSERT_EQ(events.size(), 3U);
  const auto& gap = std::get<SourceGap>(events[2]);
  EXPECT_EQ(gap.source, SourceId{7});
  EXPECT_EQ(gap.lost, 3U);
  EXPECT_EQ(gap.reason, "inbox_full");
  EXPECT_EQ(unix_ms(gap.at), 9000);
  EXPECT_EQ(gap.span, std::chrono::seconds{5});
  EXPECT_TRUE(lane.offer(request(10'000)));
  EXPECT_EQ(inbox.drain(kAtOnce).size(), 1U);
}

TEST(InboxTest, ControlEventsAreNeverDropped) {
  Inbox inbox(1);
  Lane& lane = inbox.add_lane(SourceId{1});
  for (int i = 0; i < 100; ++i) lane.deliver(rules::SourceState{.source = SourceId{1}});
  for (int i = 0; i < 100; ++i) inbox.deliver(rules::ActionOutcome{});
  EXPECT_EQ(inbox.drain(kAtOnce).size(), 200U);
}

TEST(InboxTest, ANoisyLaneDoesNotStarveAnother) {
  Inbox inbox;
  Lane& noisy = inbox.add_lane(SourceId{1});
  Lane& quiet = inbox.add_lane(SourceId{2});
  for (int i = 0; i < 100; ++i) noisy.offer(request(i));
  quiet.offer(rules::Probe{.source = SourceId{2}});
  const auto events = inbox.drain(kAtOnce, 10);
  ASSERT_EQ(events.size(), 11U);
  EXPECT_TRUE(std::holds_alternative<rules::Probe>(events.back()));
  EXPECT_EQ(unix_ms(std::get<Request>(inbox.drain(kLong, 10).front()).at), 10);
}

TEST(InboxTest, FillIsTheShareOfTheLaneInUse) {
  Inbox inbox(4);
  Lane& lane = inbox.add_lane(SourceId{1});
  EXPECT_EQ(lane.fill(), 0.0);
  std::vector<rules::Event> three(3, request(1));
  lane.offer_all(three);
  EXPECT_TRUE(three.empty());
  EXPECT_EQ(lane.fill(), 0.75);
}

TEST(InboxTest, AWaitingDrainWakesForAnEventAndForTheEnd) {
  Inbox inbox;
  Lane& lane = inbox.add_lane(SourceId{1});
  std::thread producer([&] { lane.offer(request(1)); });
  EXPECT_EQ(inbox.drain(kLong).size(), 1U);
  producer.join();
  std::thread closer([&] { inbox.close(); });
  EXPECT_TRUE(inbox.drain(kLong).empty());
  closer.join();
  EXPECT_TRUE(inbox.drain(kLong).empty());
}

TEST(InboxTest, ThreadsLoseNothingUncountedAndTextsComeFirst) {
  constexpr int kProducers = 4;
  constexpr int kEach = 5000;
  Inbox inbox(256);
  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    const auto source = static_cast<SourceId>(p);
    Lane& lane = inbox.add_lane(source);
    producers.emplace_back([&lane, source] {
      Interner interner(source);
      for (int i = 0; i < kEach; ++i) {
        Request event = request(i);
        event.source = source;
        event.service = interner.id("service-" + std::to_string(i / 100));
        for (auto& defined : interner.take_defined()) lane.deliver(std::move(defined));
        lane.offer(event);
      }
    });
  }
  std::uint64_t seen = 0;
  std::set<std::pair<SourceId, TextId>> known;
  while (seen < std::uint64_t{kProducers} * kEach) {
    const auto events = inbox.drain(kLong, 64);
    ASSERT_FALSE(events.empty());
    for (const auto& event : events) {
      if (const auto* defined = std::get_if<TextDefined>(&event)) {
        known.emplace(defined->source, defined->id);
      } else if (const auto* gap = std::get_if<SourceGap>(&event)) {
        seen += gap->lost;
      } else {
        const auto& arrived = std::get<Request>(event);
        EXPECT_TRUE(known.contains({arrived.source, arrived.service}));
        ++seen;
      }
    }
  }
  for (auto& producer : producers) producer.join();
  EXPECT_EQ(seen, std::uint64_t{kProducers} * kEach);
}

TEST(InternerTest, ATextHasOneIdAndIsDefinedOnce) {
  Interner interner(SourceId{3});
  EXPECT_EQ(interner.id(""), rules::kNoText);
  const TextId shop = interner.id("shop");
  EXPECT_NE(shop, rules::kNoText);
  EXPECT_EQ(interner.id("shop"), shop);
  EXPECT_NE(interner.id("cart"), shop);
  EXPECT_TRUE(interner.has_defined());
  const auto defined = interner.take_defined();
  ASSERT_EQ(defined.size(), 2U);
  EXPECT_EQ(defined[0].id, shop);
  EXPECT_EQ(defined[0].text, "shop");
  EXPECT_EQ(defined[0].source, SourceId{3});
  EXPECT_FALSE(interner.has_defined());
  EXPECT_TRUE(interner.take_defined().empty());
}

TEST(InternerTest, AFloodOfRoutesLeavesRoomForVersionsServicesAndWords) {
  Interner interner(SourceId{3}, 2);
  for (int i = 0; i < 100; ++i) interner.id("/route/" + std::to_string(i));
  const TextId other = interner.id("/one/more");
  EXPECT_NE(interner.id("v2", TextUse::version), other);
  EXPECT_NE(interner.id("shop", TextUse::service), other);
  EXPECT_NE(interner.id("canceled", TextUse::word), other);
  EXPECT_EQ(interner.id("v2"), interner.id("v2", TextUse::version)) << "one text, one id";
  EXPECT_EQ(interner.overflowed(), 99U);
  EXPECT_EQ(interner.overflowed(TextUse::version), 0U);
}

TEST(InternerTest, AFloodOfVersionsIsBoundedToo) {
  Interner interner(SourceId{3});
  for (std::size_t i = 0; i < Interner::kVersionsMax + 10; ++i) {
    interner.id("v" + std::to_string(i), TextUse::version);
  }
  EXPECT_EQ(interner.overflowed(TextUse::version), 10U);
  EXPECT_EQ(interner.take_defined().size(), Interner::kVersionsMax + 1);
}

TEST(InternerTest, TooManyTextsAreOtherAndCounted) {
  Interner interner(SourceId{3}, 2);
  const TextId first = interner.id("a");
  interner.id("b");
  const TextId other = interner.id("c");
  EXPECT_EQ(interner.id("d"), other);
  EXPECT_EQ(interner.id("other"), other);
  EXPECT_EQ(interner.id("a"), first);
  EXPECT_EQ(interner.overflowed(), 2U);
  EXPECT_EQ(interner.take_defined().back().text, "other");
}

}  // namespace
}  // namespace belay::monitor
