#pragma once

#include <atomic>

#include "monitor/clock.h"

namespace belay::test {

/// Time that stands still until the test moves it. Any thread.
class ManualClock final : public monitor::Clock {
 public:
  explicit ManualClock(Instant start = from_unix_ms(1'795'000'000'000))
      : now_(start.time_since_epoch()) {}
  [[nodiscard]] Instant now() const override { return Instant{now_.load()}; }
  void advance(Duration by) { now_ = now_.load() + by; }
  void advance_to(Instant at) {
    if (at > now()) now_ = at.time_since_epoch();
  }

 private:
  std::atomic<Duration> now_;
};

}  // namespace belay::test
