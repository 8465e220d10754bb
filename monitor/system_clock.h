#pragma once

#include <atomic>
#include <cstdint>

#include "monitor/clock.h"

namespace belay::monitor {

/// The arithmetic of engine time, apart from the clocks it is fed from. Any thread may ask.
class SlewedTime {
 public:
  /// At most 5 ms are made up for in a second: a step of the wall clock by an hour neither fires
  /// nor clears a rule, and small drifts vanish within minutes.
  static constexpr std::int64_t kSlewDivisor = 200;

  SlewedTime(Instant wall, Duration boot);

  /// Engine time when the boot clock reads `boot` and the wall clock `wall`. Never less than it
  /// was.
  Instant at(Duration boot, Instant wall);
  /// Clock::ahead_of_wall().
  Duration ahead(Duration boot, Instant wall);

 private:
  std::atomic<std::int64_t> offset_ns_;       ///< Engine time minus boot time.
  std::atomic<std::int64_t> adjusted_at_ns_;  ///< Boot time of the last adjustment.
  std::atomic<std::int64_t> newest_ns_;       ///< What was answered last.
};

/// The clock of the daemon: CLOCK_REALTIME once at the start, CLOCK_BOOTTIME (which nobody can set,
/// and which goes on while the machine sleeps) from then on.
class SystemClock : public Clock {
 public:
  SystemClock();
  [[nodiscard]] Instant now() const override;
  [[nodiscard]] Duration ahead_of_wall() const override;

 private:
  mutable SlewedTime time_;
};

}  // namespace belay::monitor
