#include "monitor/parse/interpreter.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <utility>

#include "base/sanitize.h"
#include "monitor/parse/exception_text.h"
#include "monitor/parse/framer.h"
#include "rules/windows/route.h"

namespace belay::monitor {
namespace {

using rules::Invocation;

/// Beyond, nanoseconds since the epoch do not fit into an Instant (the year 2262).
constexpr double kUnixMsMax = 9.2e12;
/// A hundred days: no invocation lasts longer.
constexpr double kWallMsMax = 8.64e9;
constexpr std::size_t kNameBytesMax = 256;
/// Whoever sends a request chooses its method: they must leave room for the words of outcomes.
constexpr std::size_t kMethodsMax = 100;
/// Texts of exceptions are for people: what a flood of them says is said by a hundred.
constexpr int kThrownPerSecondMax = 100;

/// An outcome of ours: by the language, any that is not named there is an error.
constexpr std::string_view kNoAnswer = "no_answer";

std::optional<Instant> instant_of(double unix_ms) {
  if (!(unix_ms > 0 && unix_ms < kUnixMsMax)) return std::nullopt;
  // Rounds down, as it is positive; std::floor would be a call.
  const auto whole = static_cast<std::int64_t>(unix_ms);
  const auto rest_ns = static_cast<std::int64_t>((unix_ms - static_cast<double>(whole)) * 1e6);
  return from_unix_ms(whole) + Duration{rest_ns};
}

/// Of an application's own clock, in milliseconds or, as many libraries have it, in seconds.
std::optional<Instant> instant_of_clock(double unix_time) {
  // As milliseconds it were March 1973, as seconds the year 5138.
  constexpr double kSecondsMax = 1e11;
  return instant_of(unix_time < kSecondsMax ? unix_time * 1000 : unix_time);
}

/// A duration, not negative. One too long for the field is as long as the field can say: it was
/// slow, that much is sure.
std::uint32_t microseconds(double ms) {
  constexpr double kMax = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::min(ms * 1000.0 + 0.5, kMax));
}

bool is_duration(const Number& ms) { return ms.value >= 0 && ms.value <= kWallMsMax; }

bool is_bad_duration(const Number& ms) {
  return ms.state == Number::State::bad || (ms.present() && !is_duration(ms));
}

bool has_status(const Fields& fields) {
  return fields.status.present() && fields.status.value != 0;
}

/// Clients and proxies write 0 for a call that got no answer. Elsewhere it may be a program's exit
/// status, and no call at all; where the method is one of gRPC ("/shop.Orders/Get") 0 means that
/// all is well.
bool got_no_answer(const Fields& fields) {
  const bool is_grpc = fields.method.find('/') != std::string_view::npos;
  return fields.status.present() && fields.status.value == 0 && fields.outcome.empty() &&
         !is_grpc && !(fields.url.empty() && fields.method.empty());
}

bool says_end(const Fields& fields) {
  return has_status(fields) || !fields.outcome.empty() || got_no_answer(fields);
}

/// A call that does not say how it ended, unlike a line of an application's own.
bool is_call_without_end(const Fields& fields) {
  return !says_end(fields) && fields.wall_ms.present() && !fields.url.empty();
}

/// An application's own lines have words of theirs for `status` ("active"), but speak of no path.
bool is_call_with_bad_status(const Fields& fields) {
  return fields.status.state == Number::State::bad &&
         (fields.url.starts_with('/') || fields.url.starts_with("http"));
}

/// Of text that is no JSON: a line of calls that was cut, and not what Ruby or Elixir print of an
/// object. Whatever comes first in it, its key ends as only JSON's do.
bool may_be_cut_call(std::string_view text) {
  return text.starts_with("{\"") && text.find("\":") != std::string_view::npos &&
         text.back() != '}';
}

Invocation invocation_of_keys(std::uint16_t keys) {
  static constexpr std::array<std::pair<EventKey, Invocation>, 7> kInOrder = {{
      {kRequest, Invocation::fetch},
      {kCron, Invocation::cron},
      {kQueue, Invocation::queue},
      {kMail, Invocation::email},
      {kRpc, Invocation::rpc},
      {kWebSocket, Invocation::other},
      {kConsumed, Invocation::other},
  }};
  for (const auto& [key, invocation] : kInOrder) {
    if ((keys & key) != 0) return invocation;
  }
  return (keys & kScheduled) != 0 ? Invocation::alarm : Invocation::other;
}

/// Logpush names the kind; without the field the event itself tells.
Invocation invocation_of(const Fields& fields) {
  const std::string_view type = fields.event_type;
  if ((fields.dialects & kLogpush) == 0 || type.empty()) {
    return invocation_of_keys(fields.event_keys);
  }
  if (type == "fetch") return Invocation::fetch;
  if (type == "scheduled") return Invocation::cron;
  if (type == "alarm") return Invocation::alarm;
  if (type == "queue") return Invocation::queue;
  if (type == "email") return Invocation::email;
  return type == "worker_rpc" ? Invocation::rpc : Invocation::other;
}

/// {"type":"overload",…} and its like, which speak of the tail and not of a call.
bool is_source_message(const Fields& fields) {
  constexpr std::uint16_t kCalls =
      kRequest | kCron | kQueue | kMail | kRpc | kWebSocket | kConsumed;
  return (fields.dialects & kTrace) != 0 && (fields.event_keys & kType) != 0 &&
         (fields.event_keys & kCalls) == 0;
}

/// Never 0, which means that equal ones cannot be told.
std::uint64_t fingerprint(std::string_view first, std::string_view second, std::uint64_t seed) {
  return quick_hash(second, quick_hash(first, seed)) | 1U;
}

}  // namespace

Interpreter::Interpreter(const LogParserOptions& options, Interner& interner)
    : format_(options.format),
      source_(options.source),
      latency_is_named_(!options.latency_field.empty()),
      interner_(interner),
      message_reader_(options.latency_field) {}

std::optional<Rejection> Interpreter::interpret(const Fields& fields, Instant now,
                                                std::vector<rules::Event>& events) {
  const auto expects = [&](LogFormat format) {
    return format_ == LogFormat::automatic || format_ == format;
  };
  if ((fields.dialects & kTrace) != 0) {
    return expects(LogFormat::cloudflare_trace) ? trace(fields, now, events)
                                                : std::optional(Rejection::not_an_event);
  }
  if ((fields.dialects & kLogpush) != 0) {
    return expects(LogFormat::cloudflare_logpush) ? trace(fields, now, events)
                                                  : std::optional(Rejection::not_an_event);
  }
  if ((fields.dialects & kFlyLine) != 0 && !fields.timestamp.empty()) {
    return expects(LogFormat::fly) ? fly_line(fields, events)
                                   : std::optional(Rejection::not_an_event);
  }
  return expects(LogFormat::generic) ? generic(fields, events)
                                     : std::optional(Rejection::not_an_event);
}

std::optional<Rejection> Interpreter::trace(const Fields& fields, Instant now,
                                            std::vector<rules::Event>& events) {
  std::optional<Instant> start = now;
  if (fields.at_ms.present()) start = instant_of(fields.at_ms.value);
  if (!start || fields.at_ms.state == Number::State::bad) return Rejection::bad_time;
  if (is_source_message(fields)) return source_message(fields, *start, events);
  if (fields.outcome.empty()) return Rejection::no_outcome;
  rules::Request request{.source = source_, .invocation = invocation_of(fields)};
  if (const auto rejection = set_times(fields, *start, request)) return rejection;
  if (const auto rejection = fill(fields, request)) return rejection;
  if (!fields.ray.empty()) {
    const auto seed = static_cast<std::uint64_t>(request.at.time_since_epoch().count());
    request.fingerprint = fingerprint(fields.ray, fields.url, seed);
  }
  add(fields, request, events);
  return std::nullopt;
}

void Interpreter::add(const Fields& fields, const rules::Request& request,
                      std::vector<rules::Event>& events) {
  events.emplace_back(std::in_place_type<rules::Request>, request);
  if (fields.exception.empty()) return;
  const std::int64_t second =
      std::chrono::floor<std::chrono::seconds>(request.at.time_since_epoch()).count();
  if (second != thrown_second_) thrown_ = 0;
  thrown_second_ = second;
  if (thrown_ >= kThrownPerSecondMax) return;
  std::string what = exception_text(fields.exception);
  if (what.empty()) return;
  ++thrown_;
  events.emplace_back(rules::Thrown{.source = source_,
                                    .service = request.service,
                                    .version = request.version,
                                    .at = request.at,
                                    .what = std::move(what)});
}

std::optional<Rejection> Interpreter::set_times(const Fields& fields, Instant start,
                                                rules::Request& request) {
  if (is_bad_duration(fields.wall_ms) || is_bad_duration(fields.cpu_ms))
    return Rejection::bad_duration;
  is_measured_ = is_measured_ || fields.wall_ms.value > 0 || fields.cpu_ms.value > 0;
  request.at = start;
  if (fields.wall_ms.present()) {
    request.at += Duration{static_cast<std::int64_t>(fields.wall_ms.value * 1e6)};
    if (is_measured_ && !latency_is_named_) {
      request.latency_us = microseconds(fields.wall_ms.value);
      request.latency_is_wall_time = true;
    }
  }
  if (is_measured_ && fields.cpu_ms.present()) request.cpu_us = microseconds(fields.cpu_ms.value);
  return std::nullopt;
}

std::optional<Rejection> Interpreter::source_message(const Fields& fields, Instant at,
                                                     std::vector<rules::Event>& events) {
  const bool begins = fields.event_type == "overload";
  if (begins || fields.event_type == "overload-stop") {
    events.emplace_back(rules::SourceState{
        .source = source_,
        .at = at,
        .health = begins ? rules::SourceHealth::sampled : rules::SourceHealth::alive,
        .detail = begins ? sanitize(fields.message) : std::string()});
  }
  return std::nullopt;
}

std::optional<Rejection> Interpreter::fly_line(const Fields& line,
                                               std::vector<rules::Event>& events) {
  const std::optional<Instant> at = parse_rfc3339(line.timestamp);
  if (!at) return Rejection::bad_time;
  Fields inner;
  if (!has_status(line)) {
    if (!line.message.starts_with('{')) return Rejection::not_an_event;
    message_.assign(line.message);
    message_.append(kDocumentPadding, '\0');
    const auto document = std::string_view(message_).substr(0, line.message.size());
    if (message_reader_.read(document, inner))
      return may_be_cut_call(line.message) ? Rejection::broken : Rejection::not_an_event;
    if (is_call_with_bad_status(inner) || is_call_without_end(inner)) return Rejection::bad_status;
    if (inner.status.state == Number::State::bad || !says_end(inner))
      return Rejection::not_an_event;
  }
  const Fields& fields = has_status(line) ? line : inner;
  rules::Request request{.source = source_, .at = *at};
  if (const auto rejection = set_end(fields, request)) return rejection;
  if (const auto rejection = fill(fields, request)) return rejection;
  if (request.service == rules::kNoText) request.service = text(line.service, TextUse::service);
  request.fingerprint = fingerprint(line.timestamp, line.message, quick_hash(line.instance));
  add(fields, request, events);
  return std::nullopt;
}

std::optional<Rejection> Interpreter::generic(const Fields& fields,
                                              std::vector<rules::Event>& events) {
  const bool has_time = fields.at_ms.state != Number::State::absent || !fields.timestamp.empty();
  const bool has_service = !fields.service.empty();
  const bool has_outcome = fields.status.state == Number::State::bad || says_end(fields);
  if (int{has_time} + int{has_service} + int{has_outcome} < 2) return Rejection::not_an_event;
  if (!has_time) return Rejection::no_time;
  if (!has_service) return Rejection::no_service;
  if (!has_outcome && (fields.status.present() || is_call_without_end(fields)))
    return Rejection::bad_status;
  if (!has_outcome) return Rejection::no_outcome;
  rules::Request request{.source = source_};
  if (const auto rejection = set_end(fields, request)) return rejection;
  if (const auto rejection = fill(fields, request)) return rejection;
  add(fields, request, events);
  return std::nullopt;
}

/// The end and the duration of a generic event; without a time of its own it keeps the one it has.
std::optional<Rejection> Interpreter::set_end(const Fields& fields, rules::Request& request) {
  std::optional<Instant> at = request.at;
  if (fields.at_ms.present()) {
    at = instant_of_clock(fields.at_ms.value);
  } else if (!fields.timestamp.empty()) {
    at = parse_rfc3339(fields.timestamp);
  }
  if (!at || fields.at_ms.state == Number::State::bad) return Rejection::bad_time;
  if (is_bad_duration(fields.wall_ms)) return Rejection::bad_duration;
  request.at = *at;
  if (fields.wall_ms.present() && !latency_is_named_) {
    request.latency_us = microseconds(fields.wall_ms.value);
  }
  return std::nullopt;
}

std::optional<Rejection> Interpreter::fill(const Fields& fields, rules::Request& request) {
  constexpr std::uint32_t kExceptionsMax = std::numeric_limits<std::uint16_t>::max();
  if (fields.status.state == Number::State::bad) return Rejection::bad_status;
  if (has_status(fields)) {
    if (!(fields.status.value >= 100 && fields.status.value <= 999)) return Rejection::bad_status;
    request.status = static_cast<std::uint16_t>(fields.status.value);
  }
  const std::string_view outcome = got_no_answer(fields) ? kNoAnswer : fields.outcome;
  if (outcome != "ok") request.outcome = text(outcome, TextUse::word);
  request.service = text(fields.service, TextUse::service);
  request.version = text(fields.version, TextUse::version);
  request.method = method(fields.method);
  request.route = route(fields.url);
  request.exceptions = static_cast<std::uint16_t>(std::min(fields.exceptions, kExceptionsMax));
  if (latency_is_named_ && fields.latency_ms.present() && is_duration(fields.latency_ms)) {
    request.latency_us = microseconds(fields.latency_ms.value);
  }
  return std::nullopt;
}

rules::TextId Interpreter::text(std::string_view text, TextUse use) {
  const auto make = [&](std::string_view whole) {
    std::size_t bytes = std::min(whole.size(), kNameBytesMax);
    // A longer name is cut, before a character and not inside one.
    while (bytes < whole.size() && bytes > 0 && (whole[bytes] & '\xC0') == '\x80') --bytes;
    return interner_.id(whole.substr(0, bytes), use);
  };
  if (use == TextUse::any) return routes_.id(text, make);
  return names_[static_cast<std::size_t>(use)].id(text, make);
}

rules::TextId Interpreter::method(std::string_view method) {
  return methods_.id(method, [this](std::string_view unseen) {
    const std::string_view name = unseen.substr(0, kNameBytesMax);
    const bool is_known = known_methods_.contains(name);
    if (!is_known && known_methods_.size() >= kMethodsMax) return text("other", TextUse::word);
    if (!is_known) known_methods_.emplace(name);
    return text(unseen, TextUse::word);
  });
}

rules::TextId Interpreter::route(std::string_view url) {
  // Not cached by URL: with ids in them few come twice, and to normalise costs less than to miss.
  if (url.empty()) return rules::kNoText;
  rules::RouteBuffer buffer;
  return text(rules::normalise_route(url, buffer), TextUse::any);
}

}  // namespace belay::monitor
