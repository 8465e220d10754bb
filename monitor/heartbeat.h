#pragma once

#include <functional>
#include <stop_token>
#include <thread>

#include "base/secret.h"
#include "base/time.h"

namespace belay::monitor {

/// Calls an address again and again while Belay works, so that someone else notices when it does
/// not: silence means trouble. What keeps a beat from arriving goes to the log.
class Heartbeat {
 public:
  /// Begins at once, on a thread of its own; `is_alive` is asked there before each beat.
  Heartbeat(Secret url, Duration every, std::function<bool()> is_alive);

 private:
  void beat(const std::stop_token& stop) const;

  const Secret url_;
  const Duration every_;
  const std::function<bool()> is_alive_;
  std::jthread thread_;  // Last: it uses all of the above, and stops first.
};

}  // namespace belay::monitor
