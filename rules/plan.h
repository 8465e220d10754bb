#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "rules/language/rule.h"
#include "rules/mode.h"
#include "rules/rollout/rollout_plan.h"

namespace belay::rules {

/// What the engine is built from: the configuration, typed and checked, without anything that
/// touches the world (no URL, token or path).

/// `platform` tells what is deployed: nothing that a rule could judge.
enum class SourceKind : std::uint8_t { log, probe, queue, prometheus, platform };

constexpr std::string_view name_of(SourceKind kind) {
  switch (kind) {
    case SourceKind::log:
      return "log";
    case SourceKind::probe:
      return "probe";
    case SourceKind::queue:
      return "queue";
    case SourceKind::prometheus:
      return "prometheus";
    case SourceKind::platform:
      return "platform";
  }
  return "log";
}

struct SourcePlan {
  std::string
      name;  ///< "tail", "healthz": unique within its service; what `no data from NAME` means.
  SourceKind kind = SourceKind::log;
  std::string service;                          ///< Empty: events name their service themselves.
  Duration interval = std::chrono::seconds{1};  ///< It speaks at least this often while it lives.
  Duration lateness = std::chrono::seconds{5};
  bool reports_all = true;  ///< Every request, or a random sample: shares may be judged.
  bool operator==(const SourcePlan&) const = default;
};

struct ServicePlan {
  std::string name;
  std::vector<std::string> aliases;  ///< The platform's names of it (a Worker's script name).
  Mode mode = Mode::recommend;
  std::vector<Rule> rules;          ///< Always judged.
  std::vector<Rule> rollout_rules;  ///< Judged while a gate runs.
  /// Of before the first step: where one is bad or not known, no driven rollout begins.
  std::vector<Rule> preflight_rules;
  std::vector<Then> on_fail;  ///< The ladder of `then: rollback`; default [rollback].
  Duration cooldown = std::chrono::minutes{10};
  std::uint32_t actions_per_hour_max = 3;
  Duration verify_for = std::chrono::minutes{5};  ///< How long a restored version is watched.
  std::string environment;                        ///< "staging"; for the requirements of others.
  /// What a person types to give all traffic to {version}, which stands in it; empty: not known
  /// before the order, as of a command of the service's own.
  std::string put_back;
  RolloutPlan rollout;
  std::vector<std::string> after;   ///< Services that come before it in a train.
  std::vector<std::string> guards;  ///< Its callers: while it rolls out, their rules count too.
  bool operator==(const ServicePlan&) const = default;
};

struct Plan {
  std::vector<SourcePlan> sources;
  std::vector<ServicePlan> services;
  /// For services that are seen but not listed (replay without a configuration): they get these
  /// rules. Absent: events of unlisted services are refused and counted as `unknown_service`.
  std::optional<ServicePlan> any_service;
  std::uint32_t services_max = 200;             ///< Seen ones included; the rest is refused.
  std::uint32_t routes_per_service_max = 200;   ///< More are counted as "other".
  std::uint32_t versions_per_service_max = 20;  ///< The least recently seen one goes.
  bool unlimited_lateness = false;  ///< Replay: only the windows' length bounds lateness.
};

}  // namespace belay::rules
