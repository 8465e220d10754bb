#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "rules/judgement/condition.h"
#include "rules/judgement/metric_reader.h"
#include "rules/judgement/service_evidence.h"
#include "rules/judgement/verdict.h"
#include "rules/language/rule.h"

namespace belay::rules {

/// The name or expression of a queue in it, if there is one.
const QueueSubject* queue_of(const Comparison& comparison);
/// Metrics to the left: "250ms < p95 latency" is "p95 latency > 250ms".
Comparison metric_first(Comparison comparison);
/// What both sides are measured in.
Dimension dimension_of(const Comparison& comparison);

/// Whether its value is one of events (Evidence::of_events).
bool is_of_events(const Comparison& comparison);

/// One comparison, bound to the windows of one service (and of one queue).
class BoundComparison {
 public:
  /// `comparison` is metric_first().
  BoundComparison(const Comparison& comparison, const Binding& binding, ServiceEvidence& evidence,
                  const std::string& queue, Instant now);

  Judgement judge(const ServiceEvidence& evidence, Instant now,
                  std::optional<std::uint32_t> samples_min, Evidence& told) const;

  [[nodiscard]] const std::string& queue() const { return queue_; }
  [[nodiscard]] Duration longest_window() const;
  void keep(WindowStore& windows) const;

 private:
  /// What may not be said where no request came that the metric is of, and what is said then.
  struct Moot {
    Truth truth{};
    UnknownKind kind{};
  };
  struct BoundTerm {
    double factor = 1;
    double quantity = 0;
    std::optional<MetricReader> metric;
    std::optional<Moot> moot = {};
  };
  struct BoundSide {
    BoundTerm first;
    std::optional<BoundTerm> second;
    bool subtract = false;
  };
  struct Sum;

  static std::optional<Moot> moot_without_requests(const Metric& metric, bool is_limited);

  static void add(Sum& sum, const BoundSide& side, const ServiceEvidence& evidence, Instant now,
                  std::optional<std::uint32_t> samples_min);
  [[nodiscard]] bool is_bad(double left, double right) const;

  std::string queue_;
  BoundSide left_;
  BoundSide right_;
  Compare compare_{};
};

}  // namespace belay::rules
