#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "exporters/notifications.h"
#include "exporters/spool.h"
#include "rules/order.h"

namespace belay::exporters {

/// Messages on their way to one receiver: a bounded queue and a thread of its own, so that a slow
/// or dead receiver is never in the way of an action. What waits is told together; what fails in a
/// way that may pass is tried again, so a message may arrive twice. With a spool what waits
/// outlives us: the next outbox of the same route tells it, before anything of its own.
class Outbox {
 public:
  struct Limits {
    std::size_t waiting_max = 256;                 ///< Then the oldest goes, and is counted.
    std::size_t batch_max = 4;                     ///< Told in one attempt.
    std::chrono::milliseconds spacing{1'000};      ///< From one delivery to the next attempt.
    std::chrono::milliseconds backoff_min{1'000};  ///< Doubles with every failure in a row.
    std::chrono::milliseconds backoff_max{60'000};
    std::chrono::milliseconds give_up_after{15 * 60'000};  ///< Since it was put in.
    std::chrono::milliseconds drain{3'000};        ///< How long it still delivers when it ends.
    std::chrono::milliseconds look_again{5'000};   ///< For what another outbox has left behind.
    std::chrono::milliseconds late_after{60'000};  ///< Then a message says when it is from.
  };
  struct Batch {
    std::vector<rules::Notice> notices;  ///< Oldest first, at least one.
    std::uint64_t dropped_before = 0;    ///< Since the last delivery.
    std::size_t late = 0;  ///< The first so many come late, and should say when they are from.
  };
  struct Attempt {
    enum class Result : std::uint8_t { delivered, refused, try_again } result{};
    std::string why;  ///< Of the other two: one line, without a secret.
    std::optional<std::chrono::milliseconds> retry_after;
  };
  /// Blocks for seconds at most, and ends soon after a stop was requested. Called on the thread.
  using Deliver = std::function<Attempt(const Batch&, std::stop_token)>;
  /// Takes one line for the log. Called on the thread, for the first failure after a success and
  /// for everything that is lost.
  using Complain = std::function<void(const std::string&)>;

  Outbox(Limits limits, NotificationCounts counts, Deliver deliver, Complain complain,
         Keeping keeping = {});
  /// Delivers what waits for at most Limits::drain since begin_to_end(), which it calls if nobody
  /// has; the rest stays in the spool, or is lost and counted.
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  /// Any thread. Returns at once.
  void put(const rules::Notice& notice);
  /// The time to deliver what waits begins to run. Any thread; returns at once.
  void begin_to_end();

 private:
  using SteadyClock = std::chrono::steady_clock;
  struct Waiting {
    rules::Notice notice;
    SteadyClock::time_point since;
    std::uint64_t number = 0;  // In the spool; 0: not there.
    bool was_left = false;     // By another outbox.
  };
  void run(const std::stop_token& stop);
  void await_work(std::unique_lock<std::mutex>& lock);
  void take_left();
  void leave_rest();
  void make_room(std::size_t for_more);
  void erase_oldest(std::size_t count);
  void settle(const Attempt& attempt, std::size_t told);
  void forget(std::size_t count, const std::string& why);
  void forget_old();
  void show_waiting();
  [[nodiscard]] Batch next_batch() const;
  std::chrono::milliseconds pause_after(const Attempt& attempt);
  void rest(std::unique_lock<std::mutex>& lock, std::chrono::milliseconds pause);
  [[nodiscard]] bool may_go_on() const;

  const Limits limits_;
  NotificationCounts counts_;
  const Deliver deliver_;
  const Complain complain_;
  const Keeping keeping_;

  std::mutex mutex_;  // Guards what follows, down to the thread.
  std::condition_variable changed_;
  std::deque<Waiting> waiting_;
  std::size_t in_flight_ = 0;  // The front ones that an attempt is telling just now.
  std::uint64_t dropped_ = 0;
  std::size_t shown_ = 0;                        // Of waiting_, in the metric.
  std::optional<SteadyClock::time_point> ends_;  // Set by begin_to_end().
  bool has_ended_ = false;

  int failures_in_a_row_ = 0;  // The thread's own.
  std::minstd_rand jitter_{std::random_device{}()};
  std::jthread thread_;  // Last: it uses all of the above.
};

}  // namespace belay::exporters
