#pragma once

#include <algorithm>
#include <cmath>

#include "base/time.h"

namespace belay {

/// How long to wait after this many failures in a row (1 after the first): `first`, doubled with
/// each further one, at most `max`; of that between a half and the whole, as `random`, from 0 to 1,
/// has it, so that many do not come back at the same moment.
inline Duration backoff(Duration first, Duration max, int failures_in_a_row, double random) {
  constexpr int kDoublingsMax = 30;
  const int doublings = std::clamp(failures_in_a_row - 1, 0, kDoublingsMax);
  const double whole = std::min(seconds(first) * std::exp2(doublings), seconds(max));
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(whole * (1.0 - random / 2)));
}

}  // namespace belay
