#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/judgement/rollout_limits.h"
#include "rules/rollout/steps.h"

namespace belay::rules {

/// Hours of the week in which a rollout may begin a step, in UTC.
struct DeployWindow {
  std::array<bool, 7> days{};  ///< [0]: Monday.
  Duration from{};             ///< Since midnight.
  Duration to{};               ///< Exclusive; 24 h at most, above `from`.
  bool operator==(const DeployWindow&) const = default;
};

/// No step begins in it.
struct Freeze {
  Instant from{};
  Instant to{};  ///< Exclusive.
  std::string why;
  bool operator==(const Freeze&) const = default;
};

/// What must have been promoted elsewhere first.
struct Requirement {
  std::string environment;      ///< ServicePlan::environment of another service of this plan.
  Duration passed{};            ///< Since at least so long, and not taken back since.
  bool is_same_commit = false;  ///< Of the same commit; else any rollout there counts.
  bool operator==(const Requirement&) const = default;
};

/// How the rollouts of one service go: `rollout:` in the configuration.
struct RolloutPlan {
  std::vector<RolloutStep> steps;      ///< Empty: default_steps().
  bool is_driving = false;             ///< Belay moves the traffic; else it follows who does.
  bool is_attached_by_itself = false;  ///< A deployment that nobody announced is judged too.
  bool is_judged_by_default = false;   ///< By rollout_judgement.h, beside the rules.
  RolloutLimits limits;                ///< Of the default judgement.
  /// A shared cause holds until it is gone. False: it rolls back like any other.
  bool holds_on_shared_cause = true;
  /// After each change of traffic: rules about latency do not fail a step, and what lets it pass is
  /// counted from then on. A gate has none.
  Duration warm_up{};
  Duration watch_for{};         ///< After promotion; then rules only alert.
  bool asks_preflight = false;  ///< Somebody answers PreflightAsked.
  std::vector<Requirement> requirements;
  std::vector<DeployWindow> windows;  ///< None: any hour. Only when driving.
  std::vector<Freeze> freezes;        ///< Only when driving.
  /// When it fails in a train, all that the train has moved is rolled back; else it alone.
  bool takes_all_back = false;
  bool operator==(const RolloutPlan&) const = default;
};

}  // namespace belay::rules
