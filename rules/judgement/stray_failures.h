#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"

namespace belay::rules {

/// Requests of a service that name neither version of its rollout: no version, or another. A proxy
/// in front of a candidate that crashes logs its failures so, and nobody knows whose they are.
class StrayFailures {
 public:
  explicit StrayFailures(Instant start) : since_(start) {}

  /// As it begins. `usual`: so many failed a second before; nothing where nobody knows. `warm_up`:
  /// of each step, in which a switch of the traffic breaks connections.
  void begin(std::optional<double> usual, Duration warm_up);
  void begin_step(Instant at);
  void add(Instant at, std::uint64_t requests, bool are_failing) {
    if (at < since_) return;
    requests_ += requests;
    if (are_failing) failed_ += requests;
  }

  /// Why nobody knows how the candidate is: those that failed are plainly more than before, or, if
  /// nobody knows how many those were, half of all that name neither; and if they were the
  /// candidate's, more of its requests in this step would have failed than may. `counted`: its
  /// requests that name it; `allowed`: the share of them that may fail (0..1).
  [[nodiscard]] std::optional<std::string> doubt(const std::string& candidate,
                                                 std::uint64_t counted, double allowed,
                                                 Instant now) const;

 private:
  [[nodiscard]] bool are_usual(Instant now) const;

  std::optional<double> usual_;
  Duration warm_up_{};
  Instant since_;
  std::uint64_t requests_ = 0;  // Since then.
  std::uint64_t failed_ = 0;    // Of them.
};

}  // namespace belay::rules
