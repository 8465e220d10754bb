#include "rules/language/false_alarms.h"

#include <algorithm>
#include <cmath>

namespace belay::rules {
namespace {

constexpr double kAcceptable = 0.01;
constexpr std::uint32_t kSamplesMax = 1'000'000;

/// ln k! without lgamma, which writes a global (signgam). Stirling's series is exact to 1e-12 from
/// 20 on.
double log_factorial(double k) {
  double shift = 0;
  double x = k + 1;
  for (; x < 20; x += 1) shift += std::log(x);
  const double inverse = 1 / x;
  const double square = inverse * inverse;
  const double series = inverse * (1. / 12 - square * (1. / 360 - square / 1260));
  return (x - 0.5) * std::log(x) - x + 0.91893853320467274 + series - shift;
}

}  // namespace

double chance_of_at_least(std::uint64_t least, std::uint64_t all, double share) {
  const auto n = static_cast<double>(all);
  auto k = static_cast<double>(least);
  if (k > n) return 0;
  const double ratio = share / (1 - share);
  double term = std::exp(log_factorial(n) - log_factorial(k) - log_factorial(n - k) +
                         k * std::log(share) + (n - k) * std::log1p(-share));
  double sum = 0;
  for (; k <= n && term > 1e-18; k += 1) {
    sum += term;
    term *= (n - k) / (k + 1) * ratio;
  }
  return std::min(sum, 1.0);
}

double chance_above(std::uint32_t n, double p, double threshold) {
  if (p <= 0) return 0;
  if (p >= 1) return 1;
  // n * threshold is a whole number up to rounding: 0.05 * 20 must be 1.
  const auto most = static_cast<std::uint64_t>(std::floor(n * threshold + 1e-9));
  return chance_of_at_least(most + 1, n, p);
}

FalseAlarmRisk risk_without_floor(double threshold) {
  FalseAlarmRisk out;
  const double healthy = threshold / 2;
  out.chance = chance_above(kQuietWindowSamples, healthy, threshold);
  for (std::uint32_t decade = 10; decade <= kSamplesMax; decade *= 10) {
    for (const std::uint32_t step : {2U, 5U, 10U}) {
      const std::uint32_t samples = decade * step;
      if (samples > kSamplesMax) return out;
      if (chance_above(samples, healthy, threshold) > kAcceptable) continue;
      out.samples_min = samples;
      return out;
    }
  }
  return out;
}

}  // namespace belay::rules
