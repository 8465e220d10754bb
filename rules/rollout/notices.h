#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/engine.h"
#include "rules/judgement/judged_rule.h"
#include "rules/order.h"
#include "rules/rollout/lost_evidence.h"

namespace belay::rules {

/// "5xx rate: 12.4% (31 of 250) > 5% over 1m", one line for each comparison.
std::vector<std::string> lines_of(const std::vector<Evidence>& evidence);
/// The comparison that tells most, in one line: the first bad one, else the first.
std::string gist_of(const std::vector<Evidence>& evidence);

/// "roll back from v2 to v1", "reset flag checkout-v2", "run shed-load".
std::string words_of(const Order& order);
/// Whether the action that it is about, by its words, is a rollback.
bool is_of_rollback(const Notice& notice);
/// "reset flag checkout-v2, then roll back".
std::string words_of(const std::vector<Then>& ladder);
/// "by hand: wrangler versions deploy v1@100% -y --name shop".
std::string words_of_by_hand(const std::string& command);
/// Whether one of the lines is such a one.
bool tells_by_hand(const std::vector<std::string>& details);
/// "no answer; it may have been carried out; by hand: npx wrangler ..."; sanitized.
std::string words_of(const ActionOutcome& outcome);

/// Writes what happens on one service: each is a notice, and an entry of the journal where one is
/// due.
class Teller {
 public:
  /// `rollout`: the id of the one that it is about, empty outside one.
  Teller(Step& out, std::string service, std::string candidate, std::string baseline, Instant at,
         std::string rollout = "");

  /// `against`: the promoted version that it is held against, or cleared on; else empty.
  void fired(const JudgedRule& rule, const std::string& consequence, const std::string& against);
  void cleared(const JudgedRule& rule, const std::string& against);
  /// `how`: "for 10m", "following the steps 10% for 10m, 100%".
  void rollout_started(const std::string& how, const std::vector<std::string>& details);
  void rollout_ended(Outcome outcome, const std::string& why,
                     const std::vector<std::string>& details, bool page);
  /// Before the order goes out: the durable intent, the order, and the notice of it.
  /// `beware`: of its target; empty: nothing.
  void acting(const Order& order, const std::string& beware = "");
  /// As acting(), of traffic.
  void moving(const Order& order);
  void would_act(const Rule& rule, const std::vector<Evidence>& evidence,
                 const std::vector<Then>& ladder, const std::vector<std::string>& details);
  /// `by_hand`: ActionOutcome::by_hand, which is not cut as other words are.
  void not_acted(const Rule& rule, const std::string& headline, const std::string& why,
                 const std::vector<Evidence>& evidence, const std::string& intent,
                 const std::string& by_hand = "");
  /// What an operator asked for, and what came of it.
  void commanded(const OperatorCommand& command, const std::string& answer);
  void outcome(const ActionOutcome& outcome, const std::string& rule);
  void acted(const Order& order, const ActionOutcome& outcome, Duration verify_for);
  void verified(Notice::Kind kind, const Order& order, const std::string& headline,
                const std::string& why, const std::vector<Evidence>& evidence);
  void unknown_too_long(const std::vector<std::string>& rules, bool page);
  /// For the journal alone: what a verdict rests on, and what it had to do without.
  void judged(Outcome verdict, const std::vector<RuleStatus>& rules);
  void evidence_lost(const LostEvidence::Spell& spell);
  /// Anything else.
  Notice& notice(Notice::Kind kind, bool page, std::string headline);

 private:
  void entry(JournalEntry::Kind kind, const std::string& rule, const std::string& intent,
             std::string text);
  Notice& about(const Rule& rule, Notice::Kind kind, bool page, std::string headline);

  Step& out_;
  std::string service_;
  std::string candidate_;
  std::string baseline_;
  Instant at_;
  std::string rollout_;
};

}  // namespace belay::rules
