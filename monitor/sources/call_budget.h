#pragma once

#include <chrono>
#include <mutex>
#include <stop_token>

namespace belay::monitor {

/// The calls that reading may make with one token, for all who read with it. Cloudflare lets a
/// token make 1200 in five minutes, and refuses all of them for five minutes more when there were
/// too many (its docs, "API limits"): reading takes a third at most, the rest is kept for acting,
/// for wrangler and for the dashboard. Any thread.
class CallBudget {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kSpacing{750};

  explicit CallBudget(std::chrono::milliseconds spacing = kSpacing) : spacing_(spacing) {}

  /// Waits for a turn, `spacing` after the one before. False: stopped, or those who gave the token
  /// asked for patience; nothing may be read now.
  bool wait_for_turn(const std::stop_token& stop);

  /// The other side asked for patience.
  void pause(std::chrono::milliseconds lasts);
  [[nodiscard]] bool is_paused() const;

 private:
  const std::chrono::milliseconds spacing_;
  mutable std::mutex mutex_;
  Clock::time_point next_turn_{};
  Clock::time_point paused_until_{};
};

}  // namespace belay::monitor
