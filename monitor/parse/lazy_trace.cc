#include "monitor/parse/lazy_trace.h"

#include <cstddef>
#include <cstring>

#include "monitor/parse/blanks.h"
#include "monitor/parse/find_word.h"
#include "monitor/parse/framer.h"
#include "monitor/parse/plain_number.h"

namespace belay::monitor {
namespace {

/// Where reading goes on; kLeave: somebody else must read this document.
using Position = std::size_t;
constexpr Position kLeave = static_cast<Position>(-1);

bool is_digit(char c) { return c >= '0' && c <= '9'; }
/// What numbers, true, false and null are made of.
bool is_scalar(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '+' || c == 'E';
}

template <std::size_t kSize>
bool is(std::string_view key, const char (&name)[kSize]) {
  return key.size() == kSize - 1 && std::memcmp(key.data(), name, kSize - 1) == 0;
}

using Next = LazyTrace::Next;
using Tracks = LazyTrace::Tracks;

/// What DocumentReader looks for in documents that are no traces.
bool is_of_others(std::string_view key) {
  if (key.empty() || key.front() < 'a') return true;
  return is(key, "ts") || is(key, "fly") || is(key, "meta") || is(key, "route") ||
         is(key, "status") || is(key, "method") || is(key, "service") || is(key, "version") ||
         is(key, "message") || is(key, "wall_ms") || is(key, "instance") || is(key, "timestamp");
}

Next next_in_trace(std::string_view key) {
  if (is(key, "event")) return Next::event;
  if (is(key, "cpuTime")) return Next::cpu_time;
  if (is(key, "outcome")) return Next::outcome;
  if (is(key, "wallTime")) return Next::wall_time;
  if (is(key, "scriptName")) return Next::script_name;
  if (is(key, "exceptions")) return Next::exceptions;
  if (is(key, "scriptVersion")) return Next::script_version;
  if (is(key, "eventTimestamp")) return Next::event_timestamp;
  if (is(key, "executionModel")) return Next::mark_trace;
  return is_of_others(key) ? Next::leave : Next::skip;
}

Next next_in_event(std::string_view key) {
  if (is(key, "request")) return Next::request;
  if (is(key, "response")) return Next::response;
  if (is(key, "cron")) return Next::cron;
  if (is(key, "queue")) return Next::queue;
  if (is(key, "mailFrom")) return Next::mail;
  if (is(key, "rpcMethod")) return Next::rpc;
  if (is(key, "getWebSocketEvent")) return Next::web_socket;
  if (is(key, "consumedEvents")) return Next::consumed;
  if (is(key, "scheduledTime")) return Next::scheduled;
  const bool is_left = is(key, "Request") || is(key, "Response") || is(key, "RayID") ||
                       is(key, "message") || is(key, "type");
  return is_left ? Next::leave : Next::skip;
}

Next next_in_request(std::string_view key) {
  if (is(key, "url")) return Next::url;
  if (is(key, "method")) return Next::method;
  if (is(key, "headers")) return Next::headers;
  return is(key, "URL") || is(key, "Method") ? Next::leave : Next::skip;
}

Next next_in_response(std::string_view key) {
  if (is(key, "status")) return Next::status;
  return is(key, "Status") ? Next::leave : Next::skip;
}

Next next_in_version(std::string_view key) {
  if (is(key, "id")) return Next::id;
  return is(key, "ID") ? Next::leave : Next::skip;
}

/// One document. Every step forward stops at a bracket or quote that the index knows, and the
/// document ends with one: nothing runs beyond it.
class Walk {
 public:
  Walk(std::string_view document, const StructureIndex& index, Tracks& tracks, Fields& fields)
      : text_(document), index_(index), tracks_(tracks), fields_(fields) {}

  bool read() {
    const Position end =
        each_member(0, tracks_.trace, next_in_trace,
                    [this](Next member, Position at) { return read_member(member, at); });
    return end == text_.size() && fields_.dialects == kTrace && fields_.at_ms.present() &&
           !fields_.outcome.empty();
  }

 private:
  /// Visits the members of the object at `open`: visit(member, position of the value) says where
  /// the value ends.
  template <typename Track, typename Visit>
  Position each_member(Position open, Track& track, Next (*next_of)(std::string_view),
                       Visit visit) {
    static_assert(Track::kBytes <= kDocumentPadding);
    Position at = open + 1;
    for (std::size_t place = 0;; ++place) {
      Next next = Next::leave;
      if (const auto* step = track.expected(place, text_.data() + at)) [[likely]] {
        // This one may have more blanks than the one that it was learned from.
        at = step->meaning == Next::end ? at + step->size : beyond_blanks(at + step->size);
        next = step->meaning;
      } else {
        const Position from = at;
        next = find_next(place == 0, at, next_of);
        if (next != Next::leave) track.learn(place, text_.substr(from, at - from), next);
      }
      if (next == Next::end) return at;
      if (next == Next::leave) return kLeave;
      at = visit(next, at);
      if (at == kLeave) return kLeave;
    }
  }

  /// Moves `at` from the end of a value, or from behind the opening bracket, to the next value, or
  /// behind the closing bracket.
  Next find_next(bool is_first, Position& at, Next (*next_of)(std::string_view)) const {
    at = beyond_blanks(at);
    if (text_[at] == '}') {
      ++at;
      return Next::end;
    }
    if (!is_first) {
      if (text_[at] != ',') return Next::leave;
      at = beyond_blanks(at + 1);
    }
    if (text_[at] != '"') return Next::leave;
    const Position close = index_.quote(at + 1);
    const std::string_view key = text_.substr(at + 1, close - at - 1);
    at = beyond_blanks(close + 1);
    if (text_[at] != ':') return Next::leave;
    at = beyond_blanks(at + 1);
    return next_of(key);
  }

  Position read_member(Next member, Position at) {
    switch (member) {
      case Next::event:
        return read_event(at);
      case Next::cpu_time:
        return read_number(at, fields_.cpu_ms);
      case Next::outcome:
        return read_text(at, fields_.outcome);
      case Next::wall_time:
        return read_number(at, fields_.wall_ms);
      case Next::script_name:
        fields_.dialects = kTrace;
        return read_text(at, fields_.service);
      case Next::exceptions:
        return count_exceptions(at);
      case Next::script_version:
        return read_version(at);
      case Next::event_timestamp:
        fields_.dialects = kTrace;
        return read_number(at, fields_.at_ms);
      case Next::mark_trace:
        fields_.dialects = kTrace;
        return beyond_value(at, 1);
      default:
        return beyond_value(at, 1);
    }
  }

  Position read_event(Position at) {
    if (text_[at] != '{') return beyond_null(at);
    return each_member(at, tracks_.event, next_in_event, [this](Next member, Position value) {
      // An event without a request may say so.
      if (text_[value] == 'n') return beyond_value(value, 2);
      return read_event_member(member, value);
    });
  }

  Position read_event_member(Next member, Position at) {
    switch (member) {
      case Next::request:
        mark(kRequest);
        return read_request(at);
      case Next::response:
        return read_response(at);
      case Next::cron:
        mark(kCron);
        break;
      case Next::queue:
        mark(kQueue);
        break;
      case Next::mail:
        mark(kMail);
        break;
      case Next::rpc:
        mark(kRpc);
        break;
      case Next::web_socket:
        mark(kWebSocket);
        break;
      case Next::consumed:
        mark(kConsumed);
        break;
      case Next::scheduled:
        mark(kScheduled);
        break;
      default:
        break;
    }
    return beyond_value(at, 2);
  }

  void mark(EventKey key) {
    fields_.event_keys = static_cast<std::uint16_t>(fields_.event_keys | key);
  }

  Position read_request(Position at) {
    if (text_[at] != '{') return kLeave;
    return each_member(at, tracks_.request, next_in_request, [this](Next member, Position value) {
      if (member == Next::url) return read_text(value, fields_.url);
      if (member == Next::method) return read_text(value, fields_.method);
      if (member == Next::headers) return read_headers(value);
      return beyond_value(value, 3);
    });
  }

  Position read_headers(Position at) {
    if (text_[at] != '{') return beyond_null(at);
    const Position close = index_.close(at, 3);
    fields_.ray = {};
    constexpr std::string_view kRay = "\"cf-ray\"";
    const Position ray = find_word(text_, kRay, at, close);
    if (ray == std::string_view::npos) return close + 1;
    const Position colon = beyond_blanks(ray + kRay.size());
    const Position value = beyond_blanks(colon + 1);
    // It may be the value of another header, too.
    if (text_[colon] != ':' || text_[value] != '"') return kLeave;
    return read_text(value, fields_.ray) == kLeave ? kLeave : close + 1;
  }

  Position read_response(Position at) {
    if (text_[at] != '{') return kLeave;
    return each_member(at, tracks_.response, next_in_response, [this](Next member, Position value) {
      if (member == Next::status) return read_number(value, fields_.status);
      return beyond_value(value, 3);
    });
  }

  Position read_version(Position at) {
    if (text_[at] != '{') return beyond_null(at);
    return each_member(at, tracks_.version, next_in_version, [this](Next member, Position value) {
      if (member == Next::id) return read_text(value, fields_.version);
      return beyond_value(value, 2);
    });
  }

  Position count_exceptions(Position at) {
    if (text_[at] != '[') return beyond_null(at);
    fields_.exceptions = 0;
    fields_.exception = {};
    at = beyond_blanks(at + 1);
    if (text_[at] == ']') return at + 1;
    while (text_[at] == '{') {
      const Position close = index_.close(at, 2);
      if (fields_.exceptions++ == 0) fields_.exception = text_.substr(at, close + 1 - at);
      at = beyond_blanks(close + 1);
      if (text_[at] == ']') return at + 1;
      if (text_[at] != ',') return kLeave;
      at = beyond_blanks(at + 1);
    }
    return kLeave;
  }

  Position read_text(Position at, std::string_view& text) {
    if (text_[at] != '"') return beyond_null(at);
    const Position close = index_.quote(at + 1);
    if (index_.has_backslash(at + 1, close)) return kLeave;
    text = {text_.data() + at + 1, close - at - 1};
    return close + 1;
  }

  Position read_number(Position at, Number& number) {
    const PlainNumber read = plain_number(text_.data() + at);
    if (read.digits == 0) return beyond_null(at);
    const Position end = at + read.digits;
    const bool is_sure = read.digits <= PlainNumber::kDigitsMax && !is_scalar(text_[end]) &&
                         (read.digits == 1 || text_[at] != '0');
    if (!is_sure) return kLeave;
    number = {static_cast<double>(read.value), Number::State::present};
    return end;
  }

  /// null is as good as absent; other values of the wrong type are for DocumentReader.
  Position beyond_null(Position at) {
    if (std::memcmp(text_.data() + at, "null", 4) != 0) return kLeave;
    return is_scalar(text_[at + 4]) ? kLeave : at + 4;
  }

  /// `depth`: brackets around the value.
  Position beyond_value(Position at, std::int32_t depth) {
    const char first = text_[at];
    if (first == '"') return index_.quote(at + 1) + 1;
    if (first == '{' || first == '[') {
      const bool is_empty = text_[at + 1] == (first == '{' ? '}' : ']');
      return is_empty ? at + 2 : index_.close(at, depth) + 1;
    }
    if (!is_scalar(first)) return kLeave;
    while (is_scalar(text_[at])) ++at;
    return at;
  }

  Position beyond_blanks(Position at) const {
    return static_cast<Position>(monitor::beyond_blanks(text_.data() + at) - text_.data());
  }

  const std::string_view text_;
  const StructureIndex& index_;
  Tracks& tracks_;
  Fields& fields_;
};

}  // namespace

bool LazyTrace::read(std::string_view document, Fields& fields) {
  if (!is_worth_a_look()) return false;
  const bool is_read = document.size() >= 2 && document.front() == '{' && document.back() == '}' &&
                       index_.build(document) && Walk(document, index_, tracks_, fields).read();
  missed_ = is_read ? 0 : missed_ + 1;
  return is_read;
}

/// So that a log of another kind costs next to nothing.
bool LazyTrace::is_worth_a_look() {
  constexpr std::uint32_t kPatience = 16;
  constexpr std::uint32_t kEvery = 64;
  if (missed_ < kPatience || missed_ % kEvery == 0) return true;
  ++missed_;
  return false;
}

}  // namespace belay::monitor
