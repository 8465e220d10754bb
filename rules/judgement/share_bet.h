#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace belay::rules {

/// What happened within one piece of a block: did the candidate have more than its share of what
/// went wrong? (docs/comparison.md)
struct Vote {
  /// The candidate's share of the bad events, and the largest that it is allowed, within (0, 1).
  struct Share {
    double seen = 0;
    double allowed = 0;
  };
  std::optional<Share> share;        ///< None: nothing was bad, or only one version was there.
  std::optional<double> difference;  ///< Mean excess of the candidate's rate; none as above.
};

/// Wealth of a gambler who bets, against fair odds, that the candidate is worse than allowed. Under
/// the null hypothesis (on every route the candidate's odds of a bad event are at most `rho` times
/// the baseline's at the same time) the chance that it ever reaches 1/alpha is at most alpha, at
/// any number of looks.
class ShareBet {
 public:
  static constexpr std::size_t kExperts = 6;

  explicit ShareBet(double rho) : rho_(rho) { weights_.fill(1.0 / kExperts); }

  void vote(const Vote& vote);
  /// A new step: what had paid off before may not now.
  void begin_step();

  [[nodiscard]] double log_wealth() const { return log_wealth_; }
  /// Of cash, share at .1, .4, .9, difference at .4, .9. Their sum is 1.
  [[nodiscard]] const std::array<double, kExperts>& weights() const { return weights_; }

 private:
  double rho_;
  double log_wealth_ = 0;
  std::array<double, kExperts> weights_{};
};

struct WeightedWealth {
  double log_wealth = 0;
  double weight = 0;
};
/// ln of the weighted mean. At least one weight must be above 0.
double log_mixture(std::span<const WeightedWealth> parts);

struct RateInterval {
  double low = 0;
  double high = 1;
};
/// Rates that `bad` of `total` do not speak against at 1/alpha to 1, at any number of looks.
RateInterval rate_interval(std::uint64_t bad, std::uint64_t total, double alpha);

}  // namespace belay::rules
