#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/boxed.h"
#include "base/time.h"
#include "rules/judgement/verdict.h"
#include "rules/mode.h"
#include "rules/rollout/steps.h"

namespace belay::rules {

/// A place where evidence comes from: its index in Plan::sources.
enum class SourceId : std::uint32_t {};
/// A service: its index in the engine's table of services (Plan::services first, then those seen).
enum class ServiceId : std::uint32_t {};
/// A string interned by one source. Ids of different sources never mix; TextDefined says what one
/// means. `kNoText` is the absence of a text.
enum class TextId : std::uint32_t {};
inline constexpr TextId kNoText{0};

/// What a Worker was called for. Only `fetch` counts as a request; all count as invocations.
enum class Invocation : std::uint8_t { fetch, queue, cron, alarm, rpc, email, other };

/// One call of a service, as its platform or its own log reports it.
struct Request {
  SourceId source{};
  TextId service = kNoText;  ///< kNoText: the source's own service.
  TextId version = kNoText;  ///< kNoText: counts for the service only, never for a version.
  TextId route = kNoText;    ///< Normalised already (windows/route.h): few, not one per user.
  TextId outcome = kNoText;  ///< kNoText: "ok".
  TextId method = kNoText;
  Instant at{};              ///< Its end, on the platform's clock.
  std::uint16_t status = 0;  ///< HTTP status; 0: none was reported.
  std::uint16_t exceptions = 0;
  Invocation invocation = Invocation::fetch;
  bool latency_is_wall_time =
      false;  ///< The platform's wall time, not a duration named in the logs.
  std::optional<std::uint32_t> latency_us;  ///< Absent: not reported, which is not zero.
  std::optional<std::uint32_t> cpu_us;
  std::uint64_t fingerprint = 0;  ///< Equal ones of one source are one event. 0: cannot be told.
};

/// The calls of one service, version and route within one second, counted elsewhere. The engine
/// cannot tell them, in a verdict, from the same calls sent one by one, as long as `above` has the
/// thresholds of its rules.
struct RequestSecond {
  struct Bucket {
    std::uint16_t bucket;  ///< Index in windows/histogram.h.
    std::uint32_t count;
  };
  struct Above {
    std::uint32_t threshold_us;
    std::uint32_t count;
  };
  Request like;  ///< What the calls share; `at` is any moment of the second, latency is unused.
  std::uint32_t count = 0;  ///< Calls.
  std::uint64_t latency_sum_us = 0;
  std::uint32_t latency_max_us = 0;
  std::vector<Bucket> latency;
  std::vector<Above> above;
};

/// What a call threw, told beside its Request: a text that travels only with what fails. For
/// people, never for a verdict; of a call that was counted twice it counts twice.
struct Thrown {
  SourceId source{};
  TextId service = kNoText;
  TextId version = kNoText;
  Instant at{};      ///< As its Request's.
  std::string what;  ///< "TypeError: x is not a function": name and first line, sanitized, cut.
};

/// Why a probe failed; told apart because each needs another answer.
enum class ProbeFailure : std::uint8_t { none, dns, refused, tls, timeout, status, body, other };

/// One answer, or the lack of one, of a probe. The source is the probe.
struct Probe {
  SourceId source{};
  TextId version = kNoText;  ///< The version it was aimed at; kNoText: whichever answered.
  Instant at{};
  ProbeFailure failure = ProbeFailure::none;
  std::optional<std::uint32_t> latency_us;
  std::uint16_t status = 0;
  TextId detail = kNoText;  ///< For people; kNoText when it passed.
};

/// The state of one queue at one poll. A field that could not be read is absent: unknown, never
/// zero.
struct QueueSample {
  SourceId source{};
  TextId queue = kNoText;
  Instant at{};
  std::optional<std::uint64_t> waiting;  ///< LLEN of the waiting list, markers apart.
  std::optional<std::uint64_t> depth;    ///< waiting + paused + prioritized.
  std::optional<std::uint64_t> active;
  std::optional<std::uint64_t> delayed;
  std::optional<std::uint64_t> failed;
  std::optional<Duration> oldest;  ///< Age of the oldest waiting job; zero when none waits.
  /// What happened since the poll before, from the event stream; absent if it could not be
  /// followed.
  struct Flow {
    std::uint32_t completed = 0;
    std::uint32_t failed_attempts = 0;  ///< Retried ones included.
    std::uint32_t retries = 0;
    std::uint32_t stalled = 0;
  };
  std::optional<Flow> flow;
  /// It was deleted: rules over an expression forget it. Everything else is absent.
  bool is_gone = false;
};

/// A number that a program or Prometheus reports under a name.
struct Measurement {
  enum class Kind : std::uint8_t { sample, gauge };  ///< `metric NAME` or `prometheus NAME`.
  SourceId source{};
  TextId service = kNoText;
  TextId version = kNoText;
  TextId name = kNoText;
  Instant at{};
  double value = 0;
  Kind kind = Kind::sample;
};

/// What a source says of itself. It is the only evidence of liveness: a source that says nothing
/// for three of its intervals is blind, whatever it said last.
enum class SourceHealth : std::uint8_t {
  alive,    ///< Connected and reading.
  down,     ///< Not connected, or nothing to read from.
  refused,  ///< The provider refuses us (authentication, quota, wrong type): unknown kind `error`.
  sampled,  ///< Connected, but the platform drops events: counts are lower bounds.
};
struct SourceState {
  SourceId source{};
  Instant at{};
  SourceHealth health = SourceHealth::alive;
  std::string detail;  ///< For people; empty when alive.
};

/// Evidence that was lost on the way between `at - span` and `at`: the windows over it are
/// incomplete.
struct SourceGap {
  SourceId source{};
  Instant at{};
  Duration span{};
  std::uint64_t lost = 0;  ///< 0: not known how much.
  std::string reason;  ///< From a small fixed set: "inbox_full", "reconnect", "stream_trimmed", ...
};

/// Totals of a source since it began, sent about once a second while it lives. `used` + the sum of
/// `rejected` = `documents`.
struct SourceProgress {
  struct Rejected {
    std::string reason;  ///< From a small fixed set: "not_json", "line_too_long", "no_service", ...
    std::uint64_t count = 0;
  };
  SourceId source{};
  Instant at{};
  std::uint64_t documents = 0;
  std::uint64_t used = 0;
  std::uint64_t bytes = 0;
  std::vector<Rejected> rejected;
};

/// Travels before the first event that uses the id, in the lane that never drops.
struct TextDefined {
  SourceId source{};
  TextId id = kNoText;
  std::string text;
};

/// What the platform says is live on a service.
struct Deployment {
  struct Share {
    std::string version;
    double percent = 0;
  };
  std::string service;
  Instant at{};
  std::string id;
  std::vector<Share> versions;  ///< Largest share first.
};

/// A rollout begins: from now on the candidate of this service is judged. A gate is an attached
/// rollout of one step.
struct RolloutStarted {
  Instant at{};
  std::string service;
  std::string candidate;
  /// Empty: the engine chooses (rollout/baseline.h). None: comparisons are unknown, absolute rules
  /// still judge.
  std::string baseline;
  Duration lasts{};  ///< Of the only step, of all traffic, when `steps` is empty.
  /// 36 characters, made by the caller; the same id again is the same rollout, and nothing happens.
  /// Empty: the engine makes one.
  std::string id;
  std::vector<RolloutStep> steps;
  bool is_driving = false;       ///< Belay moves the traffic; else it follows who does.
  bool is_irreversible = false;  ///< Something went with it that no rollback undoes.
  std::string train;             ///< Empty: by itself.
  /// Services of the train that come before it, and whether its fail takes all of the train back.
  /// Absent: as the plan says.
  std::optional<std::vector<std::string>> after;
  std::optional<bool> takes_all_back;
  /// Which of the trains of this name it is: when that began. Absent: the engine finds it.
  std::optional<Instant> train_began;
  std::string commit;  ///< For `requires`, lead times and people.
  std::optional<Instant> committed_at;
  std::string by;
  std::optional<Mode> mode;  ///< In place of the service's own.
};

/// Several rollouts begin as a train of their own: all of them, or none, and a notice says why.
struct TrainStarted {
  Instant at{};
  std::string name;                      ///< Each rollout's own `train` is this.
  std::vector<RolloutStarted> rollouts;  ///< Each with its id. All known: nothing happens.
};

/// An operator steers a running rollout.
struct OperatorCommand {
  enum class Kind : std::uint8_t {
    pause,    ///< Judged on, but no step ends until `resume`.
    resume,   ///< Takes back a pause.
    promote,  ///< To the next step now, whatever its bake still lacks; never over a firing rule.
    abort,    ///< Ends it without an action: what is live stays.
    approve,  ///< Answers a hold that waits for a person.
    /// Fails it by this person's word, and rolls back by the ladder: in mode enforce, once, and
    /// never what is irreversible, disarmed or not begun (docs/adr).
    rollback,
  } kind{};
  Instant at{};
  std::string rollout;  ///< RolloutStarted::id.
  std::string by;
  std::string reason;
  std::string train = {};  ///< In place of `rollout`: all that are judged of the newest such train.
};

/// No messages about one rule (service empty: of all services) until `until`. Never stops an
/// action.
struct Silenced {
  Instant at{};
  std::string service;
  std::string rule;
  Instant until{};
  std::string by;
};

/// What the world answered to a PreflightAsked.
struct PreflightDone {
  struct Check {
    std::string name;  ///< "target exists", "baseline healthy", a configured check's own name.
    Truth result = Truth::unknown;
    std::string detail;
  };
  Instant at{};
  std::string rollout;
  std::vector<Check> checks;
};

/// An operator forbids every action (service empty: of all services) until `until`.
struct Disarmed {
  Instant at{};
  std::string service;
  Instant until{};
  std::string by;
};

/// What became of an order. `intent` is Order::intent. Phases only go forward.
struct ActionOutcome {
  enum class Phase : std::uint8_t {
    applied,     ///< Done by us, and read back.
    already,     ///< The target was live before we acted.
    superseded,  ///< Someone else has acted: we stood down.
    conflict,    ///< A flag holds a value we did not expect: we stood down.
    rejected,    ///< The platform refused for good; the world did not change.
    unknown,     ///< It may or may not have happened, and cannot be read yet; more will follow.
    abandoned,   ///< Still unknown at the deadline. Nothing more follows.
  };
  Instant at{};
  std::string intent;
  Phase phase = Phase::unknown;
  std::string detail;
  /// What does in a shell what was not done, of kByHandBytesMax bytes at most; empty where there is
  /// nothing.
  std::string by_hand;
};
/// A command of which a part is missing does something else: nobody may cut it off sooner.
inline constexpr std::size_t kByHandBytesMax = 1000;

constexpr std::string_view name_of(SourceHealth health) {
  switch (health) {
    case SourceHealth::alive:
      return "alive";
    case SourceHealth::down:
      return "down";
    case SourceHealth::refused:
      return "refused";
    case SourceHealth::sampled:
      return "sampled";
  }
  return "down";
}

constexpr std::string_view name_of(ProbeFailure failure) {
  switch (failure) {
    case ProbeFailure::none:
      return "none";
    case ProbeFailure::dns:
      return "dns";
    case ProbeFailure::refused:
      return "refused";
    case ProbeFailure::tls:
      return "tls";
    case ProbeFailure::timeout:
      return "timeout";
    case ProbeFailure::status:
      return "status";
    case ProbeFailure::body:
      return "body";
    case ProbeFailure::other:
      return "other";
  }
  return "other";
}

constexpr std::string_view name_of(OperatorCommand::Kind kind) {
  switch (kind) {
    case OperatorCommand::Kind::pause:
      return "pause";
    case OperatorCommand::Kind::resume:
      return "resume";
    case OperatorCommand::Kind::promote:
      return "promote";
    case OperatorCommand::Kind::abort:
      return "abort";
    case OperatorCommand::Kind::approve:
      return "approve";
    case OperatorCommand::Kind::rollback:
      return "rollback";
  }
  return "pause";
}

/// "applied", "already", ...: the enumerator as it is spelled; how the journal writes it.
constexpr std::string_view name_of(ActionOutcome::Phase phase) {
  switch (phase) {
    case ActionOutcome::Phase::applied:
      return "applied";
    case ActionOutcome::Phase::already:
      return "already";
    case ActionOutcome::Phase::superseded:
      return "superseded";
    case ActionOutcome::Phase::conflict:
      return "conflict";
    case ActionOutcome::Phase::rejected:
      return "rejected";
    case ActionOutcome::Phase::unknown:
      return "unknown";
    case ActionOutcome::Phase::abandoned:
      return "abandoned";
  }
  return "unknown";
}
/// Only `unknown` lets more outcomes follow.
constexpr bool is_final(ActionOutcome::Phase phase) {
  return phase != ActionOutcome::Phase::unknown;
}
/// What was asked for holds, whoever did it; what may hold, for all that is known.
constexpr bool was_done(ActionOutcome::Phase phase) {
  return phase == ActionOutcome::Phase::applied || phase == ActionOutcome::Phase::already;
}
constexpr bool may_be_done(ActionOutcome::Phase phase) {
  return was_done(phase) || phase == ActionOutcome::Phase::abandoned;
}

/// Small, as most are requests, and many of them wait between two steps: what is large and seldom
/// lies in a box.
using Event =
    std::variant<Request, Boxed<RequestSecond>, Probe, Boxed<QueueSample>, Measurement, SourceState,
                 SourceGap, SourceProgress, TextDefined, Boxed<Deployment>, Boxed<RolloutStarted>,
                 TrainStarted, Boxed<OperatorCommand>, PreflightDone, Boxed<Disarmed>,
                 Boxed<Silenced>, Boxed<ActionOutcome>, Thrown>;
static_assert(sizeof(Event) <= sizeof(Request) + sizeof(std::uint64_t));

}  // namespace belay::rules
