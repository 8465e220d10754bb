#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "base/time.h"
#include "monitor/source.h"
#include "net/redis.h"

namespace belay::monitor {

struct BullmqOptions {
  rules::SourceId source{};
  net::RedisUrl url;
  std::string prefix = "bull";
  std::vector<std::string> names;  ///< Empty: all queues under the prefix, found by SCAN.
  Duration every = std::chrono::seconds{10};
  Duration discover_every = std::chrono::minutes{5};
  std::chrono::milliseconds deadline{5'000};  ///< Of one trip to the server.
  std::size_t queues_max = 1000;
  std::chrono::milliseconds backoff_min{250};
  std::chrono::milliseconds backoff_max{30'000};
};

/// BullMQ queues (majors 3 to 6) in Redis: one rules::QueueSample for each queue and interval.
/// Reads only; its user needs `~PREFIX:* +@read +@connection -@dangerous +info +time`.
///
/// - A queue without its `meta` key has a sample in which everything is absent: unknown, never
///   zero. One that was found by itself, not named, is gone if it stays so, without a job, for six
///   polls in a row (QueueSample::is_gone); it counts again when it is found again.
/// - `oldest` is the age of the job that is taken next (of each priority), a lower bound: retried
/// and
///   promoted jobs may have waited longer behind it.
/// - `flow` begins with the second poll. Events that were trimmed unread make it absent, and a
/// SourceGap
///   "stream_trimmed" says so; so does "redis_restarted" after a restart.
/// - An error of the server (WRONGTYPE, NOAUTH, NOPERM, LOADING, MASTERDOWN, MOVED, ...) is
///   SourceState{refused}; a lost connection, or a replica that has not its master, is
///   SourceState{down}.
class BullmqSource final : public Source {
 public:
  explicit BullmqSource(BullmqOptions options);
  void run(std::stop_token stop, Lane& lane, const Clock& clock) override;

 private:
  const BullmqOptions options_;
};

/// About how many commands such a source sends in a day: hosts that charge by the command do count.
/// Counts queues whose jobs wait, and no prioritized ones.
double bullmq_commands_per_day(std::size_t queues, Duration every);

}  // namespace belay::monitor
