#pragma once

#include <memory>

#include "monitor/clock.h"
#include "monitor/system_clock.h"

namespace belay::simulation {

/// The time of a world: it passes, and nobody can set it. Platforms date by it.
class WorldTime {
 public:
  static constexpr Instant kStart = from_unix_ms(1'795'000'000'000);

  [[nodiscard]] Instant now() const { return kStart + boot_; }
  [[nodiscard]] Duration boot() const { return boot_; }
  /// What the machine's wall clock shows, which people set.
  [[nodiscard]] Instant wall() const { return now() + wall_offset_; }

  void pass(Duration by) { boot_ += by; }
  void set_wall(Duration offset) { wall_offset_ = offset; }

 private:
  Duration boot_ = std::chrono::hours{30};
  Duration wall_offset_{};
};

/// The daemon's clock in one life: the real arithmetic over a machine's clocks.
class BootClock final : public monitor::Clock {
 public:
  explicit BootClock(const WorldTime& time) : time_(time), slewed_(time.wall(), time.boot()) {}
  [[nodiscard]] Instant now() const override { return slewed_.at(time_.boot(), time_.wall()); }

 private:
  const WorldTime& time_;
  mutable monitor::SlewedTime slewed_;
};

}  // namespace belay::simulation
