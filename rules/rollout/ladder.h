#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "rules/engine.h"
#include "rules/judgement/judged_rule.h"
#include "rules/judgement/names.h"
#include "rules/rollout/action_book.h"
#include "rules/rollout/action_log.h"
#include "rules/rollout/blame.h"
#include "rules/rollout/drain.h"
#include "rules/rollout/notices.h"
#include "rules/rollout/version_history.h"
#include "rules/service.h"

namespace belay::rules {

/// What is done about a rule that fired, and whether it helped: the ladder `on fail`, rung by rung,
/// each only after the one before was refused, or was not seen to help. One at a time for a
/// service.
///
/// - After an action the rules that fired watch what was restored, on evidence from after it: one
///   that fires there means not recovered, at once; at the end of `verify_for` all fine means
///   recovered, unless the version that was rolled back from still has its requests, or nobody
///   saw whether it has. Not recovered is also what a rollback put back beside a probe that fails,
///   where the default judgement decides.
/// - Where nobody saw whether a rung helped, the next one follows: the fail is established.
/// - Before a later rung rolls back, the baseline is asked again: while it is as bad, nothing is
///   rolled back; after ten minutes of it people are left with it.
class Ladder {
 public:
  struct Cause {
    const Rule* rule = nullptr;
    std::vector<Evidence> evidence;
    std::optional<Instant> since;       ///< When it was first seen.
    std::string reason;                 ///< One line.
    std::vector<const Rule*> watching;  ///< Those that must be fine for "recovered".
    std::vector<const Rule*> beside;    ///< Those that must not be bad for it, if they are known.
    std::vector<Then> rungs;
    std::string candidate;  ///< Empty outside a rollout.
    std::string baseline;
    std::string rollout;
    std::optional<Instant> began;  ///< The rollout.
    Service* guard = nullptr;      ///< Whose rule it is; null: the service's own.
    /// A version that has come since and has traffic: a rollback would take it out. Empty: none.
    std::string newcomer;
    std::string beware;  ///< Told with a rollback; empty: nothing.
    /// Of the requests, 0..1, that the candidate was to get when it failed; nothing: not known.
    std::optional<double> share = std::nullopt;
    /// Set where the decision came before a restart: its requests, as far as they are known. They
    /// stand in for those of before the rollback, until this life has seen enough of its own.
    std::optional<std::optional<Drain::Before>> decided_before_restart = std::nullopt;
    std::optional<Instant> waits_since = std::nullopt;  ///< For traffic that is on its way.
    bool is_wait_told = false;
  };
  /// As orders and the journal call it: "errors", or "gateway:errors" of a guard.
  static std::string name_of_rule(const Cause& cause);
  /// What became of the rollout that it acts for.
  struct Turn {
    std::string rollout;
    RolloutState state{};
    std::string why;
  };

  Ladder(Service& service, NameTable& names, ActionBook& book, ActionLog& log,
         const VersionHistory& versions, Instant start);

  /// What stands against beginning, once nothing is watched any more; nothing if it may begin.
  [[nodiscard]] std::optional<std::string> objection(const Cause& cause, Instant now) const;
  /// Why nothing is done, which was told; nothing if it is begun.
  std::optional<std::string> begin(Cause cause, Instant now, Step& out);
  /// What is known of an action of before the restart.
  struct Resumed {
    std::optional<ActionOutcome::Phase> phase;  ///< Its final one, if it had it by then.
    std::optional<Cause> elsewhere;  ///< Of an order that cites none of the service's own rules.
    std::optional<std::string> forbidden;  ///< Why no later rung may be tried.
    std::optional<Drain::Before> before;   ///< The requests before the rollback.
  };
  /// Takes it up, so that its outcome is verified; not if there is no rule left to verify it with.
  void resume(const Order& order, Resumed resumed, Instant now);

  /// Of an action that the book knows as open.
  void outcome(const ActionOutcome& outcome, Instant now, Step& out);
  /// At a whole second.
  void judge(Instant now, Step& out);
  /// Someone else has deployed: what was restored is not live any more.
  void stand_down(const std::string& why, Instant now, Step& out);

  /// Another rollout has taken the place of the one that it acts for: nobody can say any more
  /// whether it helped, no further rung is tried, and what is to be done about that one must not
  /// wait. What is on its way still ends.
  void give_way(const std::string& why, Instant now, Step& out);
  /// Why it has, while what was on its way has not ended; nothing if it has not.
  [[nodiscard]] std::optional<std::string> given_way() const {
    return attempt_ ? attempt_->given_way : std::nullopt;
  }
  /// Why what is on its way must not be sent any more: it would take a newcomer out, or a rollback
  /// waits behind what nobody can say anything about.
  [[nodiscard]] std::optional<std::string> objection_to_sending() const;
  /// Cause::newcomer, as it is now.
  void meet(const std::string& newcomer) {
    if (attempt_) attempt_->cause.newcomer = newcomer;
  }

  /// What must have ended before anything is begun; nothing if it may begin.
  [[nodiscard]] std::optional<std::string> why_busy() const;
  [[nodiscard]] bool is_walking() const { return attempt_.has_value(); }
  [[nodiscard]] bool is_watching() const { return watch_.has_value(); }
  /// What is on its way or watched; null if nothing is.
  [[nodiscard]] const Order* order() const { return attempt_ ? &attempt_->order : nullptr; }
  /// The version that a rollback has put back, while it is watched.
  [[nodiscard]] std::optional<std::string> restored() const;
  /// When the rollback that is watched was known to be done, as far as this life knows; nothing of
  /// any other action.
  [[nodiscard]] std::optional<Instant> rolled_back_at() const;
  [[nodiscard]] Instant watching_since() const {
    return watch_ ? watch_->until - service_.plan.verify_for : Instant::max();
  }
  std::vector<Turn> take_turns();
  void keep(WindowStore& windows) const;
  /// Whether windows have become free since it was asked last.
  bool take_free_windows() { return std::exchange(has_free_windows_, false); }

 private:
  struct Attempt {
    Cause cause;
    std::size_t rung = 0;
    Order order;
    std::optional<std::string> forbidden = std::nullopt;  ///< Why no later rung is tried.
    std::optional<Drain::Before> before = std::nullopt;   ///< Of a rollback.
    std::optional<std::string> given_way = std::nullopt;  ///< Why.
    bool is_stuck = false;                                ///< The actor cannot tell, and goes on.
    Instant done_at{};                                    ///< Once it is watched.
    /// It has been rolled back, or it was seen that this would not help.
    bool has_left_candidate = false;
    /// Nobody saw whether the rung before helped.
    bool is_unseen = false;
    /// The candidate is not what is watched.
    [[nodiscard]] bool is_restored() const {
      return std::holds_alternative<RollBack>(order.action) || has_left_candidate;
    }
    /// A rung was ordered.
    [[nodiscard]] bool has_begun() const { return !order.intent.empty(); }
  };
  struct Watch {
    std::vector<JudgedRule> rules;      // Those of Cause::watching, then Cause::beside.
    std::size_t asked = 0;              // How many are of Cause::watching.
    std::set<std::uint32_t> excused{};  // Sources of probes that failed before.
    std::vector<ServiceEvidence*> on;   ///< Beside the rules: what each is judged by.
    std::vector<Blame> blames;   ///< Beside the rules; none when there is nobody else to blame.
    std::optional<Drain> drain;  ///< Of the version that was rolled back from.
    Instant until{};
    std::optional<Instant> shared_since;
    std::uint64_t restored_before = 0;  ///< Requests of what was put back, until then.
  };

  [[nodiscard]] Cause cause_of(const Order& order) const;
  [[nodiscard]] Order blank(const Cause& cause) const;
  [[nodiscard]] Order order_of(const Then& then, Instant now);
  [[nodiscard]] Teller teller(Instant now, Step& out) const;
  /// As begin().
  std::optional<std::string> take_rung(Instant now, Step& out);
  /// How it ends where the rungs are over.
  [[nodiscard]] RolloutState without_help() const;
  void next_rung(const std::string& why, Instant now, Step& out);
  void end(RolloutState state, const std::string& why);
  /// Said of a rung that nobody can tell of; empty where nothing follows it.
  [[nodiscard]] std::string what_follows() const;
  /// Why this rung may not be tried; nothing if it may.
  [[nodiscard]] std::optional<std::string> objection_to_rung(const Order& order) const;
  [[nodiscard]] std::optional<std::string> objection_to_rollback(const Order& order) const;
  void watch(Instant now);
  void unwatch();
  [[nodiscard]] Drain drain(Instant now);
  /// Whether the next rung would roll back although the baseline is as bad.
  [[nodiscard]] bool is_shared(std::size_t rule) const;
  [[nodiscard]] bool may_be_shared() const;
  /// A rule that says nothing of the candidate and is bad on the baseline, to which the next rung
  /// would go back; null if there is none.
  [[nodiscard]] const JudgedRule* bad_on_baseline() const;
  void hold_shared(const JudgedRule& rule, Instant now, Step& out);
  [[nodiscard]] std::set<std::uint32_t> probes_failing_from(Instant began, Instant done) const;
  [[nodiscard]] std::optional<std::string> red_probe() const;
  [[nodiscard]] std::optional<std::string> doubtful_probe(Instant now) const;
  /// Why what was put back may fail unseen: its failures name a service that nobody knows.
  [[nodiscard]] std::optional<std::string> misnamed(Instant now) const;
  /// Why what was put back may be as bad as the candidate was: it was compared with itself.
  [[nodiscard]] std::optional<std::string> compared_with_itself() const;
  void judge_end(Instant now, Step& out);
  /// The ladder goes on if it did not help, and where nobody saw whether it did (`is_unseen`).
  void end_watch(Notice::Kind result, const std::string& why, Instant now, Step& out,
                 bool is_unseen = false);
  [[nodiscard]] std::string still_bad(Instant now) const;

  Service& service_;
  NameTable& names_;
  ActionBook& book_;
  ActionLog& log_;
  const VersionHistory& versions_;
  Instant start_;
  std::optional<Attempt> attempt_;
  std::optional<Watch> watch_;
  std::vector<Turn> turns_;
  std::int64_t intents_ = 0;
  bool has_free_windows_ = false;
};

}  // namespace belay::rules
