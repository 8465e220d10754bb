#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "monitor/attempt.h"
#include "monitor/platform/platforms.h"

namespace belay::monitor {

/// Performs the orders of one service on a thread of its own, as the Actor says. They are worked on
/// in turns: one that waits for its platform does not hold up the others, a call under way does.
class ActorLane {
 public:
  /// Called on the lane's thread.
  using Deliver = std::function<void(const rules::Order&, rules::ActionOutcome)>;

  /// The references must outlive the lane.
  ActorLane(const Platforms& platforms, const Clock& clock, Deliver deliver,
            const ActorOptions& options);
  ~ActorLane();  ///< As all of ask_to_stop(), end_call() and join(), without a grace.
  ActorLane(const ActorLane&) = delete;
  ActorLane& operator=(const ActorLane&) = delete;

  /// Any thread. For the orders that are taken from now on.
  void use(const Platforms& platforms);
  /// Any thread; returns at once. An intent that is being worked on already is not taken twice.
  /// `resumed`: it may have been sent in an earlier life.
  void take(rules::Order order, bool resumed);
  /// Any thread; returns at once. Nothing happens if it is not known.
  void recall(const std::string& intent, std::string why);

  /// Nothing is begun any more.
  void ask_to_stop();
  /// After that: waits until `until` for the call under way, and ends it then.
  void end_call(std::chrono::steady_clock::time_point until);
  /// After that: waits for the thread, which a call that does not end holds up.
  void join();

  /// Orders without a final outcome.
  [[nodiscard]] std::size_t open() const;

  /// Whether the work on one order has gone on for longer than any call may take: not healthy.
  [[nodiscard]] bool is_stuck() const;

 private:
  struct Taken {
    rules::Order order;
    bool resumed;
  };

  void work();
  [[nodiscard]] std::optional<std::string> why_recalled(const std::string& intent) const;
  void admit();  ///< With mutex_ held.
  Attempt* next_due();

  const Clock& clock_;
  const Deliver deliver_;
  const ActorOptions& options_;
  std::minstd_rand random_;                         ///< The thread's own.
  std::vector<std::unique_ptr<Attempt>> attempts_;  ///< The thread's own.
  std::stop_source calls_;                          ///< Ends the call under way.

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  const Platforms* platforms_;
  std::vector<Taken> taken_;
  std::vector<std::string> open_;                ///< Intents.
  std::map<std::string, std::string> recalled_;  ///< Of them, and why.
  std::optional<Instant> step_ends_;             ///< The latest.
  bool is_stopping_ = false;
  bool has_ended_ = false;
  std::thread thread_;
};

}  // namespace belay::monitor
