#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "rules/judgement/evidence_blocks.h"
#include "rules/windows/histogram.h"

namespace belay::rules {

/// The quantiles of the baseline's latencies beyond which a request counts as slow.
inline constexpr std::array kSlowQuantiles = {0.5, 0.9, 0.99};

/// What "slow" means on each route: for the baseline above its own running quantile, for the
/// candidate above `factor` times that. Limits are bounds of histogram buckets, so that a second of
/// requests that was counted elsewhere says exactly what its requests would have said one by one;
/// the baseline's is one of those next to its quantile, the candidate's the first one at or above
/// the product.
///
/// The running quantile is that of the last 10,000 to 20,000 requests or so; only what came before
/// the latest refresh() counts.
class SlowLimits {
 public:
  explicit SlowLimits(double factor) : factor_(factor) {}

  /// Baseline requests of a route.
  void learn(std::uint32_t route, BucketId latency_us, std::uint32_t count);
  void refresh();

  /// The first bucket that is slow; kNever while too few requests were seen.
  static constexpr std::uint32_t kNever = 65536;
  [[nodiscard]] std::uint32_t slow_from(std::uint32_t route, std::size_t quantile,
                                        Role role) const {
    if (route >= routes_.size()) return kNever;
    return routes_[route].slow_from[quantile][static_cast<std::size_t>(role)];
  }

 private:
  struct Route {
    Route() {
      for (auto& of_quantile : slow_from) of_quantile.fill(kNever);
    }
    Histogram seen;
    std::array<std::array<std::uint32_t, kRoles>, kSlowQuantiles.size()> slow_from{};
    bool has_news = false;
  };
  double factor_;
  std::vector<Route> routes_;
};

}  // namespace belay::rules
