#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "rules/judgement/paired_evidence.h"

namespace belay::rules {

/// Failures of a candidate that gets too few requests for default/errors to know anything. They
/// roll nothing back, but nothing passes beside them; and where they are plainly too many, they
/// pause the rollout, so that a person is told once.
class FewFailures {
 public:
  /// What has failed so far in the step is forgotten; what was found stays until the next look().
  void begin_step();
  /// At every whole second, before anything is asked. `allowed`: the share of requests (0..1) that
  /// may fail. `is_blind`: the log cannot be trusted now, so that no pause begins.
  void look(const PairedEvidence& evidence, double allowed, bool is_blind);

  /// The candidate's newest requests are few, and too many of them failed.
  [[nodiscard]] bool hinders() const { return found_.total > 0; }
  /// They were plainly too many, and it is not over yet.
  [[nodiscard]] bool is_plain() const { return is_plain_; }
  /// Of that: the baseline's requests failed as well when it began.
  [[nodiscard]] bool is_shared() const { return is_shared_; }
  /// Of that: the baseline's do not fail now.
  [[nodiscard]] bool blames_candidate() const;
  /// "4 of the last 12 requests of v2 failed, and 0 of 40 of v1".
  [[nodiscard]] std::string words(const std::string& candidate, const std::string& baseline) const;

 private:
  using Sums = PairedEvidence::Sums;
  [[nodiscard]] Sums find(const PairedEvidence& evidence, double allowed) const;

  Sums found_;                                     // None where nothing hinders.
  Sums newest_;                                    // Of the candidate, in two minutes.
  Sums newest_of_baseline_;                        // As long.
  std::uint64_t errors_ = 0;                       // Of the candidate, in the step.
  std::uint64_t total_at_failure_ = 0;             // Its requests when the last one failed.
  std::optional<std::uint64_t> errors_when_over_;  // As many when the last pause ended.
  bool is_plain_ = false;
  bool is_shared_ = false;
};

}  // namespace belay::rules
