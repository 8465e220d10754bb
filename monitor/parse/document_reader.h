#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "monitor/parse/rejection.h"

namespace belay::monitor {

/// A number of a document. `bad` is one that no number of ours can be: text, or beyond a double.
struct Number {
  enum class State : std::uint8_t { absent, bad, present };
  double value = 0;
  State state = State::absent;
  [[nodiscard]] bool present() const { return state == State::present; }
};

/// Whose keys a document has.
enum Dialect : std::uint8_t {
  kTrace = 1,    ///< A Cloudflare trace.
  kLogpush = 2,  ///< Cloudflare's dataset workers_trace_events.
  kFlyLine = 4,  ///< A log line of Fly.io, as flyctl or NATS print it.
  kGeneric = 8,  ///< DESIGN.md, section 5.
};

/// Which keys the `event` of a trace has: they tell what it is (workerd, src/workerd/io/trace.h).
enum EventKey : std::uint16_t {
  kRequest = 1,
  kCron = 2,
  kQueue = 4,
  kMail = 8,
  kRpc = 16,
  kWebSocket = 32,
  kConsumed = 64,
  kType = 128,
  kScheduled = 256,
};

/// What was found in one document, whatever its dialect. Texts lie in the document or in its
/// reader, and hold until the next read. An absent text is empty.
struct Fields {
  std::uint8_t dialects = 0;
  std::uint16_t event_keys = 0;
  std::uint32_t exceptions = 0;
  Number at_ms;  ///< The start for a trace; the end for a generic event, maybe in seconds.
  Number wall_ms;
  Number cpu_ms;
  Number status;
  Number latency_ms;  ///< By the configured key path.
  std::string_view service;
  std::string_view version;
  std::string_view outcome;
  std::string_view method;
  std::string_view url;         ///< A URL or a path.
  std::string_view ray;         ///< Cloudflare's id of the request.
  std::string_view event_type;  ///< `type` of an overload message, Logpush's EventType.
  std::string_view message;     ///< A line's text; an overload message's.
  std::string_view timestamp;   ///< RFC 3339.
  std::string_view instance;
  std::string_view exception;  ///< The first of `exceptions`, if it is an object: its JSON.
};

/// Reads the members of one JSON object in one pass, in whatever order they come; of equal names
/// the last one counts. What it does not look for is checked to be text and to nest, not more.
class DocumentReader {
 public:
  /// `latency_field`: a key path ("http.duration_ms"), or empty.
  explicit DocumentReader(std::string_view latency_field);
  ~DocumentReader();
  DocumentReader(DocumentReader&&) noexcept;

  /// `document` has kDocumentPadding readable bytes behind it. `fields` comes in fresh, and is not
  /// to be used after a rejection.
  std::optional<Rejection> read(std::string_view document, Fields& fields);

 private:
  class Walk;
  std::unique_ptr<Walk> walk_;
};

}  // namespace belay::monitor
