#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "monitor/parse/interner.h"
#include "rules/event.h"

namespace belay::monitor {

/// How log documents look inside. `automatic` decides on each document by its keys.
enum class LogFormat : std::uint8_t {
  automatic,
  cloudflare_trace,
  cloudflare_logpush,
  fly,
  generic
};
std::optional<LogFormat> log_format_of(
    std::string_view name);  ///< "auto", "cloudflare", "logpush", "fly", "generic"

struct LogParserOptions {
  LogFormat format = LogFormat::automatic;
  rules::SourceId source{};
  std::string source_name;  ///< As our own log calls it.
  std::size_t document_bytes_max =
      1024 * 1024;  ///< A longer line or document is skipped and counted.
  /// Key path in a log line's JSON that holds the request's duration in milliseconds; empty: wall
  /// time.
  std::string latency_field;
};

/// Bytes in any pieces -> events. Frames NDJSON, JSON arrays and concatenated indented documents,
/// found by itself; a broken document costs itself only. Touches no socket, file or clock. One
/// thread.
class LogParser {
 public:
  explicit LogParser(LogParserOptions options);
  ~LogParser();
  LogParser(LogParser&&) noexcept;

  /// Appends what the bytes complete to `events`: Requests and, for overload messages,
  /// SourceStates. `now` stands for the time of what has none. Texts first used are in
  /// interner().take_defined().
  void feed(std::string_view bytes, Instant now, std::vector<rules::Event>& events);

  /// The end of the input: a last line without a newline counts, a half document is rejected.
  void finish(Instant now, std::vector<rules::Event>& events);

  /// The stream broke (rotation, restart): what is half read is dropped, and counted as "cut_off".
  void reset();

  Interner& interner();

  /// documents = used + the sum of rejected, at every moment. An overload or info message is used.
  [[nodiscard]] std::uint64_t documents() const;
  [[nodiscard]] std::uint64_t used() const;
  [[nodiscard]] std::uint64_t bytes() const;
  [[nodiscard]] const std::map<std::string, std::uint64_t>& rejected() const;
  /// How many of the rejected were evidence, or may have been (is_lost_evidence()).
  [[nodiscard]] std::uint64_t unreadable() const;
  /// The first rejected document of each reason, cut and sanitized, for the log.
  [[nodiscard]] const std::map<std::string, std::string>& first_rejected() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace belay::monitor
