#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/event.h"
#include "rules/judgement/rollout_numbers.h"
#include "rules/judgement/verdict.h"
#include "rules/plan.h"
#include "rules/rollout/deployment_totals.h"
#include "rules/rollout/rollout_state.h"
#include "rules/rollout/steps.h"

namespace belay::rules {

/// The immutable picture of the engine that everyone else reads. Sorted by name throughout, so that
/// the same events give the same bytes. Counters are totals since the engine began; they never go
/// back.

/// Boundaries of the classic latency histogram, in seconds; the last bucket is +Inf.
inline constexpr std::array kLatencyBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                              0.5,   1.0,  2.5,   5.0,  10.0};

inline constexpr std::size_t kStatusClasses = 6;  ///< [0]: none; [1]..[5]: 1xx..5xx

struct SeriesTotals {
  std::string route;    ///< "other" over the cap.
  std::string version;  ///< Empty: the event had none.
  std::array<std::uint64_t, kStatusClasses> by_status_class{};
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;
  std::uint64_t exceptions = 0;
  std::array<std::uint64_t, kLatencyBounds.size() + 1> latency_buckets{};  ///< Not cumulative.
  double latency_sum_seconds = 0;
  std::uint64_t latency_count = 0;
};

struct QueueStatus {
  std::string queue;
  QueueSample last;  ///< Its ids mean nothing here.
  QueueSample::Flow totals;
};

struct ProbeStatus {
  std::string probe;
  std::string version;
  bool passing = false;
  ProbeFailure failure = ProbeFailure::none;
  std::string detail;
  std::optional<double> latency_seconds;
  std::uint64_t passed_total = 0;
  std::uint64_t failed_total = 0;
  Instant at{};
};

struct SourceStatus {
  std::string name;
  std::string service;
  SourceKind kind{};
  SourceHealth health = SourceHealth::down;
  bool blind = true;  ///< It said nothing for three intervals.
  std::string detail;
  std::optional<Instant> last_event;  ///< Engine time at which its newest event came.
  std::optional<Duration> lag;        ///< Engine time minus event time of its newest event.
  std::uint64_t events_total = 0;
  std::uint64_t documents_total = 0;
  std::uint64_t used_total = 0;
  std::map<std::string, std::uint64_t> rejected_total;  ///< By reason, parser's and engine's.
  std::map<std::string, std::uint64_t> lost_total;      ///< By reason of the gap.
};

/// One rollout, running or over.
struct RolloutStatus {
  /// Something that happened to it.
  struct Moment {
    Instant at{};
    RolloutState state{};
    std::size_t step = 0;
    std::string what;
  };
  std::string id;
  std::string service;
  std::string candidate;
  std::string baseline;
  Mode mode{};
  bool is_driving = false;
  bool is_irreversible = false;
  std::string train;
  std::vector<std::string> after;      ///< RolloutStarted::after, frozen.
  bool takes_all_back = false;         ///< Likewise.
  std::optional<Instant> train_began;  ///< Tells trains of one name apart.
  std::string commit;
  std::optional<Instant> committed_at;
  std::string by;
  RolloutState state{};
  std::optional<HoldReason> held;  ///< Set while `held`.
  std::string why;                 ///< Of its end; or why it would not pass now.
  std::string rule;                ///< That failed it: a rule's name; empty while none has.
  std::vector<RolloutStep> steps;
  std::size_t step = 0;  ///< Index in `steps`.
  Instant started{};
  Instant step_started{};
  Instant ends{};                ///< When the bake time of this step is over; or when it ended.
  std::optional<Instant> ended;  ///< Set once its state is final.
  /// What it would be worth now; once it is not judged any more, what it is.
  Outcome verdict = Outcome::unknown;
  std::optional<UnknownKind> unknown;
  /// When what failed it was first seen: its rule turned bad, or the evidence that convicts it
  /// began. None unless it has failed.
  std::optional<Instant> failing_since;
  std::vector<RuleStatus> rules;
  /// Whose the bad requests are: as of this picture, and of the decision once it is not judged any
  /// more. None before the first step, and of those that an older Belay has ended.
  std::optional<RolloutNumbers> comparison;
  std::vector<std::string> intents;  ///< Of its actions, in their order.
  std::vector<Moment> timeline;      ///< Newest last, at most kTimelineMax.

  static constexpr std::size_t kTimelineMax = 200;
};

/// The verdict, once it is final; nothing while the rollout is still judged.
inline std::optional<Outcome> decided(const RolloutStatus& rollout) {
  return is_judged(rollout.state) ? std::nullopt : std::optional(rollout.verdict);
}

struct ActionStatus {
  std::string intent;
  std::string kind;  ///< "rollback", "reset_flag", "run"
  std::string rule;
  std::string target;
  Instant at{};
  std::optional<ActionOutcome::Phase> phase;  ///< None yet: on its way.
  std::optional<std::string> verified;        ///< "recovered", "not_recovered", "inconclusive"
};

/// How many requests a version got lately.
struct VersionRequests {
  std::string version;
  std::uint64_t requests = 0;
};

struct ServiceStatus {
  std::string name;
  std::vector<std::string> aliases;  ///< Other names of it, as the plan has them.
  Mode mode{};
  Outcome verdict = Outcome::unknown;
  std::optional<UnknownKind> unknown;
  std::vector<std::string> versions;
  /// Requests of each version within the last ten minutes, by its name; those that name none under
  /// "".
  std::vector<VersionRequests> recent;
  Duration recent_over{};  ///< Of those ten minutes, how long it has been watched.
  std::vector<SeriesTotals> series;
  std::vector<RuleStatus> rules;
  std::vector<QueueStatus> queues;
  std::vector<ProbeStatus> probes;
  std::optional<RolloutStatus> rollout;  ///< The one that runs, or the last that ended.
  std::vector<RolloutStatus> past;       ///< Those before it, newest last, at most 20.
  std::vector<ActionStatus> actions;     ///< Newest last, the last 20.
  std::map<std::string, std::uint64_t>
      actions_total;             ///< "rollback/applied", "reset_flag/conflict", ...
  DeploymentTotals deployments;  ///< Of rollouts that ended, those before a restart included.
  std::optional<Instant> disarmed_until;
  std::vector<Silenced> silenced;  ///< Rules of which nothing is told, by name.
};

struct Snapshot {
  Instant at{};
  std::uint64_t steps_total = 0;
  std::uint64_t events_total = 0;
  std::vector<ServiceStatus> services;
  std::vector<SourceStatus> sources;
  std::uint64_t series_dropped_total = 0;  ///< Events counted as "other" since the cap was reached.
};

}  // namespace belay::rules
