#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/engine.h"
#include "rules/event.h"
#include "rules/judgement/hold.h"
#include "rules/judgement/judged_rule.h"
#include "rules/judgement/rollout_judgement.h"
#include "rules/rollout/action_book.h"
#include "rules/rollout/gate.h"
#include "rules/rollout/notices.h"
#include "rules/rollout/unknown_spells.h"
#include "rules/service.h"
#include "rules/snapshot.h"

namespace belay::rules {

/// The decisions on one service: what a firing rule means for the gate, whether something is done
/// about it, and whether that helped.
///
/// - The first rule that fires and acts ends the gate with fail. Shared cause (the baseline is as
///   bad, blame.h) holds instead, pages once, and goes on by itself when the baseline is fine.
///   So does evidence without a version that was never seen fine.
/// - `then: rollback` walks the ladder `on_fail`; each step only after the one before was refused
/// or did
///   not help. Outside a gate there is nothing to roll back: it only alerts.
/// - After an action the rules that fired watch what was restored, on evidence from after it: one
/// that
///   fires there means not recovered, at once; at the end of `verify_for` all fine means recovered.
class Rollout {
 public:
  Rollout(Service& service, NameTable& names, ActionBook& book, Instant start);

  void start(const RolloutStarted& gate, Instant now, Step& out);
  void outcome(const ActionOutcome& outcome, Instant now, Step& out);
  /// False: the rollout that is meant is none of this service.
  bool command(const OperatorCommand& command, Instant now, Step& out);
  /// What is live: a candidate that was live and is no more was taken out by someone else.
  void deployed(const Deployment& deployment, Instant now, Step& out);

  /// Judges everything at a whole second (`is_check`) or between two, and decides.
  void judge(Instant now, bool is_check, Step& out);

  /// Why the rules and the sources of the service cannot be exchanged now; nothing if they can.
  [[nodiscard]] std::optional<std::string> why_busy() const;
  /// Another plan for the service, which is not busy.
  void adopt(ServicePlan next, Instant now);

  /// Versions that must not be forgotten.
  [[nodiscard]] std::vector<NameId> spared() const;
  [[nodiscard]] bool has_firing_rule() const;
  void tell(ServiceStatus& status, Instant now) const;

 private:
  /// What became of a rule that fired.
  struct Ruling {
    bool is_settled = false;  ///< Nothing more is to be decided until it has cleared.
    bool is_held = false;     ///< The candidate cannot be blamed.
  };
  /// A ladder that is being walked.
  struct Attempt {
    std::vector<Then> ladder;
    std::size_t step = 0;
    Order order;
    std::vector<const Rule*> fired;  ///< Those that must be fine for "recovered"; the cause first.
    std::string candidate;
    std::string baseline;
    bool has_gate = false;
  };
  struct Watch {
    std::vector<JudgedRule> rules;
    Instant until{};
  };

  // rollout.cc
  Teller teller(Instant now, Step& out) const;
  /// Whether a gate may begin; if not, why is told.
  bool may_start(const RolloutStarted& started, Instant now, Step& out);
  void judge_rule(JudgedRule& rule, Blame* blame, bool is_check, Instant now, Step& out);
  [[nodiscard]] std::string consequence_of(const JudgedRule& rule) const;
  /// `blame`: none outside a gate.
  void decide(JudgedRule& rule, const Blame* blame, Instant now, Step& out);
  /// Whether the candidate cannot be blamed; tells it once.
  bool is_held(const JudgedRule& rule, const Blame& blame, Ruling& ruling, Instant now, Step& out);
  /// The platform's split is the rollout's step.
  void follow_traffic(const Deployment& deployment);
  /// What the default judgement says at this check; it goes out with the step.
  void answer(Instant now, Step& out);
  void end_gate(RolloutState state, const std::string& why, Instant now, Step& out);
  /// Where the rollout that acts stands by now.
  void move_on(RolloutState state, Instant now);
  [[nodiscard]] RolloutStatus status_of_gate(Instant now) const;
  void end_gate_in_time(Instant now, Step& out);
  void notice_unknown(Instant now, Step& out);
  void release_windows();

  // rollout_actions.cc
  /// Whether an action is on its way.
  bool respond(const JudgedRule& cause, const std::string& candidate, const std::string& baseline,
               bool has_gate, Instant now, Step& out);
  /// Takes up an action of before the restart, so that its outcome is verified; not if there is no
  /// rule left to verify it with.
  void resume(const Order& order);
  [[nodiscard]] std::vector<Then> ladder_of(const Rule& cause) const;
  void take_step(Instant now, Step& out);
  void next_step(Instant now, Step& out);
  void watch(Instant now);
  void judge_watch(bool is_check, Instant now, Step& out);
  void end_watch(Notice::Kind result, const std::string& why, Instant now, Step& out);
  [[nodiscard]] Order order_of(const Then& then, Instant now);
  [[nodiscard]] std::string next_intent(const std::string& rule, Instant now);
  ActionStatus* status_of(const std::string& intent);

  Service& service_;
  NameTable& names_;
  ActionBook& book_;
  Instant start_;
  std::optional<Gate> gate_;
  std::optional<RolloutJudgement> judgement_;
  std::optional<double> candidate_percent_;
  std::string id_;  // Of the gate, or of the last one.
  std::optional<RolloutStatus> ended_;
  std::vector<RuleStatus> ended_rules_;
  std::map<const Rule*, Ruling> rulings_;  // Looked up only: addresses have no order.
  std::optional<Attempt> attempt_;
  std::optional<Watch> watch_;
  std::deque<ActionStatus> actions_;
  std::map<std::string, std::uint64_t> actions_total_;
  std::uint64_t intents_ = 0;
  UnknownSpells unknown_;  // By rule; the gate's own is "".
  bool was_candidate_live_ = false;
};

}  // namespace belay::rules
