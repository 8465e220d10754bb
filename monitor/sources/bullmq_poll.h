#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "monitor/sources/bullmq_events.h"
#include "net/redis.h"
#include "rules/event.h"

namespace belay::monitor {

/// One queue as one poll found it. What could not be read is absent.
struct QueueReading {
  std::string queue;
  rules::QueueSample sample;  ///< Without source, queue and time.
  bool exists = false;        ///< Its `meta` is there; without it nothing of it is known.
  bool has_jobs = false;      ///< One of its lists is there, with or without `meta`.
  bool has_lost_events = false;
  std::uint64_t lost_events = 0;
};

/// Reads queues over one connection. Keeps, from poll to poll, where it is in each event stream.
class QueuePoll {
 public:
  QueuePoll(std::string prefix, std::chrono::milliseconds deadline)
      : prefix_(std::move(prefix)), deadline_(deadline) {}

  /// All of them, or the fault of the connection. An error reply of the server is
  /// Error::Kind::failed: it refuses us, or cannot know (LOADING, MASTERDOWN, WRONGTYPE, NOAUTH,
  /// MOVED, ...).
  Result<std::vector<QueueReading>> poll(net::RedisConnection& connection,
                                         const std::vector<std::string>& queues);

  /// Another server answers now: its streams are others.
  void restart_events() { events_.clear(); }

 private:
  struct Heads;
  Status poll_chunk(net::RedisConnection& connection, std::vector<QueueReading*>& chunk);
  Status read_oldest(net::RedisConnection& connection, const std::vector<QueueReading*>& chunk,
                     std::vector<Heads>& heads);
  Status read_prioritized(net::RedisConnection& connection, const std::vector<QueueReading*>& chunk,
                          std::vector<Heads>& heads);
  Status read_events(net::RedisConnection& connection, std::vector<QueueReading*> behind);
  [[nodiscard]] std::string key(const std::string& queue, const std::string& suffix) const {
    return prefix_ + ":" + queue + ":" + suffix;
  }

  std::string prefix_;
  std::chrono::milliseconds deadline_;
  std::map<std::string, QueueEvents> events_;
};

/// When a job began to wait, from its hash (Unix, in milliseconds): its creation plus its delay, or
/// the start of the attempt before. Nothing if the job is gone.
std::optional<std::int64_t> waiting_since_ms(const net::RedisReply& timestamp_processed_on_opts);

}  // namespace belay::monitor
