#include "monitor/sources/call_budget.h"

#include <algorithm>

#include "monitor/sources/cadence.h"

namespace belay::monitor {

bool CallBudget::wait_for_turn(const std::stop_token& stop) {
  Clock::time_point turn;
  {
    const std::scoped_lock lock(mutex_);
    const Clock::time_point now = Clock::now();
    if (now < paused_until_) return false;
    turn = std::max(now, next_turn_);
    next_turn_ = turn + spacing_;
  }
  const auto pause = turn - Clock::now();
  if (pause > Clock::duration::zero() && !wait_for(pause, stop)) return false;
  return !stop.stop_requested() && !is_paused();
}

void CallBudget::pause(std::chrono::milliseconds lasts) {
  const std::scoped_lock lock(mutex_);
  paused_until_ = std::max(paused_until_, Clock::now() + lasts);
}

bool CallBudget::is_paused() const {
  const std::scoped_lock lock(mutex_);
  return Clock::now() < paused_until_;
}

}  // namespace belay::monitor
