#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/event.h"
#include "rules/order.h"
#include "rules/plan.h"

namespace belay::rules {

/// What was done and what is forbidden, for all services: what an action has to get past. Remembers
/// across restarts what the journal gave back.
class ActionBook {
 public:
  /// `now`: when it begins to be used.
  ActionBook(const Remembered& remembered, Instant now);

  void disarm(const Disarmed& disarmed);
  /// Until when no action may be taken on this service; nothing if it may.
  [[nodiscard]] std::optional<Instant> disarmed_until(const std::string& service,
                                                      Instant now) const;
  /// The same in words.
  [[nodiscard]] std::optional<std::string> why_disarmed(const std::string& service,
                                                        Instant now) const;

  /// What stands against this action, in words for people; nothing if it may begin. A later step of
  /// a ladder is the same decision: neither cooldown nor cap hold it, all else does. The cap counts
  /// decisions: all that was done for one rollout, or by one ladder, is one for as long as any of
  /// it lies within the hour. So there are never more rollbacks an hour than it allows.
  [[nodiscard]] std::optional<std::string> objection(const ServicePlan& plan, const Order& order,
                                                     bool is_later_step) const;
  /// Of that, what stands against this rollback whenever it was: there is no way back, or there
  /// was.
  [[nodiscard]] std::optional<std::string> objection_to(const RollBack& back,
                                                        const Order& order) const;
  enum class Kind : std::uint8_t { rollback, any };  ///< Any but traffic that moves.
  /// Whether one of these intents is on its way or may have been done, or somebody else has acted
  /// in its place.
  [[nodiscard]] bool may_be_done(const std::vector<std::string>& intents, Kind kind) const;
  /// What the cooldown or the cap would say of a rollback of a new rollout now.
  [[nodiscard]] std::optional<std::string> why_not_yet(const ServicePlan& plan, Instant now) const;
  void begin(const Order& order, bool is_later_step);
  /// Traffic that moves is open like any action, and counts for no cap and no cooldown.
  void begin_move(const Order& order);
  /// The action has its final outcome. False: there was no such open action.
  bool end(const std::string& intent, ActionOutcome::Phase phase);
  /// The version passed a gate: whatever was held against it is over, and what a rollback put there
  /// before is of a new rollout generation when it comes again.
  void pass(const std::string& service, const std::string& version);
  /// The platform gives this version most of the traffic: the same of what was put there before, if
  /// that is another one. `at`: of the report.
  void see_live(const std::string& service, const std::string& version, Instant at);

  /// Whether the version was rolled away from, and has not passed since.
  [[nodiscard]] bool was_rolled_away(const std::string& service, const std::string& version) const {
    return rolled_away_.contains({service, version});
  }
  /// Whether a rollback has put the version there, as far as is known.
  [[nodiscard]] bool was_put_back(const std::string& service, const std::string& version) const;

  /// The open action of a service, if one is on its way.
  [[nodiscard]] std::optional<std::string> open_intent(const std::string& service) const;
  [[nodiscard]] std::optional<std::string> service_of_open(const std::string& intent) const;
  /// The version that an open rollback goes back to; empty if there is none.
  [[nodiscard]] std::string target_of(const std::string& intent) const;
  [[nodiscard]] bool is_open(const std::string& intent) const {
    return service_of_open(intent).has_value();
  }
  [[nodiscard]] const std::vector<Remembered::Action>& actions() const { return actions_; }

 private:
  [[nodiscard]] std::optional<std::string> objection_to_rate(const ServicePlan& plan,
                                                             const Order& order) const;
  /// The same, and no other version has been promoted or seen live since.
  [[nodiscard]] bool is_put_back(const std::string& service, const std::string& version) const;
  /// How long ago, for cooldown and cap.
  [[nodiscard]] Duration age_of(const Remembered::Action& action, Instant now) const;
  void add(const Order& order);
  void forget_old(Instant now);

  Instant began_;
  std::vector<Remembered::Action> actions_;  // In order of time.
  std::set<std::string> ahead_;              // Intents: the clock was set back since.
  std::map<std::string, Disarmed> disarmed_;
  std::set<std::string> moves_;  // Intents.
  std::set<std::string> over_;   // Intents of a generation that another has followed.
  std::map<std::string, std::string> decisions_;                        // By intent.
  std::map<std::string, std::string> rollbacks_;                        // By rollout: the intent.
  std::set<std::pair<std::string, std::string>> rolled_away_;           // Service, version.
  std::map<std::string, std::pair<std::string, std::string>> leaving_;  // By intent, while open.
};

}  // namespace belay::rules
