#include "monitor/signals.h"

#include <ctime>

#include <pthread.h>

#include "base/check.h"

namespace belay::monitor {

Signals::Signals() {
  sigemptyset(&set_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set_, signal);
  BELAY_CHECK(pthread_sigmask(SIG_BLOCK, &set_, nullptr) == 0, "signals can be blocked");
}

std::optional<int> Signals::wait(std::chrono::milliseconds at_most) const {
  const auto whole = std::chrono::floor<std::chrono::seconds>(at_most);
  const timespec timeout{whole.count(), std::chrono::nanoseconds{at_most - whole}.count()};
  const int signal = sigtimedwait(&set_, nullptr, &timeout);
  return signal > 0 ? std::optional{signal} : std::nullopt;
}

}  // namespace belay::monitor
