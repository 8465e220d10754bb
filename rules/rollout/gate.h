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

  /// Whose fault a rule that fires is, at this moment.
  enum class Fault : std::uint8_t {
    candidate,   ///< The baseline is fine by the same sentence.
    shared,      ///< The baseline is just as bad.
    unclear,     ///< Nothing is known of the baseline; but the candidate is bad, or it got worse.
    never_fine,  ///< Bad by evidence without a version (a probe, a queue), and never seen fine.
  };
  /// `rule` is an index of rules(). Evidence without a version blames no version: not the baseline,
  /// and the candidate only if it was fine before the gate, or since.
  Fault fault_by(std::size_t rule, ServiceEvidence& evidence, Instant now);
  /// After each check of the rules.
  void note_fine();

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
  /// The sentence on evidence that names one version.
  struct Blamed {
    Blamed(const Sentence& sentence, const Binding& binding, ServiceEvidence& evidence,
           Instant now);
    BoundCondition condition;
    std::vector<Evidence> told;
  };
  struct Blame {
    std::optional<Blamed> candidate;  // Only if the sentence may take evidence without a version.
    std::optional<Blamed> baseline;   // None as well if the sentence compares by itself.
    bool was_fine = false;
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
