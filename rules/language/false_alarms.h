#pragma once

#include <cstdint>
#include <optional>

namespace belay::rules {

/// The chance that a rule without `min` is bad on a healthy service, by the binomial distribution.
///
/// "share > T" is bad when k of n events count and k > n T. Healthy is taken to mean a true share
/// of T/2, half way to the threshold, with independent events: k ~ Bin(n, T/2). Without a floor, n
/// can be anything; n = 10 stands for a quiet window. The chance is P(k > n T) = sum over k > nT of
/// C(n,k) p^k (1-p)^(n-k). T = 5 %, n = 10: 1 - 0.975^10 = 22 %. "pQ > T" is judged as "more than
/// 1-Q are above T": the same with 1-Q. "share < T" is "the complement > 1-T".
inline constexpr std::uint32_t kQuietWindowSamples = 10;

struct FalseAlarmRisk {
  double chance = 0;  ///< In a window of kQuietWindowSamples.
  /// The smallest of 20, 50, 100, 200, ... up to 1,000,000 that brings it to 1 % or less.
  std::optional<std::uint32_t> samples_min;
};

/// `threshold` in (0, 1), as a share that is bad when exceeded.
FalseAlarmRisk risk_without_floor(double threshold);

/// How probable it is that `least` or more of `all` independent events are of a kind that each is
/// with `share` (0..1, both excluded): 0..1.
double chance_of_at_least(std::uint64_t least, std::uint64_t all, double share);

/// P(k > n * threshold) for k ~ Bin(n, p).
double chance_above(std::uint32_t n, double p, double threshold);

}  // namespace belay::rules
