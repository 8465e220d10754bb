#pragma once

#include <chrono>

#include "base/time.h"

namespace belay::rules {

/// What the default judgement of a rollout holds a candidate to: `limits:` of a rollout.
struct RolloutLimits {
  double error_rate = 0.05;  ///< The user's error rule; within (0, 1).
  /// The user's latency rule: more than one in twenty requests (p95) above this.
  Duration latency = std::chrono::milliseconds{250};
  bool judges_latency = true;  ///< Not by `p95 latency: off`, nor in the comparison.
  /// Of the comparison: how often it may blame a candidate that is not worse. Within (0, 0.1].
  double alpha = 0.01;
  /// A queue deeper than this for so long, and deeper than before the rollout, pauses it.
  double queue_depth = 1000;
  Duration queue_for = std::chrono::minutes{2};
  bool operator==(const RolloutLimits&) const = default;
};

}  // namespace belay::rules
