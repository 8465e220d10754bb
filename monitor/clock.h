#pragma once

#include "base/time.h"

namespace belay::monitor {

/// The one place where time comes from. Any thread may ask.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Engine time: the wall clock at the start plus boot time since, slewed slowly towards the wall
  /// clock. Never goes back; nobody can set it.
  [[nodiscard]] virtual Instant now() const = 0;

  /// Engine time minus the wall clock, where someone has set that by a second or more since the
  /// start: in whole seconds, else zero. What carries times of that clock is off by so much.
  [[nodiscard]] virtual Duration ahead_of_wall() const { return Duration::zero(); }
};

}  // namespace belay::monitor
