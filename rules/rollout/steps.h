#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace belay::rules {

/// One step of a rollout: this share of the traffic, watched for this long.
struct RolloutStep {
  double percent = 100;  ///< Of the candidate; above 0, at most 100.
  Duration bake{};       ///< Zero: passes as soon as the traffic is there.
  /// The hard maximum, from the step's beginning: what is not known by then holds and pages.
  Duration bake_max{};
  std::uint32_t samples_min = 50;  ///< Requests of the candidate; STATISTICS.md 3, low traffic.
  bool after_approval = false;     ///< Begins only when a person says so.
  bool operator==(const RolloutStep&) const = default;
};

/// The hard maximum of a step that names none, in bake times.
inline constexpr int kBakeMaxTimes = 3;

/// "10% for 10m, 50% for 10m max 1h min 200, 95% for 10m, 100% after approval". The shares never
/// fall; only the last step may do without a bake time. The error names the step and what is wrong
/// with it.
Result<std::vector<RolloutStep>> parse_steps(std::string_view text);

/// As parse_steps() reads it; what is the default is left out.
std::string steps_text(const std::vector<RolloutStep>& steps);

/// Of a rollout whose user wrote none. Its last baking step keeps 5 % on the baseline
/// (STATISTICS.md 3, hold back).
std::vector<RolloutStep> default_steps();

/// The shortest bake time of the plan; zero if none of its steps bakes.
Duration shortest_bake(const std::vector<RolloutStep>& steps);
/// So much of a step must lie behind its warm-up where the default judgement judges, or all of its
/// bake: the window of default/errors.
inline constexpr Duration kJudgedAfterWarmUp = std::chrono::seconds{30};

}  // namespace belay::rules
