#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "rules/judgement/judged_rule.h"
#include "rules/order.h"
#include "rules/rollout/blame.h"
#include "rules/rollout/guard.h"

namespace belay::rules {

/// The rules of a service's guards while it rolls out, each judged by its guard's own evidence,
/// whichever version it comes from: those that are always judged, and those of its rollouts that
/// do not compare with a baseline.
///
/// A rule that was bad when the rollout began blames nobody until it has been fine, or is clearly
/// worse (blame.h); one that was never seen fine is no evidence of a change either.
class Guards {
 public:
  /// One rule of one guard.
  struct Watched {
    const Guard* guard = nullptr;
    JudgedRule rule;
    Blame blame;
    bool was_fine = false;    ///< Seen fine, before the rollout or in it.
    bool is_settled = false;  ///< Decided on, until it clears.
    bool is_held = false;     ///< The guard rolls out itself: nobody can say whose fault it is.
    /// Other services that it calls may have done it as well: which, in words; empty: none.
    std::string shared_by = {};
  };
  /// What `guards` point to outlives it. `before`: as the gate's (gate.h).
  Guards(std::vector<Guard> guards, const std::vector<RuleBefore>& before, Instant now);

  /// At a whole second (`is_check`) or between two.
  void look(Instant now, bool is_check);
  /// Those that were bad before the rollout and still do not count, as Gate::before() tells them;
  /// the others are unknown.
  [[nodiscard]] std::vector<RuleBefore> before() const;

  std::vector<Watched>& rules() { return rules_; }
  [[nodiscard]] const std::vector<Watched>& rules() const { return rules_; }
  /// Guards that are no service of the plan.
  [[nodiscard]] const std::vector<std::string>& missing() const { return missing_; }

 private:
  std::vector<Guard> guards_;
  std::vector<Watched> rules_;
  std::vector<std::string> missing_;
};

}  // namespace belay::rules
