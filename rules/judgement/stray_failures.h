#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"

namespace belay::rules {

/// Failed requests of a service that name neither version of its rollout: no version, or another. A
/// proxy in front of a candidate that crashes logs them so, and nobody knows whose they are.
class StrayFailures {
 public:
  explicit StrayFailures(Instant start) : since_(start) {}

  /// So many came a second before the rollout; 0 where nobody knows.
  void expect(double per_second) { usual_ = per_second; }
  void add(std::uint64_t count) { in_step_ += count; }
  void begin_step(Instant at) {
    in_step_ = 0;
    since_ = at;
  }

  /// Why nobody knows how the candidate is: they are plainly more than came before, and if they
  /// were the candidate's, more of its requests in this step would have failed than may. `counted`:
  /// its requests that name it; `allowed`: the share of them that may fail (0..1).
  [[nodiscard]] std::optional<std::string> doubt(const std::string& candidate,
                                                 std::uint64_t counted, double allowed,
                                                 Instant now) const;

 private:
  double usual_ = 0;
  std::uint64_t in_step_ = 0;
  Instant since_;
};

}  // namespace belay::rules
