#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"

namespace belay::rules {

/// The typed form of one sentence (RULES.md): what the parser returns and the judge reads.
/// Everything in it is checked already: units fit measures, windows lie between 5 s and 24 h,
/// quantiles between p1 and p99.99, expressions compile.

enum class Dimension : std::uint8_t {
  share,       ///< 0..1; written "5%".
  points,      ///< A difference of shares, 0..1; written "0.5 points" = 0.005.
  duration,    ///< Seconds.
  per_second,  ///< Written "10/s" or "600/m" = 10.
  count,       ///< A plain number.
  bytes,
};

struct Quantity {
  double value = 0;  ///< In the base unit of its dimension.
  Dimension dimension = Dimension::count;
};

enum class LabelName : std::uint8_t { route, method, status, outcome, type };
enum class LabelTest : std::uint8_t { equal, not_equal, match, not_match };
struct LabelMatch {
  LabelName name{};
  LabelTest test{};
  std::string text;  ///< For match and not_match an RE2 that matches the whole value.
};

/// Which version's evidence a metric means. `unscoped` is the candidate in a rollout and all live
/// versions together outside one.
enum class Scope : std::uint8_t { unscoped, candidate, baseline };

/// What the evidence is of.
struct RequestsSubject {};     ///< Fetch events.
struct InvocationsSubject {};  ///< Everything that a Worker is called for.
struct ProbeSubject {
  std::string name;
};
struct QueueSubject {
  std::string name;            ///< A queue, or an RE2 that matches whole names.
  bool is_expression = false;  ///< Bad when any matching queue is bad.
};
struct MetricSubject {
  std::string name;
  /// A reported value times this is in the base unit of the comparison: 0.001 for "d1_query_ms"
  /// compared with a duration. 1 when it is compared with a plain number.
  double to_base = 1;
};
struct PrometheusSubject {
  std::string name;
  double to_base = 1;  ///< As above.
};
using Subject = std::variant<RequestsSubject, InvocationsSubject, ProbeSubject, QueueSubject,
                             MetricSubject, PrometheusSubject>;

/// Which events a share or a rate counts.
enum class Counted : std::uint8_t {
  all,           ///< requests, invocations
  status,        ///< one status (429)
  status_class,  ///< 4xx, 5xx
  error,
  exceptions,
  failure,  ///< failed attempts of a queue, or failed probes
  retries,
  matching,  ///< events that the labels select (`metric X rate` of values that are not zero)
};

/// Counted events per second, or as a share of the subject's events.
struct RateMeasure {
  Counted counted{};
  std::uint16_t status = 0;  ///< 429 for status; 5 for 5xx.
  bool is_share = false;
};
enum class Observed : std::uint8_t { latency, cpu, value };  ///< value: of a `metric`.
struct QuantileMeasure {
  double quantile = 0;  ///< 0.95 for p95.
  Observed observed{};
};
struct AggregateMeasure {
  enum class Kind : std::uint8_t { mean, max, sum, last } kind{};
  Observed observed{};
};
/// The newest value of a queue or of Prometheus; with `over`, its mean over the window.
struct GaugeMeasure {
  enum class Kind : std::uint8_t { depth, waiting, active, delayed, failed, oldest, value } kind{};
};
struct StalledMeasure {};  ///< Jobs stalled within the window (1m if not written).
struct GrowthMeasure {};   ///< Slope of depth over the window, jobs per second.
using Measure = std::variant<RateMeasure, QuantileMeasure, AggregateMeasure, GaugeMeasure,
                             StalledMeasure, GrowthMeasure>;

struct Metric {
  Scope scope = Scope::unscoped;
  Subject subject;
  Measure measure;
  /// All of them have to match. `route`, `method` and `type` select the events that are looked at;
  /// `status` and `outcome` select, in a share, which of those count ("exceptions
  /// rate{outcome=~"exceeded.*"}" is a share of all requests), and elsewhere they select as the
  /// others do.
  std::vector<LabelMatch> labels;
  std::optional<Duration> over;  ///< Its own window, or the one it shares; none for a newest value.
};

struct Term {
  double factor = 1;  ///< "1.2 x baseline p95 latency"
  std::variant<Quantity, Metric> operand;
};
struct Side {
  Term first;
  std::optional<Term> second;
  bool subtract = false;  ///< first - second, else first + second.
};
enum class Compare : std::uint8_t { greater, greater_equal, less, less_equal };

struct Comparison {
  Side left;
  Compare compare{};
  Side right;
};
/// "candidate error rate worse than baseline by 25%, confidence 99%": see STATISTICS.md.
struct WorseThan {
  enum class What : std::uint8_t { errors, latency, both } what{};
  double rho = 1.25;             ///< Margin on the odds of a bad event.
  double latency_factor = 1.1;   ///< m: how much slower counts as slow.
  double filter_points = 0.002;  ///< The excess that makes a difference matter, as a share.
};
struct ProbeFails {
  std::string probe;
  std::uint32_t failures = 0;
  std::uint32_t of = 0;
};
struct NoData {
  std::string source;  ///< Empty: any source of the service.
  Duration lasts{};
};
struct SamplingFrom {
  std::string source;
  Duration lasts{};
};

struct Condition;
struct AnyOf {
  std::vector<Condition> conditions;  ///< or
};
struct AllOf {
  std::vector<Condition> conditions;  ///< and
};
struct Condition {
  std::variant<Comparison, WorseThan, ProbeFails, NoData, SamplingFrom, AnyOf, AllOf> node;
  std::uint32_t column = 0;  ///< 1-based place in the sentence.
  std::uint32_t length = 0;
};

enum class Floor : std::uint8_t { requests, invocations, samples, jobs };

struct Sentence {
  std::string text;  ///< As written.
  Condition when;
  std::optional<std::uint32_t> samples_min;
  Floor floor = Floor::samples;
  Duration hold_for{};                  ///< Zero: at once.
  std::optional<Duration> hold_within;  ///< "for 40s of 1m": bad for hold_for in all within this.
  double confidence = 0.99;
  bool unknown_fails = false;  ///< else fail

  /// What is written decides all the rest.
  bool operator==(const Sentence& other) const { return text == other.text; }
};

enum class Severity : std::uint8_t { critical, warning };

/// What a firing rule asks for.
struct Then {
  enum class Kind : std::uint8_t { rollback, reset_flag, run, pause, alert } kind = Kind::alert;
  std::string name;  ///< The flag or the command.
  bool operator==(const Then&) const = default;
};

/// One rule of a file or a pack.
struct Rule {
  std::string name;  ///< Unique in the configuration.
  Sentence sentence;
  Then then;
  Severity severity = Severity::critical;
  std::vector<std::string> services;  ///< Empty: every service it is used for.
  std::string summary;
  std::string runbook;
  bool operator==(const Rule&) const = default;
};

}  // namespace belay::rules
