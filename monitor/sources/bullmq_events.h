#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/redis.h"
#include "rules/event.h"

namespace belay::monitor {

/// The id of an entry of a Redis stream.
struct StreamId {
  std::uint64_t ms = 0;
  std::uint64_t sequence = 0;
  auto operator<=>(const StreamId&) const = default;
  static std::optional<StreamId> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
};

/// What XINFO STREAM says of a queue's event stream.
struct StreamState {
  StreamId last;                       ///< Of the entry added last, trimmed or not.
  std::optional<StreamId> first;       ///< Of the oldest entry still there.
  std::optional<std::uint64_t> added;  ///< Entries ever added; Redis 7 and later.
  /// "no such key" is a stream to which nothing was ever added. Nothing: not an answer of XINFO.
  static std::optional<StreamState> parse(const net::RedisReply& reply);
};

/// Follows the event stream of one BullMQ queue (majors 3 to 6) and counts what happened, by the
/// rules found exact against the workers' own counters: `failed` is only the final failure; an
/// attempt that is tried again shows as `delayed` that no `added` of the same job precedes, or as
/// `waiting` from active or failed that no `stalled` of the same job follows. Keeps no payload.
class QueueEvents {
 public:
  static constexpr std::size_t kEntriesPerRead = 500;

  /// A poll begins: `state` as it is before reading. The first state only fixes where to start
  /// from.
  void expect(const StreamState& state);
  /// XREAD from here: "123-0". Nothing to read before the first expect().
  [[nodiscard]] std::optional<std::string> read_from() const;
  /// A reply of XREAD COUNT kEntriesPerRead. True: it was full, there may be more.
  bool feed(const net::RedisReply& reply);

  struct Outcome {
    /// Absent if this poll only fixed the start, or entries were lost.
    std::optional<rules::QueueSample::Flow> flow;
    bool has_lost = false;
    std::uint64_t lost = 0;  ///< 0 with has_lost: not known how many.
  };
  /// The poll ends; `is_caught_up`: the last reply was not full.
  Outcome finish(bool is_caught_up);

  /// Another server, or the stream was deleted: start anew at the next expect().
  void restart();

 private:
  void take(StreamId id, const net::RedisReply& fields);
  void count(std::string_view event, std::string_view job, std::string_view previous);
  void settle_waiting();

  std::optional<StreamId> last_read_;
  std::optional<StreamState> expected_;
  bool has_begun_now_ = false;
  bool has_lost_ = false;
  std::optional<std::uint64_t>
      counted_up_to_;             ///< `added` of the state up to which all is checked.
  std::uint64_t read_ = 0;        ///< Entries since then, up to expected_.last.
  std::uint64_t read_ahead_ = 0;  ///< And those that were added since it was asked.
  rules::QueueSample::Flow flow_;
  std::string added_job_;    ///< The entry before was `added` of this job.
  std::string waiting_job_;  ///< The entry before was `waiting` of this job, maybe a retry.
};

}  // namespace belay::monitor
