#pragma once

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
#include "rules/judgement/queue_watch.h"
#include "rules/judgement/rollout_judgement.h"
#include "rules/rollout/action_book.h"
#include "rules/rollout/action_log.h"
#include "rules/rollout/baseline.h"
#include "rules/rollout/end_of_bake.h"
#include "rules/rollout/gate.h"
#include "rules/rollout/guards.h"
#include "rules/rollout/ladder.h"
#include "rules/rollout/live_traffic.h"
#include "rules/rollout/lost_evidence.h"
#include "rules/rollout/notices.h"
#include "rules/rollout/preflight.h"
#include "rules/rollout/rollout_record.h"
#include "rules/rollout/step_judge.h"
#include "rules/rollout/train.h"
#include "rules/rollout/unannounced.h"
#include "rules/rollout/unknown_spells.h"
#include "rules/rollout/version_history.h"
#include "rules/service.h"
#include "rules/snapshot.h"

namespace belay::rules {

/// The decisions on one service: its rollouts, one after the other, what a firing rule means for
/// the one that runs, and what is done about it. docs/adr/0006-rollout-states.md says how.
///
/// - The first rule that fires and acts fails the rollout. Shared cause (the baseline is as bad,
///   blame.h) holds it instead, pages once, and goes on by itself when the baseline is fine. So
///   does evidence without a version that was never seen fine.
/// - `then: rollback` walks the ladder `on_fail` (ladder.h). Outside a rollout there is nothing to
///   roll back: it only alerts; so do all rules after the promotion.
/// - A step passes by step_judge.h. Attached, steps follow the split that deployments report; where
///   nobody reports one, they follow each other. Driving, traffic is moved by orders.
class Rollout {
 public:
  Rollout(Service& service, NameTable& names, ActionBook& book, Instant start);

  /// Its callers, and the rollouts of those whose caller it is; before remember(), and after each
  /// adopt() of any service.
  void meet(std::vector<Guard> callers, std::vector<const Rollout*> callees);

  /// Before remember(): why nothing is judged, done or begun here. Empty later: it is known again.
  void leave_over(std::string why) { left_over_ = std::move(why); }
  void remember(const Remembered& remembered, Instant now, Step& out);  ///< Once bound: goes on.

  void start(const RolloutStarted& asked, Instant now, Step& out);
  void outcome(const ActionOutcome& outcome, Instant now, Step& out);
  /// False: the rollout that is meant is none of this service.
  bool command(const OperatorCommand& command, Instant now, Step& out);
  bool answered(const PreflightDone& done, Instant now, Step& out);
  void deployed(const Deployment& deployment, Instant now, Step& out);  ///< By the platform.

  /// Why the rollout that is asked for cannot begin; empty if it can.
  [[nodiscard]] std::string why_not_start(const RolloutStarted& asked) const;
  void add_to(Trains& trains, Instant now) const;  ///< In each the newest rollout of it.
  void take_turn(const TrainTurn& turn, Instant now, Step& out);  ///< Of one of its rollouts.
  /// Why a running rollout gets no more traffic; nothing if its train goes on.
  void stop_with_train(std::optional<std::string> why) { train_stopped_ = std::move(why); }
  void probed(const std::string& probe, const ProbeLog::Answer& answer);

  /// Takes back what is on its way and may not be done any more. After everything else of a step.
  void recall(Instant now, Step& out);

  /// Judges everything at a whole second (`is_check`) or between two, and decides.
  void judge(Instant now, bool is_check, Step& out);

  /// Why the rules and the sources of the service cannot be exchanged now; nothing if they can.
  [[nodiscard]] std::optional<std::string> why_busy() const;
  void adopt(ServicePlan next, Instant now);  ///< Of the service, which is not busy.

  /// One that has begun is judged, or an action on the service is on its way or watched.
  [[nodiscard]] bool is_rolling_out() const;

  [[nodiscard]] std::vector<NameId> spared() const;  ///< Versions that must not be forgotten.
  [[nodiscard]] bool has_firing_rule() const;
  void tell(ServiceStatus& status, Instant now) const;

  /// What its preflight asks of other services; answered before each check.
  struct Wanted {
    std::vector<Requirement> requirements;
    std::string commit;
  };
  [[nodiscard]] std::optional<Wanted> wanted() const;
  void set_unmet(std::vector<std::string> unmet) { preflight_.unmet = std::move(unmet); }
  /// Whether a rollout here meets the requirement of another service.
  [[nodiscard]] bool meets(const Requirement& requirement, const std::string& commit,
                           Instant now) const;

 private:
  /// What became of a rule that fired.
  struct Ruling {
    bool is_settled = false;  ///< Nothing more is to be decided until it has cleared.
    bool is_held = false;     ///< The candidate cannot be blamed.
  };
  struct Hold {
    HoldReason reason{};
    std::string why;
  };
  struct Finding {  ///< What a fail was found by, for people.
    std::string headline;
    std::vector<std::string> details;
    std::optional<RolloutNumbers> numbers;  ///< None: as the comparison stands.
  };

  // rollout.cc: rules.
  Teller teller(Instant now, Step& out) const;
  [[nodiscard]] RolloutRecord* running();  ///< Under judgement; none between two.
  [[nodiscard]] const RolloutRecord* running() const;
  /// The one that was promoted last, unless another one has begun since: what a watch after a
  /// promotion is about. One that was refused is none that began.
  [[nodiscard]] const RolloutRecord* promoted() const;
  RolloutRecord* record_of(const std::string& id);
  [[nodiscard]] const RolloutRecord* record_of(const std::string& id) const;
  void judge_rule(JudgedRule& rule, Blame* blame, bool is_check, Instant now, Step& out);
  [[nodiscard]] std::string consequence_of(const JudgedRule& rule) const;
  /// `blame`: none outside a rollout.
  void decide(JudgedRule& rule, const Blame* blame, Instant now, Step& out);
  /// Whether the candidate cannot be blamed; tells it once.
  bool is_held(const JudgedRule& rule, const Blame& blame, Ruling& ruling, Instant now, Step& out);
  /// Said of a shared cause that began with the step; else empty.
  [[nodiscard]] std::string harms_both(const JudgedRule& rule, const Blame& blame) const;
  [[nodiscard]] bool is_warming_up(const JudgedRule& rule, Instant now) const;
  void count_ended();
  void release_windows();
  // rollout_tell.cc, rollout_by_hand.cc: what is told of it, and what a person can do.
  void notice_unknown(Instant now, Step& out);
  /// What to type at the platform to put its baseline back; empty where that may be wrong.
  [[nodiscard]] std::string by_hand(const RolloutStatus& status, Instant now) const;
  /// What would be said now of a rollback of a further rollout of the same versions.
  [[nodiscard]] std::optional<std::string> why_no_rollback(const RolloutStatus& status,
                                                           Instant now) const;
  /// Adds to the page of one that ends, and whose candidate may be live, what a person can do.
  void tell_ways_on(const RolloutStatus& status, Instant now, Step& out) const;

  // rollout_baseline.cc: what it is compared with.
  [[nodiscard]] bool is_live_current(Instant now) const;
  [[nodiscard]] Baseline baseline_for(const RolloutStarted& asked, Instant now) const;
  /// "v2 failed at ..., so it is no version to go back to"; empty if it may be one.
  [[nodiscard]] std::string why_not_baseline(const std::string& version, Instant now) const;
  [[nodiscard]] std::string beware_unseen(const RolloutStatus& status, Instant now) const;
  [[nodiscard]] bool is_hollow(const VersionHistory::Good& good) const;
  // rollout_start.cc: its beginning.
  bool may_start(const RolloutStarted& asked, Instant now, Step& out);  ///< If not, why is told.
  [[nodiscard]] RolloutStarted completed(const RolloutStarted& asked, Instant now) const;
  [[nodiscard]] bool is_judged_by_default_alone() const;  ///< No rule counts for the verdict.
  void open_gate(const std::string& rollout, Instant now);
  void begin(std::vector<std::string> details, Instant since, Instant now, Step& out);
  [[nodiscard]] std::vector<std::string> bad_already() const;
  void tell_start(const std::vector<std::string>& details, Instant now, Step& out);
  /// Journals that a rule counts again which was bad before, and how deep queues were.
  void note_before(Instant now, Step& out);
  [[nodiscard]] std::optional<RolloutNumbers> numbers(Instant now) const;  ///< As they stand.
  // rollout_unannounced.cc: what is deployed without a word.
  void look_for_new_versions(const Deployment& live, Instant now, Step& out);
  /// No version that a deployment would bring in anew.
  [[nodiscard]] bool is_known(const std::string& version, Instant now) const;
  /// By what the journal knew: since the life before this one. Where it knew nothing, nothing has.
  [[nodiscard]] bool has_come_meanwhile(const std::string& version, Instant now) const;
  /// The version that someone put in the place of the running one meanwhile; empty: nobody did.
  [[nodiscard]] std::string replaced_meanwhile(const Deployment& live, Instant now) const;

  // rollout_served.cc: how what was promoted last serves.
  /// That version, if a rule which fires outside a rollout says that it is bad; else empty.
  [[nodiscard]] std::string served_badly(const JudgedRule& rule, Instant now) const;
  [[nodiscard]] bool served_alone(Instant now) const;  ///< As far as is known.
  [[nodiscard]] std::vector<const JudgedRule*> rules_of_served() const;
  [[nodiscard]] Truth truth_of_served() const;
  /// About its rollout, where there is a version.
  Teller teller_of(const std::string& served, Instant now, Step& out) const;

  // rollout_end.cc: its end, and the watch after it.
  /// The verdict is there: nothing is judged any more, but for the watch after a promotion.
  void end(RolloutState state, const std::string& why, Instant now, Step& out);
  void close_gate();
  void watch_on(Instant until, Instant now);  ///< After a promotion: rules only alert.
  void watch_again(Instant now);              ///< The rest of that watch.
  void record_judged(Outcome verdict, Instant now, Step& out);  ///< What the verdict rests on.
  void keep_history(RolloutState state, Instant now);
  void follow_evidence(Instant now, Step& out);

  // rollout_failure.cc: what is done about a fail.
  void fail_by(const JudgedRule& rule, Instant now, Step& out);
  void fail(Ladder::Cause cause, Finding finding, Instant now, Step& out);
  /// Why nothing may be done for it any more, since its mode was lowered; empty id: the service.
  [[nodiscard]] std::optional<std::string> why_never_acts(const std::string& rollout) const;
  /// Begins the ladder for this rollout, at once or when what is on its way has ended. Why nothing
  /// is done, which was told; nothing if it is begun or waits.
  [[nodiscard]] std::optional<std::string> climb(RolloutRecord& record, Ladder::Cause cause,
                                                 Instant now, Step& out);
  void add_firing(Ladder::Cause& cause) const;
  void ask_errors_beside(Ladder::Cause& cause) const;
  static Ladder::Cause cause_in(const RolloutStatus& status);  ///< Without what failed it.
  [[nodiscard]] Ladder::Cause cause_of(const std::string& rule, const RolloutStatus& status) const;
  [[nodiscard]] std::vector<const Rule*> rules_that_count() const;  ///< For a verdict.
  static std::string cut(std::string text);  ///< To what fits into the reason of an order.
  void answer(Instant now, Step& out);
  void fail_by_default(const RolloutAnswer& answer, Instant now, Step& out);
  [[nodiscard]] std::vector<Then> rungs_of(const Then& then) const;
  void respond(const JudgedRule& rule, Instant now, Step& out);
  void take_turns(Instant now, Step& out);

  // rollout_order.cc: one action at a time, of the older and the newer rollout.
  /// Whether the candidate of one that has begun has traffic, as far as is known: by the platform,
  /// else by the requests that the logs name since it was started.
  [[nodiscard]] bool has_traffic(const RolloutRecord& record, Instant now) const;
  /// What an older rollout does or has done.
  struct Older {
    std::string rollout;  ///< Empty outside one.
    std::string candidate;
    std::string baseline;  ///< What its rollback puts back: nothing newer, whoever rolls it out.
    Instant at{};          ///< Outside a rollout, or of one that is forgotten: when.
  };
  /// The newest rollout of a third version that has begun since and has traffic; else null.
  [[nodiscard]] const RolloutRecord* successor_of(const Older& older, Instant now) const;
  [[nodiscard]] static Older older_of(const RolloutStatus& status);
  /// The ladder of an older rollout ends for a newer one that acts and has traffic. One that has
  /// none, or does not act, leaves it as it is; but no rollback takes out what has come since.
  void make_way(Instant now, Step& out);
  /// Whether its candidate, which the ladder has rolled back, was gone and is deployed again.
  [[nodiscard]] bool has_come_again(const RolloutStatus& status) const;
  /// Why nothing is begun for it: what was done before for the same version goes on.
  [[nodiscard]] std::optional<std::string> why_done_already(const RolloutStatus& status) const;
  /// What must have ended before anything is begun; nothing if that may be now.
  [[nodiscard]] std::optional<std::string> why_waits() const;
  void take_up_waiting(Instant now, Step& out);
  /// climb() of one that has failed before. Where nothing is done, that is how it ends.
  void begin_late(RolloutRecord& record, Ladder::Cause cause, Instant now, Step& out);
  void tell_waiting(Instant now, Step& out);  ///< Once, where a move keeps it from beginning.
  [[nodiscard]] bool is_waiting(const std::string& rollout) const;

  // rollout_guards.cc: what the rules of its callers mean for it.
  void add_guards(Gate::Verdict& verdict, Instant now, Instant since) const;  ///< Against a pass.
  void look_at_guards(Instant now, bool is_check, Step& out);
  void decide(Guards::Watched& one, Instant now, Step& out);
  void fail_by(const Guards::Watched& one, Instant now, Step& out);
  /// Whether another service with the same guard may have harmed it as well; tells it once.
  bool is_shared_with_others(Guards::Watched& one, Instant now, Step& out);
  /// What is or was here, if it may have harmed the guard by now; else null.
  [[nodiscard]] const RolloutRecord* suspect(const Guards::Watched& one, Instant now) const;
  [[nodiscard]] std::optional<Hold> hold_by_guards() const;
  [[nodiscard]] std::optional<Ladder::Cause> cause_of_guard(const std::string& rule,
                                                            const RolloutStatus& status) const;

  // rollout_train.cc: what its train wants of it.
  [[nodiscard]] TrainMember member_of(const RolloutRecord& record, Instant now) const;
  void wait_for_turn(RolloutRecord& record, const std::string& why, Instant now, Step& out);
  void give_up(RolloutRecord& record, const std::string& why, Instant now, Step& out);
  void take_back(RolloutRecord& record, const std::string& why, Instant now, Step& out);
  /// Why its candidate is not its own any more: something else is live, or another rollout has
  /// begun, of its version or with traffic. Nothing while there is something to be taken back.
  [[nodiscard]] std::optional<std::string> why_superseded(const RolloutRecord& record,
                                                          Instant now) const;
  [[nodiscard]] Ladder::Cause cause_of_train(const RolloutStatus& status,
                                             const std::string& why) const;
  [[nodiscard]] std::optional<std::string> why_not_take_back(const RolloutRecord& record) const;

  // rollout_preflight.cc: before the first step; what is required, as long as it is judged.
  [[nodiscard]] PreflightFacts facts(Instant now) const;
  void check_preflight(Instant now, Step& out);
  void tell_hindrances(const PreflightDone& done, Instant now, Step& out);
  [[nodiscard]] std::optional<Hold> hold_by_requirements() const;
  void ask(Instant now, Step& out);

  // rollout_steps.cc: from step to step. rollout_traffic.cc: what moves, and who says so.
  void advance(Instant now, Step& out);
  void check_step(Instant now, Step& out);
  [[nodiscard]] std::optional<Hold> hold_due() const;
  [[nodiscard]] std::optional<Hold> hold_before(std::size_t step, Instant now) const;
  [[nodiscard]] RolloutStep step_to_pass() const;
  [[nodiscard]] StepEvidence evidence(Instant now) const;
  /// Why the default judgement lets nothing pass now. Alone, it must have seen requests.
  [[nodiscard]] std::optional<Gate::Verdict> doubt_by_default(bool is_alone, Instant since,
                                                              std::uint64_t requests_min,
                                                              Instant now) const;
  [[nodiscard]] std::optional<Gate::Verdict> doubt_of_end(Instant now) const;  ///< Of the bake.
  /// Of the requests, 0..1, that the candidate was to get in its step; nothing where nobody says.
  [[nodiscard]] std::optional<double> share_of_step() const;
  void tell_half_missing(Instant now, Step& out);  ///< Of a step that passes.
  [[nodiscard]] Duration baked_of_step(Instant now) const;
  [[nodiscard]] bool is_judged_by_requests() const;  ///< By a rule that counts for the verdict.
  /// Why rules that are fine may be so without the candidate: nothing says that it was seen.
  [[nodiscard]] std::optional<std::string> doubt_of_presence() const;
  /// Requests that came, are or may be the candidate's, and do not count: nobody knows how it is.
  void add_uncounted(Gate::Verdict& verdict, Instant now) const;
  /// By the rules, over windows after `since`, and by the default judgement.
  [[nodiscard]] Gate::Verdict verdict(Instant now, Instant since, std::uint64_t requests_min) const;
  [[nodiscard]] Gate::Verdict verdict_by_own(Instant now, Instant since,
                                             std::uint64_t requests_min) const;
  void hold(const Hold& hold, Instant now, Step& out);
  void go_on(const std::string& why, Instant now, Step& out);
  void pass_step(const std::string& why, Instant now, Step& out);
  void begin_step(std::size_t step, const std::string& why, Instant now, Step& out);
  void end_at_maximum(const StepAnswer& answer, Instant now, Step& out);
  void look_before(RolloutRecord& record, Instant now);  ///< How all stands without its candidate.
  void order_move(std::size_t step, const std::string& why, Instant now, Step& out);
  void moved(const ActionOutcome& outcome, Instant now, Step& out);
  /// Of a move whose rollout is over: what the traffic is now.
  void tell_unwatched(const Order& order, const ActionOutcome& outcome, bool is_there, Instant now,
                      Step& out);
  /// Said of an end by hand: the traffic that the candidate keeps or is getting; empty if none.
  [[nodiscard]] std::string what_is_left() const;
  /// Why a mode forbids it; nothing in enforce. `does`: "acts", "moves traffic".
  static std::optional<std::string> why_below_enforce(Mode mode, const std::string& does);
  /// Why no traffic may be moved for it now, whoever wants it; nothing if it may.
  [[nodiscard]] std::optional<Hold> why_no_traffic(const RolloutRecord& record, Instant now) const;
  [[nodiscard]] std::optional<std::string> why_not_move(Instant now) const;
  [[nodiscard]] std::optional<std::string> why_recalled(const Order& order, Instant now) const;
  [[nodiscard]] std::optional<double> live_percent() const;
  /// By the platform, else by a log in which a third version came, and the candidate never.
  [[nodiscard]] bool is_candidate_absent(Instant now) const;
  /// Whether the platform says for sure, long enough after its last step, that it has no traffic.
  [[nodiscard]] bool is_gone(const RolloutRecord& record, Instant now) const;
  [[nodiscard]] LiveTraffic::Wanted wanted_traffic(const Deployment& reading) const;
  void see_versions(const Deployment& deployment);
  void take_reading(const Deployment& deployment, Instant now, Step& out);
  /// What a rollback has put back is not live any more.
  void stand_down_if_replaced(const Deployment& deployment, Instant now, Step& out);
  void follow_traffic(std::optional<double> share_before, Instant now, Step& out);

  // rollout_restart.cc: how it goes on after a restart.
  void take_up_action(const Remembered::Action& action, Instant now);
  void go_on_with(Instant now, Step& out);  ///< The newest rollout.
  /// One that has failed, and of which something is on its way, verified or still to be done.
  void go_on_acting(RolloutRecord& record, const Remembered& remembered, Instant now, Step& out);
  void go_on_rolling_back(RolloutRecord& record, Instant now, Step& out);
  void end_unwatched(RolloutRecord& record, const std::string& why, Instant now, Step& out);
  /// What failed a rollout that is remembered: a rule of the service, of the default judgement or
  /// of a guard, its train, or a person. Nothing if that is gone.
  [[nodiscard]] std::optional<Ladder::Cause> remembered_cause(const std::string& rule,
                                                              const std::string& rollout);

  // rollout_commands.cc: what an operator says about it. Each answers "done", or why not.
  std::string obey(const OperatorCommand& command, Instant now, Step& out);
  std::string promote(const std::string& by, Instant now, Step& out);
  [[nodiscard]] Ladder::Cause cause_by_hand(const RolloutStatus& status) const;
  std::string roll_back_by_hand(const std::string& why, Instant now, Step& out);

  Service& service_;
  NameTable& names_;
  ActionBook& book_;
  Instant start_;
  const Rule by_hand_;                // Of what a person asks for.
  std::vector<Rule> default_rules_;   // What watches after the default judgement rolled back,
  std::vector<Rule> default_alerts_;  // and what after it promoted.
  const Rule train_rule_;             // What an action of its train cites.
  ActionLog log_;
  VersionHistory versions_;
  Ladder ladder_;
  std::deque<RolloutRecord> records_;  // Newest last.
  std::optional<Gate> gate_;
  std::vector<Guard> callers_;
  std::vector<const Rollout*> callees_;
  std::optional<Guards> guards_;  // While it is judged.
  std::optional<RolloutJudgement> judgement_;
  std::optional<EndOfBake> end_of_bake_;       // While it is judged.
  std::optional<QueueWatch> queues_;           // Beside the judgement.
  std::optional<RolloutAnswer> pause_;         // Of the default judgement, while it lasts.
  std::optional<Instant> watch_until_;         // After a promotion.
  std::vector<JudgedRule> watching_;           // Then, of default_alerts_.
  std::map<const Rule*, Ruling> rulings_;      // Looked up only: addresses have no order.
  UnknownSpells unknown_;                      // By rule; the rollout's own is "".
  std::optional<LostEvidence> lost_evidence_;  // While it is judged.
  std::optional<RuleStatus> convicted_by_;     // Of the default judgement, once it has failed.
  DeploymentTotals deployments_;
  LiveTraffic traffic_;
  std::optional<Deployment> looked_at_;  // What was live when it was looked at for new versions.
  Unannounced unannounced_;
  std::optional<Instant> rolled_off_seen_;  // The last report without what was rolled back.

  std::optional<Order> moving_;  // Traffic that is on its way.
  std::size_t moving_to_ = 0;    // Step.
  Instant moved_at_{};
  std::string recalled_;           // The last intent that was.
  std::optional<Order> untended_;  // Of before a restart, and no rule is left to verify it with.
  std::optional<std::string> move_refused_;
  std::vector<Ladder::Cause> waiting_;       // While traffic or an action was on its way; in order.
  std::optional<std::string> irreversible_;  // It failed, and nothing may be done.
  std::optional<std::string> passed_;  // The step passed, and waits for the traffic to follow.
  bool has_skipped_ = false;  // The traffic went ahead of the bake: a step without one needs one.
  std::int64_t moves_ = 0;
  PreflightProgress preflight_;
  std::optional<std::string> train_stopped_;
  std::string left_over_;  // Why nothing is done here; empty: the configuration has it.
};

}  // namespace belay::rules
