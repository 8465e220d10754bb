#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "rules/judgement/recent_failures.h"

namespace belay::rules {

/// One or two are a hiccup.
inline constexpr std::uint64_t kStrayFailuresMin = 3;
/// Whether so many that failed are about as many as usually: what came before goes up and down by
/// itself.
bool are_about_usual(std::uint64_t failed, double usual);

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
    (is_named ? named_ : nameless_).seen.add(at, requests, are_failing);
  }

  /// The candidate's requests that name it.
  struct Counted {
    std::uint64_t in_step = 0;
    std::uint64_t lately = 0;  ///< In the two minutes before `as_of`.
    Instant as_of{};           ///< What came of late is looked for before this.
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
  struct Kind {
    FailuresSeen seen;  // In the step.
    std::optional<double> usual = std::nullopt;
  };
  static bool are_usual(const Kind& kind, const Sums& sums, Duration over);
  /// How many are not usual, of the step or of late.
  [[nodiscard]] std::uint64_t unusual(bool are_recent, Instant until) const;

  Duration warm_up_{};
  Instant since_;
  Kind nameless_;  // Since then.
  Kind named_;
};

}  // namespace belay::rules
