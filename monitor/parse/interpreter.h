#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/parse/document_reader.h"
#include "monitor/parse/interner.h"
#include "monitor/parse/log_parser.h"
#include "monitor/parse/rejection.h"
#include "monitor/parse/text_cache.h"
#include "rules/event.h"

namespace belay::monitor {

/// What was found in a document -> the evidence that it is. One for each source.
///
/// Cloudflare traces (live, or from Logpush): every invocation is a Request of its kind; its end is
/// eventTimestamp + wallTime. A trace whose wallTime and cpuTime are both 0 has no latency until
/// the source has reported another value once: workerd alone measures neither and always writes 0,
/// while in production 0 means less than a millisecond. Overload messages are states of the source.
///
/// Fly.io's lines: a JSON `message` with a status or an outcome is a generic event, time and
/// service taken from the line where it has none; a line of the proxy with an HTTP status is a
/// request. All others are rejected as not_an_event: they say nothing of a call, and a source that
/// never says anything else must not look like one that is judged.
///
/// With a latency field, latency is what it names and nothing else: without it, an event has none.
class Interpreter {
 public:
  Interpreter(const LogParserOptions& options, Interner& interner);

  /// Appends the call, and beside it what it threw: of the first hundred in a second only.
  std::optional<Rejection> interpret(const Fields& fields, Instant now,
                                     std::vector<rules::Event>& events);

 private:
  std::optional<Rejection> trace(const Fields& fields, Instant now,
                                 std::vector<rules::Event>& events);
  std::optional<Rejection> fly_line(const Fields& line, std::vector<rules::Event>& events);
  std::optional<Rejection> generic(const Fields& fields, std::vector<rules::Event>& events);
  std::optional<Rejection> source_message(const Fields& fields, Instant at,
                                          std::vector<rules::Event>& events);
  /// What all dialects share: names, route, status, latency.
  std::optional<Rejection> fill(const Fields& fields, rules::Request& request);
  std::optional<Rejection> set_end(const Fields& fields, rules::Request& request);
  std::optional<Rejection> set_times(const Fields& fields, Instant start, rules::Request& request);
  void add(const Fields& fields, const rules::Request& request, std::vector<rules::Event>& events);
  rules::TextId text(std::string_view text, TextUse use);
  rules::TextId method(std::string_view method);
  rules::TextId route(std::string_view url);

  const LogFormat format_;
  const rules::SourceId source_;
  const bool latency_is_named_;
  std::int64_t thrown_second_ = 0;  ///< In which `thrown_` exceptions have been told.
  int thrown_ = 0;
  bool is_measured_ = false;  ///< A wallTime or cpuTime other than 0 was seen.
  Interner& interner_;
  DocumentReader message_reader_;
  std::string message_;
  std::set<std::string, std::less<>> known_methods_;
  TextCache<64> methods_;
  TextCache<1024> routes_;
  /// By use: what is beyond the budget of one use may be a text of its own in another.
  std::array<TextCache<256>, kTextUses> names_;
};

}  // namespace belay::monitor
