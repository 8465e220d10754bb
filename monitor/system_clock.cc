#include "monitor/system_clock.h"

#include <algorithm>
#include <ctime>

#include "base/check.h"

namespace belay::monitor {
namespace {

constexpr std::int64_t kAdjustEveryNs = 100'000'000;
// A thread that was not scheduled for long must not make up for all of it in one leap.
constexpr std::int64_t kAdjustedAtOnceNs = 1'000'000'000;

std::int64_t read_ns(clockid_t clock) {
  timespec time{};
  BELAY_CHECK(clock_gettime(clock, &time) == 0, "a clock that every Linux has");
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

Instant wall() { return Instant{Duration{read_ns(CLOCK_REALTIME)}}; }
Duration boot() { return Duration{read_ns(CLOCK_BOOTTIME)}; }

}  // namespace

SlewedTime::SlewedTime(Instant wall, Duration boot)
    : offset_ns_((wall.time_since_epoch() - boot).count()),
      adjusted_at_ns_(boot.count()),
      newest_ns_(wall.time_since_epoch().count()) {}

Instant SlewedTime::at(Duration boot, Instant wall) {
  const std::int64_t now = boot.count();
  std::int64_t last = adjusted_at_ns_.load();
  if (now - last >= kAdjustEveryNs && adjusted_at_ns_.compare_exchange_strong(last, now)) {
    const std::int64_t behind = wall.time_since_epoch().count() - (now + offset_ns_.load());
    const std::int64_t most = std::min(now - last, kAdjustedAtOnceNs) / kSlewDivisor;
    offset_ns_ += std::clamp(behind, -most, most);
  }
  const std::int64_t answer = now + offset_ns_.load();
  std::int64_t newest = newest_ns_.load();
  while (newest < answer && !newest_ns_.compare_exchange_weak(newest, answer)) {
  }
  return Instant{Duration{std::max(newest, answer)}};
}

Duration SlewedTime::ahead(Duration boot, Instant wall) {
  const Duration ahead = at(boot, wall) - wall;
  if (std::chrono::abs(ahead) < std::chrono::seconds{1}) return Duration::zero();
  return std::chrono::round<std::chrono::seconds>(ahead);
}

SystemClock::SystemClock() : time_(wall(), boot()) {}

Instant SystemClock::now() const { return time_.at(boot(), wall()); }

Duration SystemClock::ahead_of_wall() const { return time_.ahead(boot(), wall()); }

}  // namespace belay::monitor
