#include "rules/judgement/chance.h"

#include <algorithm>
#include <cmath>

namespace belay::rules {

double chance_of_at_most(std::uint64_t most, double expected) {
  double one = std::exp(-expected);
  double sum = one;
  for (std::uint64_t k = 1; k <= most; ++k) {
    one *= expected / static_cast<double>(k);
    sum += one;
  }
  return sum;
}

double chance_of_at_least(std::uint64_t least, std::uint64_t all, double share) {
  const auto n = static_cast<double>(all);
  double sum = 0;
  for (std::uint64_t k = least; k <= all; ++k) {
    const auto hits = static_cast<double>(k);
    const double one =
        std::exp(std::lgamma(n + 1) - std::lgamma(hits + 1) - std::lgamma(n - hits + 1) +
                 hits * std::log(share) + (n - hits) * std::log1p(-share));
    sum += one;
    // Behind the mean each is less than the one before it.
    if (hits > n * share && one < 1e-15) break;
  }
  return std::min(sum, 1.0);
}

}  // namespace belay::rules
