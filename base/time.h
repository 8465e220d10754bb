#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace belay {

using Duration = std::chrono::nanoseconds;

/// The engine's time axis: nanoseconds since the Unix epoch, as told by the one Clock of the daemon
/// or by the recording in replay. It has no now(): code that sees only this header cannot read a
/// clock.
struct Timeline {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = Duration;
  using time_point = std::chrono::time_point<Timeline>;
  static constexpr bool is_steady = true;
};
using Instant = Timeline::time_point;

constexpr Instant from_unix_ms(std::int64_t unix_ms) {
  return Instant{std::chrono::milliseconds{unix_ms}};
}
constexpr std::int64_t unix_ms(Instant at) {
  return std::chrono::floor<std::chrono::milliseconds>(at.time_since_epoch()).count();
}
constexpr double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// As people write it, without loss down to the millisecond: "1m30s", "250ms", "24h". Zero is "0s".
std::string format_duration(Duration duration);

/// "250ms", "1.5s", "1m30s", "24h", "7d". Nothing for anything else, a negative or an overflow
/// included.
std::optional<Duration> parse_duration(std::string_view text);

/// RFC 3339 in UTC with milliseconds: "2026-11-20T13:45:20.252Z".
std::string format_utc(Instant at);

/// RFC 3339, with or without a fraction of up to nine digits, "Z" or an offset. Nothing for
/// anything else.
std::optional<Instant> parse_rfc3339(std::string_view text);

}  // namespace belay
