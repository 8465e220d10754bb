#include "rules/judgement/chance.h"

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

}  // namespace belay::rules
