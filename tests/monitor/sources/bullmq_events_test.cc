#include "monitor/sources/bullmq_events.h"

#include <initializer_list>
#include <vector>

#include <gtest/gtest.h>

namespace belay::monitor {
namespace {

using net::RedisReply;
using Kind = RedisReply::Kind;

RedisReply text(std::string value) { return {.kind = Kind::string, .text = std::move(value)}; }

RedisReply list(std::vector<RedisReply> items) {
  return {.kind = Kind::array, .items = std::move(items)};
}

struct Entry {
  std::uint64_t ms;
  std::string event;
  std::string job;
  std::string previous;
};

/// As XREAD answers.
RedisReply page(const std::vector<Entry>& entries) {
  std::vector<RedisReply> all;
  for (const Entry& entry : entries) {
    RedisReply fields = list({text("event"), text(entry.event), text("jobId"), text(entry.job)});
    if (!entry.previous.empty()) {
      fields.items.push_back(text("prev"));
      fields.items.push_back(text(entry.previous));
    }
    all.push_back(list({text(std::to_string(entry.ms) + "-0"), std::move(fields)}));
  }
  return list({list({text("bull:q:events"), list(std::move(all))})});
}

/// What the entries of one poll count as.
rules::QueueSample::Flow flow_of(const std::vector<Entry>& entries) {
  QueueEvents events;
  events.expect({.last = {0, 0}, .added = 0});
  events.finish(true);
  events.expect({.last = {entries.back().ms, 0}, .added = entries.size()});
  events.feed(page(entries));
  const auto outcome = events.finish(true);
  EXPECT_FALSE(outcome.has_lost);
  return outcome.flow.value_or(rules::QueueSample::Flow{});
}

TEST(QueueEventsTest, FailedIsOnlyTheFinalFailure) {
  const auto flow = flow_of({{1, "added", "1"},
                             {2, "waiting", "1"},
                             {3, "active", "1", "waiting"},
                             {4, "delayed", "1"},  // Failed, to be tried again later.
                             {5, "waiting", "1", "delayed"},
                             {6, "active", "1", "waiting"},
                             {7, "waiting", "1", "active"},  // Failed, tried again at once (v5).
                             {8, "active", "1", "waiting"},
                             {9, "waiting", "2", "failed"},  // The same in v4.
                             {10, "failed", "1", "active"},
                             {11, "completed", "2", "active"}});
  EXPECT_EQ(flow.retries, 3U);
  EXPECT_EQ(flow.failed_attempts, 4U);
  EXPECT_EQ(flow.completed, 1U);
  EXPECT_EQ(flow.stalled, 0U);
}

TEST(QueueEventsTest, AJobThatIsAddedDelayedIsNoRetry) {
  EXPECT_EQ(flow_of({{1, "added", "1"}, {2, "delayed", "1"}}).retries, 0U);
  EXPECT_EQ(flow_of({{1, "added", "1"}, {2, "delayed", "2"}}).retries, 1U);
}

TEST(QueueEventsTest, AStalledJobIsNoRetry) {
  const auto flow = flow_of({{1, "waiting", "1", "active"},
                             {2, "stalled", "1"},
                             {3, "waiting", "2", "active"},
                             {4, "stalled", "2"},
                             {5, "waiting", "3", "active"},
                             {6, "drained", ""}});
  EXPECT_EQ(flow.stalled, 2U);
  EXPECT_EQ(flow.retries, 1U);
}

TEST(QueueEventsTest, APairThatIsReadInTwoPiecesStaysAPair) {
  QueueEvents events;
  events.expect({.last = {0, 0}, .added = 0});
  events.finish(true);
  events.expect({.last = {2, 0}, .added = 2});
  events.feed(page({{1, "waiting", "1", "active"}}));
  events.feed(page({{2, "stalled", "1"}}));
  const auto outcome = events.finish(true);
  ASSERT_TRUE(outcome.flow.has_value());
  EXPECT_EQ(outcome.flow->retries, 0U);
  EXPECT_EQ(outcome.flow->stalled, 1U);
}

TEST(QueueEventsTest, TheFirstPollOnlyFixesTheStart) {
  QueueEvents events;
  EXPECT_EQ(events.read_from(), std::nullopt);
  events.expect({.last = {77, 3}, .added = 500});
  EXPECT_EQ(events.read_from(), "77-3");
  EXPECT_FALSE(events.finish(true).flow.has_value());
}

TEST(QueueEventsTest, EntriesTrimmedUnreadAreCountedAsLost) {
  QueueEvents events;
  events.expect({.last = {10, 0}, .added = 10});
  events.finish(true);
  events.expect({.last = {20, 0}, .first = StreamId{18, 0}, .added = 20});
  events.feed(page({{18, "added", "1"}, {19, "waiting", "1"}, {20, "active", "1"}}));
  const auto outcome = events.finish(true);
  EXPECT_FALSE(outcome.flow.has_value());
  EXPECT_TRUE(outcome.has_lost);
  EXPECT_EQ(outcome.lost, 7U);
}

TEST(QueueEventsTest, WhatIsAddedBetweenAskingAndReadingHidesNoLoss) {
  QueueEvents events;
  events.expect({.last = {10, 0}, .added = 10});
  events.finish(true);
  events.expect({.last = {12, 0}, .added = 12});
  events.feed(page({{12, "added", "1"}, {13, "waiting", "1"}}));  // 11 is gone, 13 is new.
  const auto outcome = events.finish(true);
  EXPECT_EQ(outcome.lost, 1U);
  events.expect({.last = {14, 0}, .added = 14});
  events.feed(page({{14, "completed", "1"}}));
  const auto next = events.finish(true);
  EXPECT_FALSE(next.has_lost);
  ASSERT_TRUE(next.flow.has_value());
  EXPECT_EQ(next.flow->completed, 1U);
}

TEST(QueueEventsTest, BeforeRedis7TheOldestEntryTellsOfALoss) {
  QueueEvents events;
  events.expect({.last = {10, 0}, .first = StreamId{1, 0}});
  events.finish(true);
  events.expect({.last = {11, 0}, .first = StreamId{1, 0}});
  events.feed(page({{11, "completed", "1"}}));
  EXPECT_TRUE(events.finish(true).flow.has_value());
  events.expect({.last = {40, 0}, .first = StreamId{30, 0}});
  events.feed(page({{40, "completed", "1"}}));
  const auto outcome = events.finish(true);
  EXPECT_TRUE(outcome.has_lost);
  EXPECT_EQ(outcome.lost, 0U);
}

TEST(QueueEventsTest, ADeletedStreamStartsAnew) {
  QueueEvents events;
  events.expect({.last = {100, 0}, .added = 100});
  events.finish(true);
  events.expect({.last = {5, 0}, .added = 2});
  EXPECT_EQ(events.read_from(), "5-0");
  EXPECT_FALSE(events.finish(true).flow.has_value());
  events.expect({.last = {6, 0}, .added = 3});
  events.feed(page({{6, "completed", "1"}}));
  EXPECT_TRUE(events.finish(true).flow.has_value());
}

TEST(StreamStateTest, WhatIsNoStreamHasNoState) {
  EXPECT_FALSE(StreamState::parse({.kind = Kind::error, .text = "WRONGTYPE no"}).has_value());
  const auto none = StreamState::parse({.kind = Kind::error, .text = "ERR no such key"});
  ASSERT_TRUE(none.has_value());
  EXPECT_EQ(none->last, StreamId{});
  EXPECT_FALSE(StreamId::parse("12").has_value());
  EXPECT_FALSE(StreamId::parse("a-1").has_value());
}

}  // namespace
}  // namespace belay::monitor
