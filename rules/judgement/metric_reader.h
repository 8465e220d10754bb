#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/judgement/selector.h"
#include "rules/judgement/service_evidence.h"
#include "rules/judgement/verdict.h"
#include "rules/language/rule.h"

namespace belay::rules {

/// Whose evidence the metrics of a rule mean, and from when on.
struct Binding {
  VersionFilter unscoped;
  std::optional<VersionFilter> candidate;  ///< None: outside a rollout.
  std::optional<VersionFilter> baseline;   ///< None: comparisons with it are unknown.
  Instant since = Instant::min();          ///< Events before it do not count.

  /// Candidate and baseline are both "all of the service": what was there before a rollout.
  static Binding of_the_service_before();
  /// One version by itself, as candidate and as baseline; of evidence without a version nothing.
  /// What has only such evidence is unknown (no_baseline).
  static Binding of_one_version(NameId version, Instant since);
};

/// What a metric is now.
struct Reading {
  std::optional<double> value;
  std::uint64_t numerator = 0;
  std::uint64_t denominator = 0;
  std::optional<UnknownKind> unknown;    ///< Why there is no value, or too little to judge one.
  std::optional<UnknownKind> uncovered;  ///< Why there may be evidence that we do not see.
  bool by_wall_time = false;
};

/// Asked for "pQ above T", a reader counts instead of asking a histogram.
struct ExactThreshold {
  double value = 0;       ///< In the base unit.
  bool or_equal = false;  ///< pQ >= T.
};

/// A metric, compiled to the windows of one service that feed it.
class MetricReader {
 public:
  /// `queue`: which of the matching queues, for an expression.
  MetricReader(const Metric& metric, const Binding& binding, ServiceEvidence& evidence,
               std::optional<ExactThreshold> exact, const std::string& queue, Instant now);

  [[nodiscard]] Reading read(const ServiceEvidence& evidence, Instant now,
                             std::optional<std::uint32_t> samples_min) const;
  /// Whether the quantile is above its ExactThreshold, by counting.
  [[nodiscard]] bool exceeds() const;
  [[nodiscard]] bool is_exact() const { return above_ != nullptr; }
  [[nodiscard]] Duration over() const { return over_; }
  /// For release: its windows are still wanted.
  void keep(WindowStore& windows) const;

 private:
  enum class Way : std::uint8_t {
    share,
    rate,
    quantile,
    mean,
    max,
    sum,
    last,
    newest,
    gauge_mean,
    slope,
    total
  };

  void bind_counts(const RateMeasure& rate, WindowSpec spec, ServiceEvidence& evidence,
                   Instant now);
  void bind_flow(WindowSpec spec, ServiceEvidence& evidence, Instant now);
  void bind_observed(Observed observed, WindowSpec spec, ServiceEvidence& evidence, Instant now);
  void bind_gauge(const Metric& metric, WindowSpec spec, ServiceEvidence& evidence, Instant now);
  void read_value(Reading& reading, Instant now) const;
  void read_gauge(Reading& reading, const ServiceEvidence& evidence, Instant now) const;
  void read_sources(Reading& reading, const ServiceEvidence& evidence, Instant now) const;

  Way way_ = Way::rate;
  double quantile_ = 0;
  double unit_ = 1;  // From the windows' unit to the base unit.
  Duration over_{};
  Instant since_ = Instant::min();
  SourceKind kind_ = SourceKind::log;
  std::optional<std::uint32_t> source_;  // Of a probe.
  bool has_source_ = true;
  bool is_missing_baseline_ = false;
  bool is_strict_ = false;  // Without evidence that names the version there is none.
  bool is_of_all_ = false;  // Asked for one version's share of what has no versions.
  bool is_named_ = false;   // A metric by name, which may be misspelt: nothing of it is not zero.
  bool needs_min_ = true;
  std::optional<ExactThreshold> exact_;
  Window* numerator_ = nullptr;
  Window* denominator_ = nullptr;  // Samples.
  Window* all_ = nullptr;          // Events, whether or not they report what is observed.
  Window* above_ = nullptr;
  Window* flow_samples_ = nullptr;  // Of a queue: samples that say what happened.
  Window* shape_ = nullptr;         // Histogram, values or gauge.
};

}  // namespace belay::rules
