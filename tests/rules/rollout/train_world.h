#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {

/// Without rules of its own; known from the next restart on.
inline void judge_by_default(ServicePlan& service) {
  service.rules.clear();
  service.rollout_rules.clear();
  service.rollout.is_judged_by_default = true;
}

/// Three services, "gateway", "orders" after it and "journeys" after both, each with the versions
/// v1 and v2 and a rule over its errors; a platform that does what is ordered; and restarts, at
/// which the engine knows what the journal would have kept.
class TrainWorld {
 public:
  static constexpr SourceId kPlatform{1};
  struct Settings {
    bool takes_all_back = false;
    bool is_driving = true;
    std::map<std::string, std::vector<std::string>> guards = {};
    Duration watch_for{};       ///< After a promotion.
    bool has_platform = false;  ///< A source that reads what is live of the gateway.
  };
  explicit TrainWorld(Settings settings);

  static const std::vector<std::string>& services();
  /// All three as one train.
  void begin(const std::string& train = "r1");
  [[nodiscard]] RolloutStarted asked(const std::string& service, const std::string& train) const;

  void run(Duration span);
  /// Until the service's rollout is there; false if it is not within two minutes.
  bool run_until(const std::string& service, RolloutState state);
  /// Runs until all rollouts are over and nothing is due any more.
  void run_out();
  void restart();

  [[nodiscard]] RolloutStatus status(const std::string& service) const;
  [[nodiscard]] std::string states() const;
  [[nodiscard]] std::string states_of(const std::string& service) const;
  [[nodiscard]] std::vector<std::string> headlines(const std::string& part) const;

  std::set<std::string> bad;                    ///< Services whose v2 fails.
  std::map<std::string, double> live;           ///< Of v2, in percent.
  std::vector<std::string> rollbacks;           ///< Services, as they were applied.
  std::map<std::string, std::string> deployed;  ///< By someone else: what is live instead.
  bool answers = true;                          ///< The platform.
  std::vector<Notice> notices;                  ///< Of all lives.
  std::uint16_t gateway_status = 200;           ///< Of both its versions.
  std::set<std::string> quiet;                  ///< Services that get no requests.
  std::set<std::string> unread;                 ///< Services whose platform is not read any more.
  Plan plan;
  EngineRig rig;

 private:
  void carry_out(const Order& order);
  void serve();
  void keep_journal();
  [[nodiscard]] Remembered remembered(Duration back) const;

  bool is_driving_ = true;
  std::set<std::string> done_;  ///< Intents.
  std::vector<Order> orders_;   ///< Of all lives, on the clock of this one.
  std::map<std::string, ActionOutcome::Phase> phases_;
  std::set<std::string> recorded_;            ///< Intents whose outcome is in the journal.
  std::map<std::string, std::string> rules_;  ///< By rollout: what failed it.
  std::map<std::string, bool> paused_;        ///< By rollout.
  std::map<std::string, std::vector<RuleBefore>> before_;  ///< By rollout.
  std::size_t seen_orders_ = 0;
  std::size_t seen_entries_ = 0;
  std::size_t seen_notices_ = 0;
};

}  // namespace belay::rules
