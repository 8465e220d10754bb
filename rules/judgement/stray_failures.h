#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "rules/judgement/recent_failures.h"

namespace belay::rules {

/// Requests of a service that name neither version of its rollout: no version, or another. A proxy
/// in front of a candidate that crashes logs its failures so, and nobody knows whose they are.
class StrayFailures {
 public:
  explicit StrayFailures(Instant start) : since_(start) {}

  /// Of those that name no version, and of those that name another: what these were used to may be
  /// the doing of a version that is gone. So many failed a second.
  struct Usual {
    double nameless = 0;
    double named = 0;
  };
  /// As it begins. No `usual`: nobody knows. `warm_up`: of each step, in which a switch of the
  /// traffic breaks connections.
  void begin(const std::optional<Usual>& usual, Duration warm_up);
  void begin_step(Instant at);
  void add(Instant at, bool is_named, std::uint64_t requests, bool are_failing) {
    if (at < since_) return;
    Seen& seen = is_named ? named_ : nameless_;
    seen.sums.requests += requests;
    if (are_failing) seen.sums.failed += requests;
    seen.recent.add(at, requests, are_failing);
  }

  /// The candidate's requests that name it.
  struct Counted {
    std::uint64_t in_step = 0;
    std::uint64_t lately = 0;  ///< In the two minutes before `as_of`: so far the log is complete.
    Instant as_of{};
  };
  /// Why nobody knows how the candidate is: those that failed, in this step or lately, are plainly
  /// more than before, or, if nobody knows how many those were, half of all that name neither; and
  /// if they were the candidate's, more of its requests would have failed than may. `allowed`: the
  /// share of them that may fail (0..1).
  [[nodiscard]] std::optional<std::string> doubt(const std::string& candidate,
                                                 const Counted& counted, double allowed,
                                                 Instant now) const;

 private:
  using Sums = RecentFailures::Sums;
  struct Seen {
    Sums sums;  // Of the step.
    RecentFailures recent;
    std::optional<double> usual = std::nullopt;
  };
  static bool are_usual(const Seen& seen, const Sums& sums, Duration over);
  /// How many are not usual, of those within `over`.
  [[nodiscard]] std::uint64_t unusual(bool are_recent, Instant until) const;

  Duration warm_up_{};
  Instant since_;
  Seen nameless_;  // Since then.
  Seen named_;
};

}  // namespace belay::rules
