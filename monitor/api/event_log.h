#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "monitor/api/newest.h"

namespace belay::monitor {

/// What has changed, as server-sent events: first a snapshot, then what differs from it. A ring:
/// who comes back with the id of an event that is still in it misses nothing. One thread.
class EventLog {
 public:
  static constexpr std::size_t kEventsMax = 1024;
  static constexpr std::size_t kBytesMax = 4 * 1024 * 1024;

  /// What one client follows.
  struct Topic {
    std::string service;  ///< Empty: all.
    std::string rollout;  ///< Its id; empty: all that there is, else only this.
  };

  EventLog();

  /// Notes what differs from what was noted before. Costs as much as the JSON of all services.
  void note(const Newest::Published& published);
  void note(const std::deque<Newest::Noted>& notices);

  /// The number of the newest event.
  [[nodiscard]] std::uint64_t newest() const { return next_ - 1; }
  /// The number behind the `Last-Event-ID` of a client, if what followed it is still here.
  [[nodiscard]] std::optional<std::uint64_t> number_of(std::string_view last_event_id) const;
  /// Whether what followed the event is still here.
  [[nodiscard]] bool has_all_since(std::uint64_t number) const;

  /// One event that tells all of a topic as it was noted last. Its id is that of the newest event.
  [[nodiscard]] std::string whole(const Topic& topic) const;
  /// The events after `number`.
  [[nodiscard]] std::string since(std::uint64_t number, const Topic& topic) const;

 private:
  struct Event {
    std::uint64_t number = 0;
    std::string service;
    std::string rollout;  ///< Its id, if it is about one alone.
    std::string text;     ///< As it goes over the wire.
  };
  struct Known {
    std::string service;  ///< The JSON of the service, without its traffic.
    std::string rollout_id;
    std::string rollout;  ///< That of its rollout.
  };
  void add(const char* name, std::string service, std::string rollout, const std::string& json);
  [[nodiscard]] std::string framed(const char* name, std::uint64_t number,
                                   const std::string& json) const;
  static bool concerns(const Topic& topic, const Event& event);

  const std::string life_;  ///< Ids of another life of the daemon mean nothing.
  std::uint64_t next_ = 1;
  std::deque<Event> events_;
  std::size_t bytes_ = 0;
  std::map<std::string, Known, std::less<>> known_;
  std::string sources_;
  std::uint64_t published_ = 0;
  std::uint64_t noticed_ = 0;
};

}  // namespace belay::monitor
