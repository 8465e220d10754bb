#include "monitor/parse/lazy_trace.h"

#include <cstddef>
#include <cstring>

#include "monitor/parse/find_word.h"

namespace belay::monitor {
namespace {

/// Where reading goes on; kLeave: somebody else must read this document.
using Position = std::size_t;
constexpr Position kLeave = static_cast<Position>(-1);

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
/// What numbers, true, false and null are made of.
bool is_scalar(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '+' || c == 'E';
}

template <std::size_t kSize>
bool is(std::string_view key, const char (&name)[kSize]) {
  return key.size() == kSize - 1 && std::memcmp(key.data(), name, kSize - 1) == 0;
}

/// One document. Every step forward stops at a bracket or quote that the index knows, and the
/// document ends with one: nothing runs beyond it.
class Walk {
 public:
  Walk(std::string_view document, const StructureIndex& index, Fields& fields)
      : text_(document), index_(index), fields_(fields) {}

  bool read() {
    const Position end =
        each_member(0, [this](std::string_view key, Position at) { return read_member(key, at); });
    return end == text_.size() && fields_.dialects == kTrace && fields_.at_ms.present() &&
           !fields_.outcome.empty();
  }

 private:
  /// Visits the members of the object at `open`: visit(key, position of the value) says where the
  /// value ends.
  template <typename Visit>
  Position each_member(Position open, Visit visit) {
    Position at = beyond_blanks(open + 1);
    if (text_[at] == '}') return at + 1;
    while (text_[at] == '"') {
      const Position close = index_.quote(at + 1);
      const std::string_view key = text_.substr(at + 1, close - at - 1);
      at = beyond_blanks(close + 1);
      if (text_[at] != ':') return kLeave;
      at = visit(key, beyond_blanks(at + 1));
      if (at == kLeave) return kLeave;
      at = beyond_blanks(at);
      if (text_[at] == '}') return at + 1;
      if (text_[at] != ',') return kLeave;
      at = beyond_blanks(at + 1);
    }
    return kLeave;
  }

  Position read_member(std::string_view key, Position at) {
    switch (key.size()) {
      case 5:
        if (is(key, "event")) return read_event(at);
        break;
      case 7:
        if (is(key, "cpuTime")) return read_number(at, fields_.cpu_ms);
        if (is(key, "outcome")) return read_text(at, fields_.outcome);
        break;
      case 8:
        if (is(key, "wallTime")) return read_number(at, fields_.wall_ms);
        break;
      case 10:
        if (is(key, "scriptName")) return mark_trace(), read_text(at, fields_.service);
        if (is(key, "exceptions")) return count_exceptions(at);
        break;
      case 13:
        if (is(key, "scriptVersion")) return read_version(at);
        break;
      case 14:
        if (is(key, "eventTimestamp")) return mark_trace(), read_number(at, fields_.at_ms);
        if (is(key, "executionModel")) return mark_trace(), beyond_value(at, 1);
        break;
      default:
        break;
    }
    return is_of_others(key) ? kLeave : beyond_value(at, 1);
  }

  /// What DocumentReader looks for in documents that are no traces.
  static bool is_of_others(std::string_view key) {
    if (key.empty() || key.front() < 'a') return true;
    return is(key, "ts") || is(key, "fly") || is(key, "meta") || is(key, "route") ||
           is(key, "status") || is(key, "method") || is(key, "service") || is(key, "version") ||
           is(key, "message") || is(key, "wall_ms") || is(key, "instance") || is(key, "timestamp");
  }

  void mark_trace() { fields_.dialects = kTrace; }

  Position read_event(Position at) {
    if (text_[at] != '{') return beyond_null(at);
    return each_member(at, [this](std::string_view key, Position value) {
      if (text_[value] == 'n') return beyond_value(value, 2);
      if (is(key, "request")) return mark(kRequest), read_request(value);
      if (is(key, "response")) return read_response(value);
      if (is(key, "Request") || is(key, "Response") || is(key, "RayID") || is(key, "message") ||
          is(key, "type"))
        return kLeave;
      if (is(key, "cron")) mark(kCron);
      if (is(key, "queue")) mark(kQueue);
      if (is(key, "mailFrom")) mark(kMail);
      if (is(key, "rpcMethod")) mark(kRpc);
      if (is(key, "getWebSocketEvent")) mark(kWebSocket);
      if (is(key, "consumedEvents")) mark(kConsumed);
      if (is(key, "scheduledTime")) mark(kScheduled);
      return beyond_value(value, 2);
    });
  }

  void mark(EventKey key) {
    fields_.event_keys = static_cast<std::uint16_t>(fields_.event_keys | key);
  }

  Position read_request(Position at) {
    if (text_[at] != '{') return kLeave;
    return each_member(at, [this](std::string_view key, Position value) {
      if (is(key, "url")) return read_text(value, fields_.url);
      if (is(key, "method")) return read_text(value, fields_.method);
      if (is(key, "headers")) return read_headers(value);
      return is(key, "URL") || is(key, "Method") ? kLeave : beyond_value(value, 3);
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
    return each_member(at, [this](std::string_view key, Position value) {
      if (is(key, "status")) return read_number(value, fields_.status);
      return is(key, "Status") ? kLeave : beyond_value(value, 3);
    });
  }

  Position read_version(Position at) {
    if (text_[at] != '{') return beyond_null(at);
    return each_member(at, [this](std::string_view key, Position value) {
      if (is(key, "id")) return read_text(value, fields_.version);
      return is(key, "ID") ? kLeave : beyond_value(value, 2);
    });
  }

  Position count_exceptions(Position at) {
    if (text_[at] != '[') return beyond_null(at);
    fields_.exceptions = 0;
    at = beyond_blanks(at + 1);
    if (text_[at] == ']') return at + 1;
    while (text_[at] == '{') {
      ++fields_.exceptions;
      at = beyond_blanks(index_.close(at, 2) + 1);
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
    text = text_.substr(at + 1, close - at - 1);
    return close + 1;
  }

  Position read_number(Position at, Number& number) {
    // So many digits are exact as a double.
    constexpr Position kDigitsMax = 15;
    if (!is_digit(text_[at])) return beyond_null(at);
    std::uint64_t value = 0;
    Position end = at;
    for (; is_digit(text_[end]) && end - at < kDigitsMax; ++end)
      value = value * 10 + static_cast<std::uint64_t>(text_[end] - '0');
    if (is_scalar(text_[end]) || (text_[at] == '0' && end - at > 1)) return kLeave;
    number = {static_cast<double>(value), Number::State::present};
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

  Position beyond_blanks(Position at) {
    while (is_blank(text_[at])) ++at;
    return at;
  }

  const std::string_view text_;
  const StructureIndex& index_;
  Fields& fields_;
};

}  // namespace

bool LazyTrace::read(std::string_view document, Fields& fields) {
  if (!is_worth_a_look()) return false;
  const bool is_read = document.size() >= 2 && document.front() == '{' && document.back() == '}' &&
                       index_.build(document) && Walk(document, index_, fields).read();
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
