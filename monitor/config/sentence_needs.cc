#include "monitor/config/sentence_needs.h"

#include <variant>

namespace belay::monitor {
namespace {

bool counts_errors(const rules::RateMeasure& rate) {
  switch (rate.counted) {
    case rules::Counted::error:
    case rules::Counted::exceptions:
      return true;
    case rules::Counted::status:
      return rate.status >= 500;
    case rules::Counted::status_class:
      return rate.status == 5;
    default:
      return false;
  }
}

struct Collector {
  SentenceNeeds needs;

  void subject(const rules::RequestsSubject& /*requests*/) { needs.requests = true; }
  void subject(const rules::InvocationsSubject& /*invocations*/) { needs.requests = true; }
  void subject(const rules::ProbeSubject& probe) { needs.probes.push_back(probe.name); }
  void subject(const rules::QueueSubject& queue) { needs.queues.push_back(queue); }
  void subject(const rules::MetricSubject& metric) { needs.measurements.push_back(metric.name); }
  void subject(const rules::PrometheusSubject& metric) { needs.prometheus.push_back(metric.name); }

  void term(const rules::Term& term) {
    const auto* metric = std::get_if<rules::Metric>(&term.operand);
    if (metric == nullptr) return;
    std::visit([this](const auto& of) { subject(of); }, metric->subject);
    if (metric->scope != rules::Scope::unscoped) needs.versions = true;
    const auto* rate = std::get_if<rules::RateMeasure>(&metric->measure);
    const bool of_requests = std::holds_alternative<rules::RequestsSubject>(metric->subject) ||
                             std::holds_alternative<rules::InvocationsSubject>(metric->subject);
    if (of_requests && rate != nullptr && counts_errors(*rate)) needs.errors = true;
    // A quantile is a share too: that of what lies above it.
    const bool is_quantile = std::holds_alternative<rules::QuantileMeasure>(metric->measure);
    if (of_requests && (is_quantile || (rate != nullptr && rate->is_share))) {
      needs.share_of_requests = true;
    }
  }
  void side(const rules::Side& side) {
    term(side.first);
    if (side.second) term(*side.second);
  }

  void node(const rules::Comparison& comparison) {
    side(comparison.left);
    side(comparison.right);
  }
  void node(const rules::WorseThan& worse) {
    if (worse.what != rules::WorseThan::What::latency) needs.errors = true;
    needs.versions = needs.requests = needs.share_of_requests = true;
  }
  void node(const rules::ProbeFails& fails) { needs.probes.push_back(fails.probe); }
  void node(const rules::NoData& silence) {
    if (!silence.source.empty()) needs.sources.push_back(silence.source);
  }
  void node(const rules::SamplingFrom& sampling) { needs.sources.push_back(sampling.source); }
  void node(const rules::AnyOf& any) { all(any.conditions); }
  void node(const rules::AllOf& every) { all(every.conditions); }
  void all(const std::vector<rules::Condition>& conditions) {
    for (const rules::Condition& condition : conditions) visit(condition);
  }
  void visit(const rules::Condition& condition) {
    std::visit([this](const auto& of) { node(of); }, condition.node);
  }
};

}  // namespace

SentenceNeeds needs_of(const rules::Sentence& sentence) {
  Collector collector;
  collector.visit(sentence.when);
  if (const auto* whole = std::get_if<rules::Comparison>(&sentence.when.node)) {
    const bool is_below =
        whole->compare == rules::Compare::less || whole->compare == rules::Compare::less_equal;
    Collector left;
    left.side(whole->left);
    collector.needs.few_errors = left.needs.errors && is_below;
  }
  return std::move(collector.needs);
}

}  // namespace belay::monitor
