#include "monitor/sources/bullmq_poll.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "base/sanitize.h"

namespace belay::monitor {
namespace {

using net::RedisConnection;
using net::RedisReply;
using Kind = RedisReply::Kind;

constexpr std::size_t kQueuesPerChunk = 100;
/// Entries carry whole return values: few queues at a time keep a reply small.
constexpr std::size_t kQueuesPerRead = 4;
/// A stream holds about 10,000 entries: more reads than this would chase one that grows faster than
/// we read.
constexpr int kReadsPerPoll = 24;
/// Levels of priority whose head is looked at for the oldest job.
constexpr int kPriorityLevelsMax = 8;

/// Places of the replies of one queue in the first trip.
enum Place : std::size_t {
  kMeta,
  kWait,
  kWaitEnd,
  kPaused,
  kPausedEnd,
  kPrioritized,
  kActive,
  kDelayed,
  kFailed,
  kEvents,
  kPlaces
};

Error refusal(const std::string& what, const RedisReply& reply) {
  return Error{.kind = Error::Kind::failed, .message = what + ": " + sanitize(reply.text, 200)};
}

std::optional<std::int64_t> number_in(const RedisReply& reply) {
  if (reply.kind == Kind::integer) return reply.integer;
  std::int64_t number = 0;
  const auto [end, fault] =
      std::from_chars(reply.text.data(), reply.text.data() + reply.text.size(), number);
  if (fault != std::errc{} || end == reply.text.data()) return std::nullopt;
  return number;
}

/// v3 and v4 put "0:<ms>" into the list to wake a worker; a job's id can never begin so.
bool is_marker(const RedisReply& member) { return member.text.starts_with("0:"); }

std::uint64_t jobs_in(const RedisReply& length, const RedisReply& end) {
  const auto markers = std::count_if(end.items.begin(), end.items.end(), is_marker);
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, length.integer - markers));
}

/// The job that is taken next stands at the end.
std::optional<std::string> head_of(const RedisReply& end) {
  for (auto member = end.items.rbegin(); member != end.items.rend(); ++member) {
    if (!is_marker(*member)) return member->text;
  }
  return std::nullopt;
}

/// The year 2200: what lies beyond is no time, and must not be calculated with.
constexpr std::int64_t kUnixMsMax = 7'258'118'400'000;

std::optional<std::int64_t> unix_ms_in(const RedisReply& reply) {
  const std::optional<std::int64_t> number = number_in(reply);
  return number && *number >= 0 && *number <= kUnixMsMax ? number : std::nullopt;
}

std::optional<std::int64_t> server_time_ms(const RedisReply& reply) {
  if (reply.items.size() != 2) return std::nullopt;
  const auto seconds = number_in(reply.items[0]);
  const auto micros = number_in(reply.items[1]);
  if (!seconds || !micros || *seconds < 0 || *seconds > kUnixMsMax / 1000) return std::nullopt;
  return *seconds * 1000 + *micros / 1000;
}

std::int64_t delay_of(const std::string& opts) {
  const auto document = nlohmann::json::parse(opts, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) return 0;
  const auto delay = document.find("delay");
  if (delay == document.end() || !delay->is_number()) return 0;
  const auto ms = delay->get<double>();
  return ms >= 0 && ms <= static_cast<double>(kUnixMsMax) ? static_cast<std::int64_t>(ms) : 0;
}

}  // namespace

std::optional<std::int64_t> waiting_since_ms(const RedisReply& reply) {
  if (reply.items.size() != 3) return std::nullopt;
  const std::optional<std::int64_t> created = unix_ms_in(reply.items[0]);
  if (!created) return std::nullopt;
  return std::max(*created + delay_of(reply.items[2].text), unix_ms_in(reply.items[1]).value_or(0));
}

/// The jobs of one queue among which the oldest is.
struct QueuePoll::Heads {
  std::vector<std::string> jobs;
  std::uint64_t prioritized = 0;
};

Result<std::vector<QueueReading>> QueuePoll::poll(RedisConnection& connection,
                                                  const std::vector<std::string>& queues) {
  std::vector<QueueReading> readings;
  readings.reserve(queues.size());
  for (const std::string& queue : queues) readings.push_back({.queue = queue});
  for (std::size_t from = 0; from < readings.size(); from += kQueuesPerChunk) {
    std::vector<QueueReading*> chunk;
    const std::size_t to = std::min(readings.size(), from + kQueuesPerChunk);
    for (std::size_t at = from; at < to; ++at) chunk.push_back(&readings[at]);
    if (Status polled = poll_chunk(connection, chunk); !polled) return polled.error();
  }
  return readings;
}

Status QueuePoll::poll_chunk(RedisConnection& connection, std::vector<QueueReading*>& chunk) {
  std::vector<RedisConnection::Command> commands;
  for (const QueueReading* reading : chunk) {
    const auto ours = [&](const char* suffix) { return key(reading->queue, suffix); };
    commands.insert(commands.end(), {{"EXISTS", ours("meta")},
                                     {"LLEN", ours("wait")},
                                     {"LRANGE", ours("wait"), "-2", "-1"},
                                     {"LLEN", ours("paused")},
                                     {"LRANGE", ours("paused"), "-2", "-1"},
                                     {"ZCARD", ours("prioritized")},
                                     {"LLEN", ours("active")},
                                     {"ZCARD", ours("delayed")},
                                     {"ZCARD", ours("failed")},
                                     {"XINFO", "STREAM", ours("events")}});
  }
  const Result<std::vector<RedisReply>> replies = connection.pipeline(commands, deadline_);
  if (!replies) return replies.error();
  std::vector<QueueReading*> known;
  std::vector<Heads> heads;
  for (std::size_t which = 0; which < chunk.size(); ++which) {
    QueueReading& reading = *chunk[which];
    const RedisReply* reply = &(*replies)[which * kPlaces];
    for (std::size_t place = 0; place < kEvents; ++place) {
      if (reply[place].kind == Kind::error) return refusal(reading.queue, reply[place]);
    }
    reading.exists = reply[kMeta].integer == 1;
    for (const Place jobs : {kWait, kPaused, kPrioritized, kActive, kDelayed, kFailed}) {
      reading.has_jobs = reading.has_jobs || reply[jobs].integer > 0;
    }
    // LLEN of a key that does not exist is 0: without `meta` it would pass for an empty queue.
    if (!reading.exists) {
      events_.erase(reading.queue);
      continue;
    }
    const std::optional<StreamState> state = StreamState::parse(reply[kEvents]);
    if (!state) return refusal(reading.queue, reply[kEvents]);
    events_[reading.queue].expect(*state);
    const auto count = [&](Place place) {
      return static_cast<std::uint64_t>(reply[place].integer);
    };
    reading.sample.waiting = jobs_in(reply[kWait], reply[kWaitEnd]);
    reading.sample.depth =
        *reading.sample.waiting + jobs_in(reply[kPaused], reply[kPausedEnd]) + count(kPrioritized);
    reading.sample.active = count(kActive);
    reading.sample.delayed = count(kDelayed);
    reading.sample.failed = count(kFailed);
    Heads& head = heads.emplace_back(Heads{.prioritized = count(kPrioritized)});
    for (const Place place : {kWaitEnd, kPausedEnd}) {
      if (std::optional<std::string> job = head_of(reply[place])) head.jobs.push_back(*job);
    }
    known.push_back(&reading);
  }
  if (Status read = read_prioritized(connection, known, heads); !read) return read;
  if (Status read = read_oldest(connection, known, heads); !read) return read;
  return read_events(connection, known);
}

Status QueuePoll::read_prioritized(RedisConnection& connection,
                                   const std::vector<QueueReading*>& chunk,
                                   std::vector<Heads>& heads) {
  // Within a level of priority the first is (nearly) the oldest: one step from level to level.
  std::map<std::size_t, std::string> walks;  // By place in the chunk, the score to go on from.
  for (std::size_t which = 0; which < chunk.size(); ++which) {
    if (heads[which].prioritized > 0) walks[which] = "0";
  }
  for (int level = 0; level < kPriorityLevelsMax && !walks.empty(); ++level) {
    std::vector<RedisConnection::Command> commands;
    for (const auto& [which, score] : walks) {
      commands.push_back({"ZRANGEBYSCORE", key(chunk[which]->queue, "prioritized"), score, "+inf",
                          "WITHSCORES", "LIMIT", "0", "1"});
    }
    const Result<std::vector<RedisReply>> replies = connection.pipeline(commands, deadline_);
    if (!replies) return replies.error();
    std::map<std::size_t, std::string> next;
    auto reply = replies->begin();
    for (const auto& [which, score] : walks) {
      const RedisReply& found = *reply++;
      if (found.kind == Kind::error) return refusal(chunk[which]->queue, found);
      if (found.items.size() != 2) continue;
      heads[which].jobs.push_back(found.items[0].text);
      // score = priority * 2^32 + counter
      const double priority =
          std::floor(std::strtod(found.items[1].text.c_str(), nullptr) / 4294967296.0);
      if (!(priority >= 0 && priority < 1e7)) continue;
      next[which] = std::to_string((static_cast<std::uint64_t>(priority) + 1) << 32U);
    }
    walks = std::move(next);
  }
  return Done{};
}

Status QueuePoll::read_oldest(RedisConnection& connection, const std::vector<QueueReading*>& chunk,
                              std::vector<Heads>& heads) {
  std::vector<RedisConnection::Command> commands = {{"TIME"}};
  for (std::size_t which = 0; which < chunk.size(); ++which) {
    for (const std::string& job : heads[which].jobs) {
      commands.push_back(
          {"HMGET", key(chunk[which]->queue, job), "timestamp", "processedOn", "opts"});
    }
  }
  const Result<std::vector<RedisReply>> replies = connection.pipeline(commands, deadline_);
  if (!replies) return replies.error();
  if (replies->front().kind == Kind::error) return refusal("TIME", replies->front());
  const std::optional<std::int64_t> now_ms = server_time_ms(replies->front());
  auto reply = replies->begin() + 1;
  for (std::size_t which = 0; which < chunk.size(); ++which) {
    rules::QueueSample& sample = chunk[which]->sample;
    if (sample.depth == 0U) sample.oldest = Duration::zero();
    std::optional<std::int64_t> since_ms;
    for (std::size_t job = 0; job < heads[which].jobs.size(); ++job, ++reply) {
      if (reply->kind == Kind::error) return refusal(chunk[which]->queue, *reply);
      const std::optional<std::int64_t> waits = waiting_since_ms(*reply);
      if (waits) since_ms = std::min(since_ms.value_or(*waits), *waits);
    }
    if (sample.depth == 0U || !since_ms || !now_ms) continue;
    sample.oldest = std::chrono::milliseconds(std::max<std::int64_t>(0, *now_ms - *since_ms));
  }
  return Done{};
}

Status QueuePoll::read_events(RedisConnection& connection, std::vector<QueueReading*> behind) {
  const auto finish = [this](QueueReading& reading, bool is_caught_up) {
    const QueueEvents::Outcome outcome = events_[reading.queue].finish(is_caught_up);
    reading.sample.flow = outcome.flow;
    reading.has_lost_events = outcome.has_lost;
    reading.lost_events = outcome.lost;
  };
  for (int round = 0; round < kReadsPerPoll && !behind.empty(); ++round) {
    std::vector<QueueReading*> still;
    for (std::size_t from = 0; from < behind.size(); from += kQueuesPerRead) {
      std::vector<RedisConnection::Command> commands;
      const std::size_t to = std::min(behind.size(), from + kQueuesPerRead);
      for (std::size_t at = from; at < to; ++at) {
        const std::string& queue = behind[at]->queue;
        commands.push_back({"XREAD", "COUNT", std::to_string(QueueEvents::kEntriesPerRead),
                            "STREAMS", key(queue, "events"),
                            events_[queue].read_from().value_or("$")});
      }
      const Result<std::vector<RedisReply>> replies = connection.pipeline(commands, deadline_);
      if (!replies) return replies.error();
      for (std::size_t at = from; at < to; ++at) {
        const RedisReply& reply = (*replies)[at - from];
        if (reply.kind == Kind::error) return refusal(behind[at]->queue, reply);
        if (events_[behind[at]->queue].feed(reply)) {
          still.push_back(behind[at]);
        } else {
          finish(*behind[at], true);
        }
      }
    }
    behind = std::move(still);
  }
  for (QueueReading* reading : behind) finish(*reading, false);
  return Done{};
}

}  // namespace belay::monitor
