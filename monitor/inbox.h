#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "rules/event.h"

namespace belay::monitor {

class Inbox;

/// One source's way into the engine. One producer thread; lives as long as its Inbox.
class Lane {
 public:
  /// Evidence. False if the lane is full: the event is dropped, and the inbox reports the loss to
  /// the engine as a SourceGap ("inbox_full") before the next event that fits.
  bool offer(rules::Event event);

  /// The same for many at once, under one lock; the first ones that fit are taken. Leaves `events`
  /// empty, whatever was dropped.
  void offer_all(std::vector<rules::Event>& events);

  /// The same, but takes all of them, beyond the bound if need be: for who looks at fill() before,
  /// and promises its sender what it has taken. One post is the most that it is exceeded by.
  void offer_whole(std::vector<rules::Event>& events);

  /// What must never be lost: definitions of texts, states of the source, outcomes, commands.
  void deliver(rules::Event event);

  /// Share of the lane in use, above 1 only after offer_whole(): push sources ask for patience
  /// (429) above one half.
  [[nodiscard]] double fill() const;

 private:
  friend class Inbox;
  Lane(Inbox& inbox, rules::SourceId source, std::size_t events_max);
  bool take(rules::Event&& event);
  void move_out(std::size_t events_max, std::vector<rules::Event>& events);
  Inbox& inbox_;
  rules::SourceId source_;
  std::size_t events_max_;
  std::vector<rules::Event> waiting_;
  std::uint64_t dropped_ = 0;
  Instant dropped_since_{};
  Instant dropped_until_{};
};

/// Where all threads meet the engine: one bounded lane for each source, and one control lane that
/// never drops. The only lock between sources and the engine is in here.
class Inbox {
 public:
  explicit Inbox(std::size_t events_per_lane_max = 65536)
      : events_per_lane_max_(events_per_lane_max) {}

  /// Before the threads start. The reference stays good as long as the inbox.
  Lane& add_lane(rules::SourceId source);
  /// The lane of everyone who is not a source: actor, API, operator. Any thread.
  void deliver(rules::Event event);

  /// Waits until a lane has something, wake() or `until_at_most` from now, then moves everything
  /// out, at most `per_lane_max` events of each lane: control first, then the lanes in the order
  /// they were added. A text that an event uses is always defined before it.
  std::vector<rules::Event> drain(std::chrono::milliseconds until_at_most,
                                  std::size_t per_lane_max = 16384);

  /// Ends the present or the next wait of drain(), with or without events. Any thread.
  void wake();

  /// Wakes a waiting drain for good, for shutdown.
  void close();

 private:
  friend class Lane;
  const std::size_t events_per_lane_max_;
  mutable std::mutex mutex_;
  std::condition_variable something_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<rules::Event> control_;
  bool woken_ = false;
  bool closed_ = false;
};

}  // namespace belay::monitor
