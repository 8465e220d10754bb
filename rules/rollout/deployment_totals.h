#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "base/time.h"
#include "rules/judgement/verdict.h"
#include "rules/rollout/rollout_state.h"

namespace belay::rules {

/// From a commit to its promotion, in seconds: ten minutes to a month; the last bucket is +Inf.
inline constexpr std::array kLeadTimeBounds = {600.0,    1'800.0,   3'600.0,   14'400.0,   43'200.0,
                                               86'400.0, 259'200.0, 604'800.0, 2'592'000.0};
/// From the first sign of a failure to a verified recovery, in seconds: half a minute to a day.
inline constexpr std::array kRecoveryBounds = {30.0,    60.0,    120.0,    300.0,   600.0,
                                               1'800.0, 3'600.0, 14'400.0, 86'400.0};

/// How long something took, each time that it was known. Counts are not cumulative.
template <std::size_t Bounds>
struct DurationTotals {
  std::array<std::uint64_t, Bounds + 1> buckets{};
  double sum_seconds = 0;

  void add(Duration duration, std::span<const double, Bounds> bounds) {
    const double took = seconds(duration);
    std::size_t bucket = 0;
    while (bucket < Bounds && took > bounds[bucket]) ++bucket;
    ++buckets[bucket];
    sum_seconds += took;
  }
  bool operator==(const DurationTotals&) const = default;
};

/// A rollout that is over, as far as the four measures of delivery (DORA) ask.
struct EndedRollout {
  RolloutState state{};  ///< Final.
  Outcome verdict = Outcome::unknown;
  Instant ended{};
  std::optional<Instant> committed_at;
  std::optional<Instant> failing_since;
};

/// The rollouts of one service that ended, ever.
struct DeploymentTotals {
  /// By how they ended and what they were found to be: deployment frequency and change failure
  /// rate.
  std::map<std::pair<RolloutState, Outcome>, std::uint64_t> ended;
  DurationTotals<kLeadTimeBounds.size()> lead_time;  ///< Of promoted ones whose commit has a time.
  DurationTotals<kRecoveryBounds.size()> recovery;   ///< Of recovered ones.

  /// A commit from after its promotion has no lead time: somebody's clock is wrong.
  void add(const EndedRollout& rollout);
  bool operator==(const DeploymentTotals&) const = default;
};

}  // namespace belay::rules
