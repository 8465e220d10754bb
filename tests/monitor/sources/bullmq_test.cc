#include "monitor/sources/bullmq.h"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "monitor/sources/bullmq_poll.h"
#include "monitor/sources/bullmq_server.h"
#include "tests/monitor/sources/source_run.h"
#include "tests/support/redis_server.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using net::RedisConnection;
using net::RedisReply;
using net::RedisUrl;
using rules::QueueSample;
using rules::SourceGap;
using rules::SourceHealth;
using rules::SourceState;
using test::RedisServer;

constexpr rules::SourceId kSource{5};
constexpr auto kAmple = 20s;

BullmqOptions options_for(const std::string& url, std::vector<std::string> names = {}) {
  return {.source = kSource,
          .url = RedisUrl::parse(url).value(),
          .names = std::move(names),
          .every = 20ms,
          .discover_every = 20ms,
          .backoff_min = 10ms,
          .backoff_max = 20ms};
}

/// A connection with which a test plays BullMQ.
class Hand {
 public:
  explicit Hand(const std::string& url)
      : connection_(RedisConnection::connect(RedisUrl::parse(url).value(), kAmple).value()) {}
  RedisReply operator()(RedisConnection::Command command) {
    return connection_->pipeline({std::move(command)}, kAmple).value().front();
  }
  RedisConnection& connection() { return *connection_; }

 private:
  std::unique_ptr<RedisConnection> connection_;
};

bool is_unknown(const QueueSample& sample) {
  return !sample.waiting && !sample.depth && !sample.active && !sample.delayed && !sample.failed &&
         !sample.oldest && !sample.flow;
}

bool is_refused(const SourceState& state) { return state.health == SourceHealth::refused; }
bool is_down(const SourceState& state) { return state.health == SourceHealth::down; }
bool is_alive(const SourceState& state) { return state.health == SourceHealth::alive; }

TEST(BullmqSourceTest, AQueueThatDoesNotExistIsUnknownAndNotZero) {
  RedisServer server;
  BullmqSource source(options_for(server.url(), {"tpyo"}));
  SourceRun run(source, kSource);
  const QueueSample sample = run.at_least<QueueSample>(1).at(0);
  EXPECT_EQ(run.text(sample.queue), "tpyo");
  EXPECT_TRUE(is_unknown(sample));
  EXPECT_TRUE(run.until<rules::SourceProgress>([](const auto& progress) {
    return progress.documents > 0 && progress.used == 0 && progress.rejected.size() == 1;
  }));
}

TEST(BullmqSourceTest, AnEmptyQueueIsZeroAndItsOldestToo) {
  RedisServer server;
  Hand{server.url()}({"HSET", "bull:mail:meta", "version", "bullmq:5.0.0"});
  BullmqSource source(options_for(server.url(), {"mail"}));
  SourceRun run(source, kSource);
  const QueueSample sample = run.at_least<QueueSample>(1).at(0);
  EXPECT_EQ(sample.source, kSource);
  EXPECT_EQ(sample.depth, 0U);
  EXPECT_EQ(sample.waiting, 0U);
  EXPECT_EQ(sample.oldest, Duration::zero());
}

TEST(BullmqSourceTest, MarkersInTheListAreNoJobs) {
  RedisServer server;
  Hand hand(server.url());
  hand({"HSET", "bull:mail:meta", "opts.maxLenEvents", "10000"});
  hand({"RPUSH", "bull:mail:wait", "3", "2", "0:1795000000000"});
  hand({"RPUSH", "bull:mail:paused", "0:0"});
  hand({"HSET", "bull:mail:2", "timestamp", "1000", "opts", "{}"});
  BullmqSource source(options_for(server.url(), {"mail"}));
  SourceRun run(source, kSource);
  const QueueSample sample = run.at_least<QueueSample>(1).at(0);
  EXPECT_EQ(sample.waiting, 2U);
  EXPECT_EQ(sample.depth, 2U);
  ASSERT_TRUE(sample.oldest.has_value());
  EXPECT_GT(*sample.oldest, std::chrono::hours{24});
}

TEST(BullmqSourceTest, TheOldestOfAllLevelsOfPriorityCounts) {
  RedisServer server;
  Hand hand(server.url());
  hand({"HSET", "bull:mail:meta", "version", "bullmq:5.0.0"});
  const std::vector<RedisReply> time = hand({"TIME"}).items;
  const std::int64_t now_ms = std::stoll(time.at(0).text) * 1000;
  for (int priority = 1; priority <= 3; ++priority) {
    const std::string job = "job" + std::to_string(priority);
    const std::int64_t created_ms = now_ms - 1000 * priority * priority;
    hand(
        {"ZADD", "bull:mail:prioritized", std::to_string((std::int64_t{priority} << 32) + 7), job});
    hand({"HSET", "bull:mail:" + job, "timestamp", std::to_string(created_ms), "opts", "{}"});
  }
  BullmqSource source(options_for(server.url(), {"mail"}));
  SourceRun run(source, kSource);
  const QueueSample sample = run.at_least<QueueSample>(1).at(0);
  EXPECT_EQ(sample.depth, 3U);
  ASSERT_TRUE(sample.oldest.has_value());
  EXPECT_GE(*sample.oldest, 9s);
  EXPECT_LT(*sample.oldest, 60s);
}

TEST(BullmqSourceTest, AJobThatWasRemovedMeanwhileHasNoAge) {
  RedisServer server;
  Hand hand(server.url());
  hand({"HSET", "bull:mail:meta", "version", "bullmq:5.0.0"});
  hand({"RPUSH", "bull:mail:wait", "gone"});
  BullmqSource source(options_for(server.url(), {"mail"}));
  SourceRun run(source, kSource);
  const QueueSample sample = run.at_least<QueueSample>(1).at(0);
  EXPECT_EQ(sample.depth, 1U);
  EXPECT_FALSE(sample.oldest.has_value());
}

TEST(WaitingSinceTest, ADelayAndAnEarlierAttemptCount) {
  const auto since = [](std::string timestamp, std::string processed_on, std::string opts) {
    RedisReply reply{.kind = RedisReply::Kind::array};
    for (std::string& text :
         std::array{std::move(timestamp), std::move(processed_on), std::move(opts)}) {
      reply.items.push_back({.kind = RedisReply::Kind::string, .text = text});
    }
    return waiting_since_ms(reply);
  };
  EXPECT_EQ(since("1000", "", "{}"), 1000);
  EXPECT_EQ(since("1000", "", R"({"delay":500})"), 1500);
  EXPECT_EQ(since("1000", "4000", R"({"delay":500})"), 4000);
  EXPECT_EQ(since("1000", "", "not json"), 1000);
  EXPECT_EQ(since("1000", "", R"({"delay":1e300})"), 1000);
  EXPECT_EQ(since("1000", "", R"({"delay":-1e14})"), 1000);
  EXPECT_EQ(since("1000", "9223372036854775807", "{}"), 1000);
  EXPECT_EQ(since("", "", "{}"), std::nullopt);
  EXPECT_EQ(since("9223372036854775807", "", R"({"delay":500})"), std::nullopt);
  EXPECT_EQ(since("-9223372036854775808", "", "{}"), std::nullopt);
}

TEST(BullmqSourceTest, QueuesAreFoundUnderTheirPrefix) {
  RedisServer server;
  Hand hand(server.url());
  for (int which = 0; which < 250; ++which) {
    hand({"HSET", "{acme*}:queue-" + std::to_string(which) + ":meta", "version", "x"});
  }
  hand({"HSET", "{acme_}:other:meta", "version", "x"});
  hand({"SET", "unrelated", "x"});
  const auto found = discover_queues(hand.connection(), "{acme*}", 1000, kAmple);
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->size(), 250U);
  EXPECT_FALSE(discover_queues(hand.connection(), "{acme*}", 249, kAmple).ok());
  BullmqOptions options = options_for(server.url());
  options.prefix = "{acme*}";
  BullmqSource source(options);
  SourceRun run(source, kSource);
  ASSERT_GE(run.at_least<QueueSample>(250).size(), 250U);
  EXPECT_EQ(run.text(run.all<QueueSample>().at(249).queue), "queue-99");
  hand({"HSET", "{acme*}:new:meta", "version", "x"});
  EXPECT_TRUE(run.until<rules::TextDefined>([](const auto& text) { return text.text == "new"; }));
}

TEST(BullmqSourceTest, AFoundQueueThatWasDeletedIsGoneAndANamedOneIsMissed) {
  RedisServer server;
  Hand hand(server.url());
  const auto make = [&](const std::string& queue) {
    hand({"HSET", "bull:" + queue + ":meta", "version", "bullmq:5.0.0"});
  };
  make("mail");
  make("news");
  BullmqSource found(options_for(server.url()));
  BullmqSource named(options_for(server.url(), {"mail"}));
  SourceRun run(found, kSource);
  SourceRun of_named(named, kSource);
  const auto is_of = [&](const QueueSample& sample, const char* queue) {
    return run.text(sample.queue) == queue;
  };
  const auto knows = [](const QueueSample& sample) { return sample.depth.has_value(); };
  ASSERT_TRUE(run.until<QueueSample>(knows));
  ASSERT_TRUE(of_named.until<QueueSample>(knows));
  hand({"DEL", "bull:mail:meta"});
  ASSERT_TRUE(run.until<QueueSample>([](const auto& sample) { return sample.is_gone; }));
  const auto samples = run.all<QueueSample>();
  const auto gone = std::find_if(samples.begin(), samples.end(),
                                 [](const auto& sample) { return sample.is_gone; });
  EXPECT_TRUE(is_of(*gone, "mail"));
  const auto unknown = std::count_if(samples.begin(), gone, [&](const QueueSample& sample) {
    return is_of(sample, "mail") && is_unknown(sample);
  });
  EXPECT_EQ(unknown, 5) << "unknown until then, and not at once gone";
  make("mail");
  ASSERT_TRUE(test::eventually([&] {
    const auto all = run.all<QueueSample>();
    const auto first = std::find_if(all.begin(), all.end(),
                                    [](const QueueSample& sample) { return sample.is_gone; });
    return std::any_of(first, all.end(), [&](const QueueSample& sample) {
      return is_of(sample, "mail") && knows(sample);
    });
  }));
  of_named.at_least<QueueSample>(20);
  for (const QueueSample& sample : of_named.all<QueueSample>()) EXPECT_FALSE(sample.is_gone);
}

TEST(BullmqSourceTest, AQueueThatStillHasJobsIsNotGoneThoughItsMetaIs) {
  RedisServer server;
  Hand hand(server.url());
  hand({"HSET", "bull:mail:meta", "version", "bullmq:5.0.0"});
  hand({"RPUSH", "bull:mail:wait", "1"});
  BullmqSource source(options_for(server.url()));
  SourceRun run(source, kSource);
  ASSERT_TRUE(run.until<QueueSample>([](const auto& sample) { return sample.depth == 1U; }));
  hand({"DEL", "bull:mail:meta"});
  ASSERT_TRUE(test::eventually([&] {
    const auto all = run.all<QueueSample>();
    return std::count_if(all.begin(), all.end(), is_unknown) >= 20;
  }));
  for (const QueueSample& sample : run.all<QueueSample>()) EXPECT_FALSE(sample.is_gone);
}

TEST(BullmqSourceTest, AKeyOfTheWrongTypeIsRefused) {
  RedisServer server;
  Hand hand(server.url());
  hand({"HSET", "bull:mail:meta", "version", "x"});
  hand({"SET", "bull:mail:wait", "not a list"});
  BullmqSource source(options_for(server.url(), {"mail"}));
  SourceRun run(source, kSource);
  EXPECT_TRUE(run.until<SourceState>(&is_refused));
  EXPECT_NE(run.all<SourceState>().back().detail.find("WRONGTYPE"), std::string::npos);
  EXPECT_TRUE(run.all<QueueSample>().empty());
}

TEST(BullmqSourceTest, AWrongPasswordIsRefused) {
  RedisServer server({.password = "right"});
  BullmqSource source(options_for(server.url(":wrong@"), {"mail"}));
  SourceRun run(source, kSource);
  EXPECT_TRUE(run.until<SourceState>(&is_refused));
}

TEST(BullmqSourceTest, TheLeastRightsAreEnough) {
  RedisServer server({.users = {"reader on >pw ~bull:* +@read +@connection -@dangerous +info +time",
                                "writer on >pw ~* +@all"}});
  Hand hand(server.url("writer:pw@"));
  hand({"HSET", "bull:mail:meta", "version", "x"});
  hand({"RPUSH", "bull:mail:wait", "1"});
  hand({"ZADD", "bull:mail:prioritized", "4294967297", "2"});
  BullmqSource source(options_for(server.url("reader:pw@")));
  SourceRun run(source, kSource);
  const std::vector<QueueSample> samples = run.at_least<QueueSample>(2);
  ASSERT_GE(samples.size(), 2U) << run.all<SourceState>().back().detail;
  EXPECT_EQ(samples[0].depth, 2U);
  EXPECT_TRUE(samples[1].flow.has_value());
}

TEST(BullmqSourceTest, TlsIsSpokenAndVerified) {
  test::TlsAuthority authority;
  RedisServer server({.authority = &authority});
  BullmqOptions options = options_for(server.url(), {"mail"});
  BullmqSource distrusting(options);
  SourceRun refused(distrusting, kSource);
  EXPECT_TRUE(refused.until<SourceState>(&is_down));
  options.url.ca_file = authority.ca_file().string();
  BullmqSource source(options);
  SourceRun run(source, kSource);
  EXPECT_TRUE(run.until<SourceState>(&is_alive));
}

TEST(BullmqSourceTest, AReplicaWithoutItsMasterIsDownAndNotEmpty) {
  const std::uint16_t nobody = 1;
  RedisServer replica({.replica_of = nobody});
  BullmqSource source(options_for(replica.url(), {"mail"}));
  SourceRun run(source, kSource);
  EXPECT_TRUE(run.until<SourceState>(&is_down));
  EXPECT_TRUE(run.all<QueueSample>().empty());
}

TEST(BullmqSourceTest, ASyncedReplicaIsRead) {
  RedisServer master;
  Hand{master.url()}({"HSET", "bull:mail:meta", "version", "x"});
  RedisServer replica({.replica_of = master.port()});
  BullmqSource source(options_for(replica.url(), {"mail"}));
  SourceRun run(source, kSource);
  EXPECT_TRUE(run.until<QueueSample>([](const auto& sample) { return sample.depth == 0U; }));
}

TEST(BullmqSourceTest, AServerThatHangsIsDownUntilItAnswersAgain) {
  RedisServer server;
  Hand{server.url()}({"HSET", "bull:mail:meta", "version", "x"});
  BullmqOptions options = options_for(server.url(), {"mail"});
  options.deadline = 200ms;
  BullmqSource source(options);
  SourceRun run(source, kSource);
  ASSERT_TRUE(run.until<SourceState>(&is_alive));
  server.pause();
  ASSERT_TRUE(run.until<SourceState>(&is_down));
  server.resume();
  EXPECT_TRUE(test::eventually([&run] { return is_alive(run.all<SourceState>().back()); }));
}

TEST(BullmqSourceTest, AStopEndsItWhileTheServerHangs) {
  RedisServer server;
  BullmqOptions options = options_for(server.url(), {"mail"});
  options.deadline = 60s;
  BullmqSource source(options);
  SourceRun run(source, kSource);
  ASSERT_TRUE(run.until<SourceState>(&is_alive));
  server.pause();
  EXPECT_LT(run.stop(), 5s) << "it waited for its call";
}

TEST(BullmqSourceTest, ARestartedServerIsAGapAndItsStreamBeginsAnew) {
  RedisServer server;
  Hand{server.url()}({"HSET", "bull:mail:meta", "version", "x"});
  BullmqSource source(options_for(server.url(), {"mail"}));
  SourceRun run(source, kSource);
  ASSERT_TRUE(run.until<QueueSample>([](const auto& sample) { return sample.flow.has_value(); }));
  server.kill();
  ASSERT_TRUE(run.until<SourceState>(&is_down));
  server.start();
  EXPECT_TRUE(
      run.until<SourceGap>([](const auto& gap) { return gap.reason == "redis_restarted"; }));
  EXPECT_TRUE(test::eventually([&run] { return is_unknown(run.all<QueueSample>().back()); }));
}

TEST(BullmqSourceTest, AStreamTrimmedUnreadIsAGap) {
  RedisServer server;
  Hand hand(server.url());
  hand({"HSET", "bull:mail:meta", "version", "x"});
  QueuePoll poll("bull", kAmple);
  ASSERT_TRUE(poll.poll(hand.connection(), {"mail"}).ok());
  for (int entry = 0; entry < 30; ++entry) {
    hand({"XADD", "bull:mail:events", "MAXLEN", "10", "*", "event", "completed", "jobId", "1"});
  }
  const auto trimmed = poll.poll(hand.connection(), {"mail"});
  ASSERT_TRUE(trimmed.ok());
  EXPECT_FALSE(trimmed->front().sample.flow.has_value());
  EXPECT_TRUE(trimmed->front().has_lost_events);
  EXPECT_EQ(trimmed->front().lost_events, 20U);
  hand({"XADD", "bull:mail:events", "MAXLEN", "10", "*", "event", "completed", "jobId", "2"});
  const auto after = poll.poll(hand.connection(), {"mail"});
  ASSERT_TRUE(after.ok() && after->front().sample.flow.has_value());
  EXPECT_EQ(after->front().sample.flow->completed, 1U);
}

TEST(BullmqSourceTest, ALongStreamIsReadInPieces) {
  RedisServer server;
  Hand hand(server.url());
  hand({"HSET", "bull:mail:meta", "version", "x"});
  QueuePoll poll("bull", kAmple);
  ASSERT_TRUE(poll.poll(hand.connection(), {"mail"}).ok());
  const std::vector<RedisConnection::Command> adds(
      1700, {"XADD", "bull:mail:events", "*", "event", "completed", "jobId", "1"});
  ASSERT_TRUE(hand.connection().pipeline(adds, kAmple).ok());
  const auto read = poll.poll(hand.connection(), {"mail"});
  ASSERT_TRUE(read.ok() && read->front().sample.flow.has_value());
  EXPECT_EQ(read->front().sample.flow->completed, 1700U);
}

TEST(BullmqSourceTest, ItsCommandsADayAreEstimated) {
  EXPECT_NEAR(bullmq_commands_per_day(50, 10s), 5.6e6, 0.1e6);
  EXPECT_NEAR(bullmq_commands_per_day(1, 60s), 21'600, 1);
}

}  // namespace
}  // namespace belay::monitor
