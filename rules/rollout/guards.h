#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "rules/judgement/judged_rule.h"
#include "rules/judgement/names.h"
#include "rules/rollout/blame.h"
#include "rules/service.h"

namespace belay::rules {

class Rollout;

/// A caller of a service: while that rolls out, the caller's rules count for it as well.
struct Guard {
  std::string name;
  Service* service = nullptr;  ///< Null: there is no such service.
  const Rollout* rollout = nullptr;
};

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
  /// What `guards` point to outlives it. `candidate`, of `callee`, began when it came.
  Guards(std::vector<Guard> guards, const Service& callee, NameId candidate, Instant watched_since,
         Instant now);

  /// At a whole second (`is_check`) or between two.
  void look(Instant now, bool is_check);

  std::vector<Watched>& rules() { return rules_; }
  [[nodiscard]] const std::vector<Watched>& rules() const { return rules_; }
  /// Guards that are no service of the plan.
  [[nodiscard]] const std::vector<std::string>& missing() const { return missing_; }

 private:
  std::vector<Guard> guards_;
  std::vector<Watched> rules_;
  std::vector<std::string> missing_;
};

/// How an action calls a guard's rule: "gateway:errors". No name of a rule has a colon.
std::string name_of_guarding(const std::string& guard, const std::string& rule);

}  // namespace belay::rules
