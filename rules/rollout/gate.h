#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/event.h"
#include "rules/judgement/condition.h"
#include "rules/judgement/judged_rule.h"
#include "rules/judgement/verdict.h"
#include "rules/service.h"
#include "rules/snapshot.h"

namespace belay::rules {

/// Whether a rule says something about the verdict of a gate. `alert` never does.
bool counts_for_verdict(const Rule& rule);

/// A gate on one service, while it runs: the rollout rules on the candidate, over evidence from
/// inside the gate only. Keeps no decision; see rollout.h.
///
/// A rule that was bad when the gate began neither acts nor fails it, until it has been fine within
/// the gate: only then has it got worse when it is bad again.
class Gate {
 public:
  /// `before`: the same rules on the whole service, as of now.
  Gate(const GateStarted& started, Instant now, Service& service, NameTable& names,
       const std::vector<JudgedRule>& before);

  [[nodiscard]] const std::string& candidate() const { return candidate_; }
  [[nodiscard]] const std::string& baseline() const { return baseline_; }
  [[nodiscard]] const Binding& binding() const { return binding_; }
  [[nodiscard]] Instant started() const { return started_; }
  [[nodiscard]] Instant ends() const { return ends_; }

  std::vector<JudgedRule>& rules() { return rules_; }
  [[nodiscard]] const std::vector<JudgedRule>& rules() const { return rules_; }

  /// Whether the baseline is just as bad at this moment, by the same sentence: then it is not the
  /// candidate's fault alone. Unknown if it cannot be said. `rule` is an index of rules().
  Judgement baseline_by(std::size_t rule, ServiceEvidence& evidence, Instant now);

  struct Verdict {
    Outcome outcome = Outcome::unknown;
    std::optional<UnknownKind> unknown;
    std::string why;
    const Rule* failed_by_unknown = nullptr;  ///< `else fail`.
  };
  /// What the gate would say if it ended now, no rule having failed it.
  [[nodiscard]] Verdict verdict(const std::vector<JudgedRule>& always, Instant now) const;

  void keep(WindowStore& windows) const;

 private:
  struct Blame {
    std::optional<BoundCondition> condition;  // None: the sentence compares by itself.
    std::vector<Evidence> told;
  };

  std::string candidate_;
  std::string baseline_;
  Instant started_;
  Instant ends_;
  Binding binding_;
  std::vector<JudgedRule> rules_;
  std::vector<Blame> blames_;
};

}  // namespace belay::rules
