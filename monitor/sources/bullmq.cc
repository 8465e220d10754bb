#include "monitor/sources/bullmq.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include <spdlog/spdlog.h>

#include "base/sanitize.h"
#include "monitor/parse/interner.h"
#include "monitor/sources/backoff.h"
#include "monitor/sources/bullmq_poll.h"
#include "monitor/sources/bullmq_server.h"
#include "monitor/sources/cadence.h"

namespace belay::monitor {
namespace {

/// Ten for the counts, two for the heads of `wait` and `paused`, one for the events.
constexpr double kCommandsPerQueue = 13;
/// INFO and TIME.
constexpr double kCommandsPerPoll = 2;
/// How often a queue is looked for in vain until it counts as deleted: a minute by default.
constexpr int kPollsUntilGone = 6;

/// One run of the source.
class Watch {
 public:
  Watch(const BullmqOptions& options, Lane& lane, const Clock& clock, std::stop_token stop)
      : options_(options),
        lane_(lane),
        clock_(clock),
        stop_(std::move(stop)),
        texts_(options.source),
        poll_(options.prefix, options.deadline) {}

  void run() {
    Backoff backoff(options_.backoff_min, options_.backoff_max);
    while (!stop_.stop_requested()) {
      const Status ended = watch(backoff);
      if (stop_.stop_requested()) return;
      const bool is_refusal = ended.error().kind == Error::Kind::failed;
      say(is_refusal ? rules::SourceHealth::refused : rules::SourceHealth::down,
          ended.error().message);
      if (!wait_for(backoff.next(), stop_)) return;
    }
  }

 private:
  /// Ends with the fault of the connection, or when it is told to stop.
  Status watch(Backoff& backoff) {
    auto connection = net::RedisConnection::connect(options_.url, options_.deadline, stop_);
    if (!connection) return connection.error();
    if (Status known = recognise(**connection); !known) return known;
    Cadence cadence(options_.every);
    while (cadence.wait(stop_)) {
      if (Status polled = poll_once(**connection); !polled) return polled;
      backoff.reset();
    }
    return Error{.kind = Error::Kind::unavailable, .message = "stopped"};
  }

  Status recognise(net::RedisConnection& connection) {
    const Result<std::string> run_id = read_run_id(connection, options_.deadline);
    if (!run_id) return run_id.error();
    if (run_id_ && *run_id_ != *run_id) {
      poll_.restart_events();
      lose("redis_restarted", 0);
    }
    run_id_ = *run_id;
    return Done{};
  }

  Status poll_once(net::RedisConnection& connection) {
    if (Status synced = check_replication(connection, options_.deadline); !synced) return synced;
    if (Status found = find_queues(connection); !found) return found;
    const Result<std::vector<QueueReading>> readings = poll_.poll(connection, queues_);
    if (!readings) return readings.error();
    say(rules::SourceHealth::alive, "");
    for (const QueueReading& reading : *readings) tell(reading);
    polled_at_ = clock_.now();
    rules::SourceProgress progress{.source = options_.source,
                                   .at = *polled_at_,
                                   .documents = read_,
                                   .used = read_ - without_meta_};
    if (without_meta_ > 0) progress.rejected.push_back({"no_meta", without_meta_});
    lane_.deliver(std::move(progress));
    return Done{};
  }

  Status find_queues(net::RedisConnection& connection) {
    if (!options_.names.empty()) {
      queues_ = options_.names;
      return Done{};
    }
    const auto now = std::chrono::steady_clock::now();
    if (discovered_at_ && now - *discovered_at_ < options_.discover_every) return Done{};
    Result<std::vector<std::string>> found =
        discover_queues(connection, options_.prefix, options_.queues_max, options_.deadline);
    if (!found) return found.error();
    for (const std::string& queue : queues_) polls_without_meta_.try_emplace(queue, 0);
    queues_ = std::move(found).value();
    discovered_at_ = now;
    // One that is not there any more is asked for until it is known to be gone.
    for (const auto& [queue, polls] : polls_without_meta_) {
      if (std::find(queues_.begin(), queues_.end(), queue) == queues_.end()) {
        queues_.push_back(queue);
      }
    }
    return Done{};
  }

  void tell(const QueueReading& reading) {
    ++read_;
    if (!reading.exists) {
      ++without_meta_;
      if (warned_.insert(reading.queue).second) {
        spdlog::warn("no queue \"{}\" under the prefix \"{}\"", sanitize(reading.queue, 100),
                     sanitize(options_.prefix, 100));
      }
    }
    if (reading.has_lost_events) lose("stream_trimmed", reading.lost_events);
    rules::QueueSample sample = reading.sample;
    sample.source = options_.source;
    sample.queue = texts_.id(reading.queue);
    sample.at = clock_.now();
    sample.is_gone = has_gone(reading);
    for (rules::TextDefined& text : texts_.take_defined()) lane_.deliver(std::move(text));
    const bool is_gone = sample.is_gone;
    if (lane_.offer(std::move(sample)) && is_gone) forget(reading.queue);
  }

  /// A queue that somebody named is missed for ever; one that was only found may be deleted.
  bool has_gone(const QueueReading& reading) {
    if (!options_.names.empty()) return false;
    int& polls = polls_without_meta_[reading.queue];
    polls = reading.exists || reading.has_jobs ? 0 : polls + 1;
    return polls >= kPollsUntilGone;
  }

  void forget(const std::string& queue) {
    spdlog::warn("the queue \"{}\" was deleted: rules over all queues forget it",
                 sanitize(queue, 100));
    std::erase(queues_, queue);
    polls_without_meta_.erase(queue);
    warned_.erase(queue);
  }

  void lose(const char* reason, std::uint64_t lost) {
    const Instant now = clock_.now();
    lane_.deliver(rules::SourceGap{.source = options_.source,
                                   .at = now,
                                   .span = polled_at_ ? now - *polled_at_ : options_.every,
                                   .lost = lost,
                                   .reason = reason});
  }

  void say(rules::SourceHealth health, const std::string& detail) {
    lane_.deliver(rules::SourceState{
        .source = options_.source, .at = clock_.now(), .health = health, .detail = detail});
  }

  const BullmqOptions& options_;
  Lane& lane_;
  const Clock& clock_;
  const std::stop_token stop_;
  Interner texts_;
  QueuePoll poll_;
  std::vector<std::string> queues_;
  std::optional<std::string> run_id_;
  std::optional<std::chrono::steady_clock::time_point> discovered_at_;
  std::optional<Instant> polled_at_;
  std::set<std::string> warned_;
  std::map<std::string, int> polls_without_meta_;  ///< In a row, of the queues that were found.
  std::uint64_t read_ = 0;
  std::uint64_t without_meta_ = 0;
};

}  // namespace

BullmqSource::BullmqSource(BullmqOptions options) : options_(std::move(options)) {}

void BullmqSource::run(std::stop_token stop, Lane& lane, const Clock& clock) {
  Watch(options_, lane, clock, std::move(stop)).run();
}

double bullmq_commands_per_day(std::size_t queues, Duration every) {
  constexpr double kDaySeconds = 86'400;
  return kDaySeconds / seconds(every) *
         (kCommandsPerPoll + kCommandsPerQueue * static_cast<double>(queues));
}

}  // namespace belay::monitor
