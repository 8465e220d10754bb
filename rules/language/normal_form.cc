#include <cmath>
#include <string>

#include "rules/language/conditions.h"
#include "rules/language/parser.h"
#include "rules/language/units.h"
#include "rules/language/words.h"

namespace belay::rules {
namespace {

std::string labels_text(const std::vector<LabelMatch>& labels) {
  static constexpr std::string_view kTests[] = {"=", "!=", "=~", "!~"};
  if (labels.empty()) return {};
  std::string out = "{";
  for (const LabelMatch& label : labels) {
    if (out.size() > 1) out += ", ";
    out.append(word_of(label.name)).append(kTests[static_cast<std::size_t>(label.test)]);
    out += quote(label.text);
  }
  return out + "}";
}

std::string rate_text(const RateMeasure& rate, bool is_requests) {
  switch (rate.counted) {
    case Counted::all:
      return is_requests ? "requests rate" : "rate";
    case Counted::status:
      return std::to_string(rate.status) + " rate";
    case Counted::status_class:
      return std::to_string(rate.status) + "xx rate";
    case Counted::error:
      return "error rate";
    case Counted::exceptions:
      return "exceptions rate";
    case Counted::failure:
      return "failure rate";
    case Counted::retries:
      return "retries rate";
    case Counted::matching:
      break;
  }
  return "rate";
}

std::string observed_text(Observed observed) {
  if (observed == Observed::latency) return " latency";
  return observed == Observed::cpu ? " cpu" : "";
}

std::string measure_text(const Metric& metric) {
  if (const auto* rate = std::get_if<RateMeasure>(&metric.measure)) {
    return rate_text(*rate, std::holds_alternative<RequestsSubject>(metric.subject));
  }
  if (const auto* quantile = std::get_if<QuantileMeasure>(&metric.measure)) {
    return "p" + percent_text(quantile->quantile) + observed_text(quantile->observed);
  }
  if (const auto* aggregate = std::get_if<AggregateMeasure>(&metric.measure)) {
    return std::string(word_of(aggregate->kind)) + observed_text(aggregate->observed);
  }
  if (const auto* gauge = std::get_if<GaugeMeasure>(&metric.measure)) {
    return gauge->kind == GaugeMeasure::Kind::value ? "" : std::string(word_of(gauge->kind));
  }
  return std::holds_alternative<StalledMeasure>(metric.measure) ? "stalled" : "growth";
}

std::string subject_text(const Subject& subject) {
  if (std::holds_alternative<InvocationsSubject>(subject)) return "invocations";
  if (const auto* probe = std::get_if<ProbeSubject>(&subject)) {
    return "probe " + name_text(probe->name);
  }
  if (const auto* queue = std::get_if<QueueSubject>(&subject)) {
    return (queue->is_expression ? "queue ~" : "queue ") + quote(queue->name);
  }
  if (const auto* metric = std::get_if<MetricSubject>(&subject)) {
    return "metric " + name_text(metric->name);
  }
  if (const auto* prometheus = std::get_if<PrometheusSubject>(&subject)) {
    return "prometheus " + name_text(prometheus->name);
  }
  return {};
}

std::string metric_text(const Metric& metric) {
  std::string out;
  if (metric.scope == Scope::candidate) out = "candidate ";
  if (metric.scope == Scope::baseline) out = "baseline ";
  const bool is_invocations = std::holds_alternative<InvocationsSubject>(metric.subject);
  const std::string subject = subject_text(metric.subject);
  const std::string measure = measure_text(metric);
  out += subject;
  if (is_invocations) out += labels_text(metric.labels);
  if (!subject.empty() && !measure.empty()) out += ' ';
  out += measure;
  if (!is_invocations) out += labels_text(metric.labels);
  return out;
}

std::string term_text(const Term& term) {
  if (const auto* quantity = std::get_if<Quantity>(&term.operand)) return quantity_text(*quantity);
  std::string out = metric_text(std::get<Metric>(term.operand));
  if (term.factor == 1) return out;
  return decimal_text(term.factor) + " x " + out;
}

std::string side_text(const Side& side) {
  std::string out = term_text(side.first);
  if (side.second) out.append(side.subtract ? " - " : " + ").append(term_text(*side.second));
  return out;
}

/// The window that `over` wrote. A newest value has none; beside it a default was taken, not
/// written.
std::optional<Duration> window_of(const Side& side) {
  std::optional<Duration> out;
  for (const Term* term : {&side.first, side.second ? &*side.second : nullptr}) {
    const auto* metric = term == nullptr ? nullptr : std::get_if<Metric>(&term->operand);
    if (metric == nullptr) continue;
    if (!metric->over) return std::nullopt;
    out = metric->over;
  }
  return out;
}

bool has_metric(const Side& side) {
  return std::holds_alternative<Metric>(side.first.operand) ||
         (side.second && std::holds_alternative<Metric>(side.second->operand));
}

std::string comparison_text(const Comparison& comparison) {
  static constexpr std::string_view kCompares[] = {" > ", " >= ", " < ", " <= "};
  const auto left = window_of(comparison.left);
  const auto right = window_of(comparison.right);
  // One window at the end serves both sides, unless they differ.
  const bool own = left && has_metric(comparison.right) && left != right;
  std::string out = side_text(comparison.left);
  if (own) out += " over " + format_duration(*left);
  out += kCompares[static_cast<std::size_t>(comparison.compare)];
  out += side_text(comparison.right);
  const bool left_has_none = !left && has_metric(comparison.left);
  const auto end = left_has_none ? std::nullopt : right ? right : own ? std::nullopt : left;
  if (end) out += " over " + format_duration(*end);
  return out;
}

/// "by 25%" from 1.25, without the rounding of the subtraction.
std::string excess_text(double factor) {
  return decimal_text(std::round((factor - 1) * 1e12) / 1e10) + "%";
}

std::string worse_text(const WorseThan& worse) {
  if (worse.what == WorseThan::What::both) return "candidate worse than baseline";
  if (worse.what == WorseThan::What::latency) {
    return "candidate latency worse than baseline by " + excess_text(worse.latency_factor);
  }
  std::string out = "candidate error rate worse than baseline by ";
  if (worse.rho == 1) return out + quantity_text({worse.filter_points, Dimension::points});
  return out + excess_text(worse.rho);
}

std::string condition_text(const Condition& condition);

std::string joined(const std::vector<Condition>& conditions, std::string_view joint) {
  std::string out;
  for (const Condition& condition : conditions) {
    if (!out.empty()) out += joint;
    const bool in_brackets = joint == " and " && std::holds_alternative<AnyOf>(condition.node);
    out += in_brackets ? "(" + condition_text(condition) + ")" : condition_text(condition);
  }
  return out;
}

struct ConditionText {
  std::string operator()(const Comparison& comparison) const { return comparison_text(comparison); }
  std::string operator()(const WorseThan& worse) const { return worse_text(worse); }
  std::string operator()(const ProbeFails& probe) const {
    return "probe " + name_text(probe.probe) + " fails " + std::to_string(probe.failures) + " of " +
           std::to_string(probe.of);
  }
  std::string operator()(const NoData& no_data) const {
    const std::string from = no_data.source.empty() ? "" : " from " + name_text(no_data.source);
    return "no data" + from + " for " + format_duration(no_data.lasts);
  }
  std::string operator()(const SamplingFrom& sampling) const {
    return "sampling from " + name_text(sampling.source) + " for " +
           format_duration(sampling.lasts);
  }
  std::string operator()(const AnyOf& any) const { return joined(any.conditions, " or "); }
  std::string operator()(const AllOf& all) const { return joined(all.conditions, " and "); }
};

std::string condition_text(const Condition& condition) {
  return std::visit(ConditionText{}, condition.node);
}

}  // namespace

std::string normal_form(const Sentence& sentence) {
  bool worse_than = false;
  for_each_condition(sentence.when, [&](const Condition& leaf) {
    worse_than = worse_than || std::holds_alternative<WorseThan>(leaf.node);
  });
  std::string out = condition_text(sentence.when);
  if (sentence.samples_min) {
    out += ", min " + std::to_string(*sentence.samples_min) + " ";
    out += word_of(sentence.floor);
  }
  if (sentence.hold_for > Duration::zero()) {
    out += ", for " + format_duration(sentence.hold_for);
    if (sentence.hold_within) out += " of " + format_duration(*sentence.hold_within);
  }
  if (worse_than) out += ", confidence " + percent_text(sentence.confidence) + "%";
  if (sentence.unknown_fails) out += ", else fail";
  return out;
}

}  // namespace belay::rules
