#include "rules/judgement/share_bet.h"

#include <algorithm>
#include <cmath>

namespace belay::rules {
namespace {

constexpr std::array kShareStakes = {0.1, 0.4, 0.9};
constexpr std::array kDifferenceStakes = {0.4, 0.9};
/// Moved to all experts alike after each vote, so that a late regression is still caught.
constexpr double kMixedPerVote = 1.0 / 600;
constexpr double kMixedPerStep = 0.1;

/// ln of the gamma function, x >= 1/2: Stirling's series from 16 on, where its first eight terms
/// are good to the last digit. The library's own one writes to a global.
double log_gamma(double x) {
  double product = 1;
  while (x < 16) product *= x++;
  constexpr std::array kTerms = {1.0 / 12,   -1.0 / 360,        1.0 / 1260, -1.0 / 1680,
                                 1.0 / 1188, -691.0 / 360360.0, 1.0 / 156,  -3617.0 / 122400};
  const double square = x * x;
  double power = x;
  double sum = 0;
  for (const double term : kTerms) {
    sum += term / power;
    power *= square;
  }
  constexpr double kHalfLogTwoPi = 0.91893853320467274178;
  return (x - 0.5) * std::log(x) - x + kHalfLogTwoPi + sum - std::log(product);
}

double times_log(double count, double rate) { return count == 0 ? 0 : count * std::log(rate); }

/// Where `is_inside` changes between the two ends.
template <typename Test>
double edge(double inside, double outside, Test is_inside) {
  constexpr int kHalvings = 200;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (inside + outside) / 2;
    if (middle == inside || middle == outside) break;
    (is_inside(middle) ? inside : outside) = middle;
  }
  return inside;
}

}  // namespace

void ShareBet::vote(const Vote& vote) {
  std::array<double, kExperts> factor{};
  factor.fill(1);
  std::size_t expert = 1;
  const double excess =
      vote.share ? (vote.share->seen - vote.share->allowed) / vote.share->allowed : 0;
  for (const double stake : kShareStakes) factor[expert++] += stake * excess;
  const double difference = vote.difference.value_or(0) / rho_;
  for (const double stake : kDifferenceStakes) factor[expert++] += stake * difference;
  double sum = 0;
  for (std::size_t i = 0; i < kExperts; ++i) sum += weights_[i] * factor[i];
  log_wealth_ += std::log(sum);
  for (std::size_t i = 0; i < kExperts; ++i)
    weights_[i] = (1 - kMixedPerVote) * weights_[i] * factor[i] / sum + kMixedPerVote / kExperts;
}

void ShareBet::begin_step() {
  for (double& weight : weights_) weight = (1 - kMixedPerStep) * weight + kMixedPerStep / kExperts;
}

double log_mixture(std::span<const WeightedWealth> parts) {
  const auto log_of = [](const WeightedWealth& part) {
    return part.log_wealth + std::log(part.weight);
  };
  double largest = log_of(parts.front());
  for (const WeightedWealth& part : parts) largest = std::max(largest, log_of(part));
  double sum = 0;
  for (const WeightedWealth& part : parts) sum += std::exp(log_of(part) - largest);
  return largest + std::log(sum);
}

RateInterval rate_interval(std::uint64_t bad, std::uint64_t total, double alpha) {
  if (total == 0) return {};
  const double k = static_cast<double>(bad);
  const double others = static_cast<double>(total - bad);
  const double n = static_cast<double>(total);
  constexpr double kLogPi = 1.14472988584940017414;
  const double log_mixed = log_gamma(k + 0.5) + log_gamma(others + 0.5) - log_gamma(n + 1) - kLogPi;
  const double log_limit = -std::log(alpha);
  const auto is_possible = [&](double rate) {
    return log_mixed - times_log(k, rate) - times_log(others, 1 - rate) < log_limit;
  };
  const double rate = k / n;
  return {.low = bad == 0 ? 0 : edge(rate, 0, is_possible),
          .high = bad == total ? 1 : edge(rate, 1, is_possible)};
}

}  // namespace belay::rules
