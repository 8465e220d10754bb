#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/event.h"
#include "rules/judgement/judged_rule.h"
#include "rules/judgement/verdict.h"
#include "rules/order.h"
#include "rules/plan.h"
#include "rules/rollout/blame.h"
#include "rules/service.h"
#include "rules/snapshot.h"

namespace belay::rules {

/// Whether a rule says something about the verdict of a gate. `alert` never does.
bool counts_for_verdict(const Rule& rule);

/// "beware: shop-slow looks back 5m, and this lasts 1m30s: ...", where a rule that counts cannot be
/// fine within a gate of that length, so that it cannot pass; else empty.
std::string beware_of_short_gate(const ServicePlan& plan, Duration lasts);

/// A gate on one service, while it runs: the rollout rules on the candidate, over evidence from
/// inside the gate only, and the service's paired evidence. Keeps no decision; see rollout.h.
///
/// A rule that was bad when the rollout began neither acts nor fails it until it counts again
/// (blame.h). The rollout began when the candidate came, if that was before the gate: what turned
/// bad between the two did so under the candidate. A version that was there before and comes back
/// came anew.
class Gate {
 public:
  /// Marks the service's always-judged rules that were bad before. `before`: rules_before(), or
  /// as before() told it last.
  Gate(const RolloutStarted& started, Instant now, Service& service, NameTable& names,
       const std::vector<RuleBefore>& before);

  [[nodiscard]] const std::string& candidate() const { return candidate_; }
  [[nodiscard]] const std::string& baseline() const { return baseline_; }
  [[nodiscard]] const Binding& binding() const { return binding_; }
  [[nodiscard]] Instant started() const { return started_; }

  std::vector<JudgedRule>& rules() { return rules_; }
  [[nodiscard]] const std::vector<JudgedRule>& rules() const { return rules_; }

  /// Of rules()[rule], and of the service's always[rule].
  Blame& blame_of(std::size_t rule) { return blames_[rule]; }
  Blame& blame_of_always(std::size_t rule) { return blames_of_always_[rule]; }
  [[nodiscard]] const Blame& blame_of(std::size_t rule) const { return blames_[rule]; }
  [[nodiscard]] const Blame& blame_of_always(std::size_t rule) const {
    return blames_of_always_[rule];
  }

  /// How its rules, and the always-judged ones, stood before the rollout: those bad ones that still
  /// do not count, and those that were fine then or have been since.
  [[nodiscard]] std::vector<RuleBefore> before(const std::vector<JudgedRule>& always) const;

  struct Verdict {
    Outcome outcome = Outcome::unknown;
    std::optional<UnknownKind> unknown;
    std::string why;
    const Rule* failed_by_unknown = nullptr;  ///< `else fail`.
    bool has_no_rules = false;                ///< None that counts.
  };
  /// What the gate would say if it ended now, no rule having failed it.
  /// Windows must lie after `since`: within the step.
  [[nodiscard]] Verdict verdict(const std::vector<JudgedRule>& always, Instant now,
                                Instant since) const;

  /// Why one rule, told by this name, does not let it pass now; nothing if it does. `looks_back`:
  /// its windows are not of the gate, and must be no longer than `inside`.
  static std::optional<Verdict> hindrance(const JudgedRule& rule, const std::string& name,
                                          const Blame& blame, bool looks_back, Duration inside);
  /// Another reason not to pass.
  static void add(Verdict& verdict, const Verdict& hindrance);

  void keep(WindowStore& windows) const;

 private:
  void add_rules(Service& service, Instant now, const std::vector<RuleBefore>& before);

  std::string candidate_;
  std::string baseline_;
  Instant started_;
  Binding binding_;
  std::vector<JudgedRule> rules_;
  std::vector<Blame> blames_;
  std::vector<Blame> blames_of_always_;
};

}  // namespace belay::rules
