#include "tests/rules/language/sentence_dump.h"

#include <array>
#include <charconv>

namespace belay::rules::test {
namespace {

template <typename T>
std::string number(T value) {
  std::array<char, 64> buffer{};
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), written.ptr};
}
template <typename Enum>
std::string index(Enum value) {
  return number(static_cast<int>(value));
}
std::string window(const std::optional<Duration>& over) {
  return over ? number(over->count()) : "none";
}

struct Dump {
  std::string operator()(const RequestsSubject&) const { return "requests"; }
  std::string operator()(const InvocationsSubject&) const { return "invocations"; }
  std::string operator()(const ProbeSubject& probe) const { return "probe<" + probe.name + ">"; }
  std::string operator()(const QueueSubject& queue) const {
    return "queue<" + queue.name + ">" + index(queue.is_expression);
  }
  std::string operator()(const MetricSubject& metric) const {
    return "metric<" + metric.name + ">" + number(metric.to_base);
  }
  std::string operator()(const PrometheusSubject& value) const {
    return "prometheus<" + value.name + ">" + number(value.to_base);
  }

  std::string operator()(const RateMeasure& rate) const {
    return "rate " + index(rate.counted) + " " + number(rate.status) + " " + index(rate.is_share);
  }
  std::string operator()(const QuantileMeasure& quantile) const {
    return "quantile " + number(quantile.quantile) + " " + index(quantile.observed);
  }
  std::string operator()(const AggregateMeasure& aggregate) const {
    return "aggregate " + index(aggregate.kind) + " " + index(aggregate.observed);
  }
  std::string operator()(const GaugeMeasure& gauge) const { return "gauge " + index(gauge.kind); }
  std::string operator()(const StalledMeasure&) const { return "stalled"; }
  std::string operator()(const GrowthMeasure&) const { return "growth"; }

  std::string operator()(const Quantity& quantity) const {
    return number(quantity.value) + " " + index(quantity.dimension);
  }
  std::string operator()(const Metric& metric) const {
    std::string out = "[" + index(metric.scope) + " " + std::visit(Dump{}, metric.subject) + " " +
                      std::visit(Dump{}, metric.measure);
    for (const LabelMatch& label : metric.labels) {
      out += " {" + index(label.name) + index(label.test) + label.text + "}";
    }
    return out + " over " + window(metric.over) + "]";
  }
  std::string term(const Term& term) const {
    return number(term.factor) + " x " + std::visit(Dump{}, term.operand);
  }
  std::string side(const Side& side) const {
    return term(side.first) +
           (side.second ? (side.subtract ? " - " : " + ") + term(*side.second) : "");
  }

  std::string operator()(const Comparison& comparison) const {
    return side(comparison.left) + " ? " + index(comparison.compare) + " " + side(comparison.right);
  }
  std::string operator()(const WorseThan& worse) const {
    return "worse " + index(worse.what) + " " + number(worse.rho) + " " +
           number(worse.latency_factor) + " " + number(worse.filter_points);
  }
  std::string operator()(const ProbeFails& probe) const {
    return "fails <" + probe.probe + "> " + number(probe.failures) + "/" + number(probe.of);
  }
  std::string operator()(const NoData& no_data) const {
    return "no data <" + no_data.source + "> " + number(no_data.lasts.count());
  }
  std::string operator()(const SamplingFrom& sampling) const {
    return "sampling <" + sampling.source + "> " + number(sampling.lasts.count());
  }
  std::string operator()(const AnyOf& any) const { return "any(" + list(any.conditions) + ")"; }
  std::string operator()(const AllOf& all) const { return "all(" + list(all.conditions) + ")"; }
  std::string list(const std::vector<Condition>& conditions) const {
    std::string out;
    for (const Condition& condition : conditions) out += std::visit(Dump{}, condition.node) + "; ";
    return out;
  }
};

}  // namespace

std::string dump(const Sentence& sentence) {
  return std::visit(Dump{}, sentence.when.node) + " min " +
         (sentence.samples_min ? number(*sentence.samples_min) + index(sentence.floor) : "none") +
         " for " + number(sentence.hold_for.count()) + " of " + window(sentence.hold_within) +
         " confidence " + number(sentence.confidence) + " else " + index(sentence.unknown_fails);
}

}  // namespace belay::rules::test
