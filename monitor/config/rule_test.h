#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "monitor/config/strict_yaml.h"
#include "rules/event.h"
#include "rules/language/rule.h"

namespace belay::monitor {

/// The tests beside the rules: a small series in, the states of rules out. Times are from the start
/// of the test; the engine steps every 250 ms, and states are read at whole seconds.
///
///     - name: half a minute of errors fires, a burst of ten seconds does not
///       rule: gateway-5xx                      # default: the file's only rule
///       gate: { candidate: v2, baseline: v1 }  # default: no rollout; `at` (0s) and `for` (24h)
///       given:                                 # `from` is 0s, `to` the end of the test, if not
///       written
///         - { from: 0s, to: 90s, requests: 10/s, errors: 20%, latency: 100ms, version: v2 }
///         - { requests: 1/s, status: 429, outcome: ok, method: POST, route: /api, cpu: 5ms, type:
///         fetch }
///         - { requests: 10/s, slow: 10%, slow latency: 2s, exceptions: 1% }
///         - { queue: emails, depth: 0..1200, oldest: 5m, completed: 3/s, failures: 1/s, stalled:
///         1/s }
///         - { probe: healthz, fails: true, every: 5s, latency: 20ms }
///         - { metric: d1_query_ms, samples: 10/s, value: 2500 }
///         - { prometheus: cpu_seconds, value: 0.9, every: 15s }
///         - { from: 30s, source: tail, is: down }   # or refused, sampled, silent
///       expect:
///         - { at: 20s, state: fine }           # fine, bad (firing or not), pending, firing,
///         unknown
///         - { at: 80s, state: unknown, kind: blind }
///         - { first: firing, at: 75s }         # then, and not a second sooner
///         - { never: firing, to: 60s }         # also `rule`, `from`
///
/// A requests entry of another type than fetch fails by its outcome ("exception"), else by status
/// 500. Shares are spread evenly, so the same file always gives the same events. Every source that
/// a test uses lives from its start, unless `is` says otherwise; requests and metrics come from
/// `tail` unless they name a `source`, queues from `queues`, a probe from itself. Without requests
/// the log lives, and is silent. `a..b` goes from a to b in a straight line.

/// "0..1200", or one number as both.
struct Ramp {
  double from = 0;
  double to = 0;
};

struct GivenRequests {
  std::string source = "tail";
  double per_second = 0;
  double error_share = 0;      ///< With status 500.
  double exception_share = 0;  ///< With an exception beside whatever status they have.
  std::optional<Duration> latency;
  double slow_share = 0;
  Duration slow_latency{};
  std::optional<Duration> cpu;
  std::uint16_t status = 200;
  std::string outcome;  ///< Empty: "ok".
  std::string version, route, method;
  rules::Invocation type = rules::Invocation::fetch;
};
struct GivenQueue {
  std::string queue;
  Duration every = std::chrono::seconds{5};
  std::optional<Ramp> depth, waiting, active, delayed, failed;
  std::optional<Duration> oldest;
  std::optional<double> completed, failures, retries, stalled;  ///< Per second.
};
struct GivenProbe {
  std::string probe;
  Duration every = std::chrono::seconds{5};
  rules::ProbeFailure failure = rules::ProbeFailure::none;
  std::optional<Duration> latency;
  std::string version;
};
struct GivenMeasurement {
  std::string source = "tail";
  std::string name;
  rules::Measurement::Kind kind = rules::Measurement::Kind::sample;
  Ramp value;
  double per_second = 1;
  std::string version;
};
struct GivenSource {
  std::string source;
  std::optional<rules::SourceHealth> health;  ///< None: it says nothing at all.
};
struct Given {
  Duration from{};
  Duration to{};
  std::variant<GivenRequests, GivenQueue, GivenProbe, GivenMeasurement, GivenSource> what;
};

struct Expected {
  enum class When : std::uint8_t { at, first, never } when{};
  enum class State : std::uint8_t { fine, bad, pending, firing, unknown } state{};
  std::string rule;
  Duration at{};    ///< Of `at` and `first`.
  Duration from{};  ///< Of `never`.
  Duration to{};
  std::string kind;   ///< Of unknown; empty: any.
  std::string place;  ///< "gateway.yaml:14:9"
};

struct RuleTest {
  std::string name;
  std::string place;
  std::vector<Given> given;
  std::vector<Expected> expect;
  Duration length{};
  std::optional<rules::RolloutStarted>
      gate;  ///< Its `at` counts from the epoch as the test's times do.
};

/// Reads one element of `tests:`; `rule_names` are those of its file. Faults go to the value's
/// file.
RuleTest read_rule_test(const YamlValue& value, const std::vector<std::string>& rule_names);

struct RuleTestResult {
  std::string name;
  std::string place;  ///< "gateway.yaml:12:5"
  std::vector<std::string>
      failures;  ///< "at 45s: expected firing, was fine: 0% (0 of 600) > 5% over 1m"
  [[nodiscard]] bool passed() const { return failures.empty(); }
};

/// Runs the tests on the engine, all rules of the file together, on one service. Pure.
std::vector<RuleTestResult> run_rule_tests(const std::vector<rules::Rule>& rules,
                                           const std::vector<RuleTest>& tests);

}  // namespace belay::monitor
