#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/judgement/condition.h"
#include "rules/judgement/hold.h"
#include "rules/judgement/service_evidence.h"
#include "rules/judgement/verdict.h"
#include "rules/language/rule.h"

namespace belay::rules {

/// One rule on one service and one binding, with its memory. The rule must outlive it.
class JudgedRule {
 public:
  JudgedRule(const Rule& rule, const std::string& service, const Binding& binding,
             ServiceEvidence& evidence, Instant now);

  /// A check: a whole second of engine time, each given once, in order.
  Hold::Change check(ServiceEvidence& evidence, Instant now);
  /// Between checks, for rules that fire at once; the others wait.
  Hold::Change glance(ServiceEvidence& evidence, Instant now);

  [[nodiscard]] const Rule& rule() const { return *rule_; }
  [[nodiscard]] const RuleStatus& status() const { return status_; }
  [[nodiscard]] bool is_firing() const { return status_.firing; }
  /// Evidence from before it does not count for this rule.
  [[nodiscard]] Instant since() const { return since_; }
  /// Takes over the memory of the same rule, bound elsewhere: what lasts, and whether it fires.
  void go_on_from(const JudgedRule& before);
  [[nodiscard]] Duration longest_window() const { return condition_.longest_window(); }
  void mark_bad_before(bool is_bad) { status_.was_bad_before = is_bad; }
  /// Said beside one comparison from now on, before what its judging says; empty: no more.
  void note(std::size_t comparison, const std::string& text);
  void keep(WindowStore& windows) const { condition_.keep(windows); }

 private:
  void judge(ServiceEvidence& evidence, Instant now);
  void copy_hold();

  const Rule* rule_;
  Instant since_;
  BoundCondition condition_;
  Hold hold_;
  RuleStatus status_;
  std::vector<std::string> notes_;  // By comparison; of note().
};

}  // namespace belay::rules
