#pragma once

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

/// Performs orders on a thread of its own, and delivers what became of each as an ActionOutcome.
/// An order must be durable in the journal before it is submitted. Orders are worked on in turns:
/// one that waits for its platform does not hold up the others, a call under way (at most some ten
/// seconds) does.
class Actor {
 public:
  /// Called on the actor's thread; into the Inbox, in the daemon.
  using Deliver = std::function<void(const rules::Order&, rules::ActionOutcome)>;

  /// The references must outlive the actor.
  Actor(const Platforms& platforms, const Clock& clock, Deliver deliver, ActorOptions options = {});
  ~Actor();  ///< As stop().
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;

  /// Any thread. For the orders that are taken from now on; those under way keep what they have.
  void use(const Platforms& platforms);

  /// Any thread; returns at once. An intent that is being worked on already is not taken twice.
  void submit(rules::Order order) { take(std::move(order), false); }

  /// The same for an open order of an earlier life (Journal::Recovered), which may have been sent.
  void resume(rules::Order order) { take(std::move(order), true); }

  /// Any thread; returns at once. The order is not sent any more, unless its call is under way or
  /// may have been; its outcome is told all the same. Nothing happens if it is not known.
  void recall(const std::string& intent, std::string why);

  /// Lets the call under way finish for up to ActorOptions::stop_grace, ends it then, and joins.
  /// Orders without an outcome stay open in the journal. Drain the inbox once more afterwards.
  void stop();

  /// Orders without a final outcome.
  [[nodiscard]] std::size_t open() const;

  /// Whether the work on one order has gone on for longer than any call may take: not healthy.
  [[nodiscard]] bool is_stuck() const;

 private:
  struct Taken {
    rules::Order order;
    bool resumed;
  };

  void take(rules::Order order, bool resumed);
  void work();
  [[nodiscard]] std::optional<std::string> why_recalled(const std::string& intent) const;
  void admit();  ///< With mutex_ held.
  Attempt* next_due();

  const Clock& clock_;
  const Deliver deliver_;
  const ActorOptions options_;
  std::minstd_rand random_;                         ///< The thread's own.
  std::vector<std::unique_ptr<Attempt>> attempts_;  ///< The thread's own.
  std::stop_source calls_;                          ///< Ends the call under way.

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  const Platforms* platforms_;
  std::vector<Taken> taken_;
  std::vector<std::string> open_;                ///< Intents.
  std::map<std::string, std::string> recalled_;  ///< Of them, and why.
  std::optional<Instant> step_began_;
  bool is_stopping_ = false;
  bool has_ended_ = false;
  std::thread thread_;
};

}  // namespace belay::monitor
