#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "rules/judgement/condition.h"
#include "rules/judgement/judged_rule.h"
#include "rules/judgement/service_evidence.h"
#include "rules/judgement/verdict.h"

namespace belay::rules {

/// Whether one rule that is bad in a gate speaks against the candidate. Two things excuse it, each
/// until a person with the numbers before him would say otherwise (docs/adr/0003-blame.md):
///
/// - It was bad when the rollout began. It counts again once it was fine in the gate, or once it
///   got worse: a share, a quantile or a mean is at least twice what it was then, or a comparison
///   of the sentence that was fine then is bad.
/// - The baseline is bad by the same sentence at the same time, and the candidate's share, quantile
///   or mean is less than twice the baseline's. Once held, it is let go when the baseline has been
///   fine for a whole window.
///
/// And nobody is blamed by evidence that names no version (a probe that is not aimed, a queue)
/// unless it was seen fine before, right before the gate or in it.
///
/// "At least twice" needs `min` samples on both (20 without a `min`), at every check for the rule's
/// own `for`, and for ten seconds at least.
class Blame {
 public:
  /// The service just before the rollout, by one rule.
  struct Before {
    std::optional<std::vector<Evidence>> bad;  ///< What it was judged on; none if it was not bad.
    bool was_fine = false;
  };
  /// How the sentence is asked of each version by itself. None: not asked.
  struct Versions {
    std::optional<Binding> candidate;
    std::optional<Binding> baseline;
  };
  Blame(const JudgedRule& rule, Before before, const Versions& versions, ServiceEvidence& evidence,
        Instant now);

  /// After the rule was judged, at a whole second (`is_check`) or between two. Takes the mark "bad
  /// before" off the rule when it counts again.
  void look(JudgedRule& rule, ServiceEvidence& evidence, Instant now, bool is_check);

  enum class Fault : std::uint8_t {
    candidate,
    shared,      ///< The baseline is as bad.
    never_fine,  ///< Bad by evidence without a version, and never seen fine.
  };
  /// As of the last look.
  [[nodiscard]] Fault fault() const;
  [[nodiscard]] const std::vector<Evidence>& baseline_evidence() const { return told_; }
  /// Whatever the candidate is, which may not be known.
  [[nodiscard]] bool is_baseline_bad() const { return is_baseline_bad_; }
  /// Since when both versions have been bad, if the baseline, or the service just before the
  /// rollout, was seen fine.
  [[nodiscard]] std::optional<Instant> both_bad_since(const JudgedRule& rule) const;
  [[nodiscard]] const Before& before() const { return before_; }
  void keep(WindowStore& windows) const;

 private:
  void look_back(JudgedRule& rule, Instant now);
  void look_beside(const JudgedRule& rule, ServiceEvidence& evidence, Instant now, bool is_check);

  Duration twice_for_;  // How long "at least twice" must last.
  Duration fine_for_;   // How long the baseline must be fine.
  Before before_;
  std::optional<Instant> worse_since_;
  std::optional<BoundCondition> candidate_;  // Only if evidence without a version may count.
  std::vector<Evidence> told_of_candidate_;
  bool is_candidate_bad_ = false;  // By evidence that names it.
  std::optional<BoundCondition> baseline_;
  std::vector<Evidence> told_;
  std::optional<Instant> apart_since_;
  std::optional<Instant> baseline_fine_since_;
  std::optional<Instant> baseline_bad_since_;
  bool is_baseline_bad_ = false;    // At the last check; false also where that is not known.
  bool was_baseline_fine_ = false;  // Or the service was, just before the rollout.
  bool is_shared_ = false;
};

}  // namespace belay::rules
