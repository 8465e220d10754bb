#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "monitor/actor_lane.h"
#include "monitor/attempt.h"
#include "monitor/platform/platforms.h"

namespace belay::monitor {

/// Performs orders on threads of its own, one for each service, and delivers what became of each as
/// an ActionOutcome. An order must be durable in the journal before it is submitted. No service
/// waits for another's: a command may take an hour.
class Actor {
 public:
  /// Called on the actor's threads, of different services at the same time; into the Inbox, in the
  /// daemon.
  using Deliver = ActorLane::Deliver;

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

  /// Lets the calls under way finish for up to ActorOptions::stop_grace, ends them then, and joins.
  /// Orders without an outcome stay open in the journal. Drain the inbox once more afterwards.
  void stop();

  /// Orders without a final outcome.
  [[nodiscard]] std::size_t open() const;

  /// Whether the work on one order has gone on for longer than its calls may take: not healthy.
  [[nodiscard]] bool is_stuck() const;

 private:
  void take(rules::Order order, bool resumed);

  const Clock& clock_;
  const Deliver deliver_;
  const ActorOptions options_;

  mutable std::mutex mutex_;
  const Platforms* platforms_;
  std::map<std::string, std::unique_ptr<ActorLane>> lanes_;  ///< By service.
  bool is_stopping_ = false;
};

}  // namespace belay::monitor
