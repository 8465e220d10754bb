#pragma once

namespace belay::monitor {

/// Sets up spdlog's default logger: standard error, UTC, every message through sanitize(), from a
/// thread of its own, so that a slow reader of standard error delays nobody (the oldest lines are
/// lost first).
class Log {
 public:
  enum class Level { debug, normal, errors };
  explicit Log(Level level);
  /// Writes what is waiting.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
};

}  // namespace belay::monitor
