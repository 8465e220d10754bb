#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace belay::monitor {

/// Waits for `lasts` or a stop, whichever comes first. False: stopped.
inline bool wait_for(std::chrono::nanoseconds lasts, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any nobody_notifies;
  std::unique_lock lock(mutex);
  nobody_notifies.wait_for(lock, stop, lasts, [] { return false; });
  return !stop.stop_requested();
}

/// A steady beat: its ticks lie whole intervals after its making, whatever is done in between.
/// Ticks that were missed are left out, never made up for.
class Cadence {
 public:
  explicit Cadence(std::chrono::nanoseconds interval)
      : interval_(interval), next_(std::chrono::steady_clock::now()) {}

  /// Until the next tick; the first is at once. False: stopped.
  bool wait(const std::stop_token& stop) {
    const auto now = std::chrono::steady_clock::now();
    if (next_ > now && !wait_for(next_ - now, stop)) return false;
    const auto late = std::chrono::steady_clock::now() - next_;
    next_ += interval_ * (1 + late / interval_);
    return !stop.stop_requested();
  }

 private:
  std::chrono::nanoseconds interval_;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace belay::monitor
