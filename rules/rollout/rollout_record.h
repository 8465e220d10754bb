#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "rules/engine.h"
#include "rules/order.h"
#include "rules/rollout/live_traffic.h"
#include "rules/snapshot.h"

namespace belay::rules {

/// One rollout: what it is, where it stands, and how it came there. Each move is a journal entry,
/// and only the moves of rollout_state.h are possible.
class RolloutRecord {
 public:
  /// Begins, and is journaled. `started` has its id, its steps and its baseline.
  RolloutRecord(const RolloutStarted& started, const std::string& service, Mode mode, Instant now,
                Step& out);
  RolloutRecord(const RememberedRollout& remembered, const std::string& service, Mode of_service);

  [[nodiscard]] const RolloutStatus& status() const { return status_; }
  [[nodiscard]] RolloutState state() const { return status_.state; }
  [[nodiscard]] const RolloutStep& step() const { return status_.steps[status_.step]; }
  [[nodiscard]] bool is_last_step() const { return status_.step + 1 == status_.steps.size(); }
  /// No step has begun.
  [[nodiscard]] bool has_begun() const { return status_.step_started != Instant{}; }
  /// It ends at its hard maximum, whatever is known then: a gate.
  [[nodiscard]] bool ends_at_maximum() const;
  [[nodiscard]] bool is_paused() const { return is_paused_; }
  [[nodiscard]] bool is_approved() const { return is_approved_; }
  [[nodiscard]] const std::string& rule() const { return status_.rule; }
  /// Why it failed, whatever came of it since; empty while it has not.
  [[nodiscard]] const std::string& failed_by() const { return failed_by_; }
  /// After a restart, of one that is gone on with: why it failed, as its order says.
  void remember_fail(const std::string& why);
  /// The mode of its service, which may be another one than when it began: the lower of the two
  /// holds for it, unless its own was asked for.
  void follow_mode(Mode of_service);
  /// True once, when it is over: for who counts them. Those that were over before a restart have
  /// been counted.
  bool take_ended();

  /// To another state, or on in the same one; ends it if that is final.
  void move(RolloutState state, const std::string& why, Instant now, Step& out);
  /// Out of `promoted`, which nothing but the fail of its train ends: to rolling_back, failed or
  /// superseded.
  void take_back(RolloutState state, const std::string& why, Instant now, Step& out);
  /// Why it is pending, or held for the same reason still; not in the journal.
  void wait(const std::string& why, Instant now);
  /// Stays as it is, and journals what has become known of it.
  void restate(const std::string& what, Instant now, Step& out);
  void hold(HoldReason reason, const std::string& why, Instant now, Step& out);
  /// A step begins; the approval of the one before is used up.
  void begin_step(std::size_t step, const std::string& why, Instant now, Step& out);
  /// What has failed it.
  void blame(const std::string& rule) { status_.rule = rule; }
  /// Take effect with the next move.
  void pause(bool is_paused) { is_paused_ = is_paused; }
  void approve() { is_approved_ = true; }
  /// RolloutStatus::failing_since; the first word counts.
  void failing_since(Instant since);

  /// Not in the journal: its clock.
  void restart_bake(Instant now);
  void add_intent(const std::string& intent) { status_.intents.push_back(intent); }
  /// Goes into the journal with the moves from the decision on.
  void compare(std::optional<RolloutNumbers> numbers) { status_.comparison = std::move(numbers); }
  /// How rules and queues stood before it; in the journal with each move until its end.
  void keep_before(std::vector<RuleBefore> rules) { before_ = std::move(rules); }
  void keep_queues_before(std::map<std::string, double> depths) {
    queues_before_ = std::move(depths);
  }
  [[nodiscard]] const std::vector<RuleBefore>& before() const { return before_; }
  /// A move may have been done since they were looked at: what is found now may be the candidate's.
  [[nodiscard]] bool is_before_believed() const { return is_before_believed_; }
  void believe_before() { is_before_believed_ = !before_.empty(); }
  [[nodiscard]] const std::map<std::string, double>& queues_before() const {
    return queues_before_;
  }
  void forget_before();
  /// A reading of the platform, which goes into the journal with the next entry.
  void see_traffic(const Deployment& reading, const LiveTraffic& traffic);
  /// Journals it if there was no entry since, and a later life must know it.
  void journal_traffic(const Deployment& reading, Instant now, Step& out);
  [[nodiscard]] const TrafficSeen& traffic() const { return traffic_; }
  void keep_rules(std::vector<RuleStatus> rules) { status_.rules = std::move(rules); }
  void note(const std::string& what, Instant now);
  /// Told as it began, and again as it passes; empty: nothing. Not in the journal.
  void keep_beware(const std::string& beware) { beware_ = beware; }
  [[nodiscard]] const std::string& beware() const { return beware_; }

 private:
  void enter(RolloutState state, const std::string& why, Instant now, Step& out);
  void entry(JournalEntry::Kind kind, Instant now, Step& out, const std::string& restated = {});
  void set_ends();

  RolloutStatus status_;
  Mode began_in_;
  bool is_mode_asked_;
  bool is_paused_ = false;
  bool is_approved_ = false;
  bool is_counted_ = false;
  std::string failed_by_;
  std::string beware_;
  std::vector<RuleBefore> before_;
  bool is_before_believed_ = false;
  std::map<std::string, double> queues_before_;
  TrafficSeen traffic_;
  bool is_traffic_journaled_ = true;
};

}  // namespace belay::rules
