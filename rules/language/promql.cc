#include "rules/language/promql.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "rules/language/units.h"
#include "rules/language/words.h"

namespace belay::rules {
namespace {

using Label = std::pair<std::string, std::string>;
using Text = std::optional<std::string>;

std::string window_text(const Metric& metric) {
  const auto over = metric.over.value_or(std::chrono::minutes{1});
  return "[" + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(over).count()) +
         "s]";
}

std::string number_text(const Quantity& quantity) { return decimal_text(quantity.value); }

class PromqlWriter {
 public:
  PromqlWriter(const Sentence& sentence, const std::string& service, bool is_of_rollout)
      : sentence_(sentence), service_(service), is_of_rollout_(is_of_rollout) {}

  Text condition(const Condition& condition) {
    if (const auto* any = std::get_if<AnyOf>(&condition.node)) {
      return joined(any->conditions, " or ");
    }
    if (const auto* all = std::get_if<AllOf>(&condition.node)) {
      return joined(all->conditions, " and on() ");
    }
    if (const auto* comparison = std::get_if<Comparison>(&condition.node)) {
      return of(*comparison);
    }
    if (const auto* no_data = std::get_if<NoData>(&condition.node)) {
      const std::string source = no_data->source;
      const auto labels = source.empty() ? selector({}) : selector({{"source=", source}});
      return "min(belay_source_up" + labels + ") == 0";
    }
    return std::nullopt;
  }

 private:
  Text joined(const std::vector<Condition>& conditions, const std::string& joint) {
    std::string out;
    for (const Condition& one : conditions) {
      const Text text = condition(one);
      if (!text) return std::nullopt;
      out += (out.empty() ? "" : joint) + "(" + *text + ")";
    }
    return out;
  }

  /// `labels` are "name=" or "name=~" and a value.
  [[nodiscard]] std::string selector(std::initializer_list<Label> labels, Scope scope = {}) const {
    std::string out;
    const auto add = [&out](const std::string& name, const std::string& value) {
      out += (out.empty() ? "{" : ", ") + name + quote(value);
    };
    if (!service_.empty()) add("service=", service_);
    if (scope == Scope::candidate) add("role=", "candidate");
    if (scope == Scope::baseline) add("role=", "baseline");
    for (const auto& [name, value] : labels) add(name, value);
    return out.empty() ? out : out + "}";
  }

  Text of(const Comparison& comparison) {
    static constexpr std::string_view kCompares[] = {" > ", " >= ", " < ", " <= "};
    const bool is_less =
        comparison.compare == Compare::less || comparison.compare == Compare::less_equal;
    any_ = is_less ? "min" : "max";
    floors_.clear();
    const Text left = of(comparison.left);
    const Text right = of(comparison.right);
    if (!left || !right) return std::nullopt;
    std::string out = *left;
    out.append(kCompares[static_cast<std::size_t>(comparison.compare)]).append(*right);
    for (const std::string& floor : floors_) out += " and on() " + floor;
    return out;
  }

  Text of(const Side& side) {
    const Text first = of(side.first);
    if (!first || !side.second) return first;
    const Text second = of(*side.second);
    if (!second) return std::nullopt;
    return "(" + *first + (side.subtract ? " - " : " + ") + *second + ")";
  }

  Text of(const Term& term) {
    if (const auto* quantity = std::get_if<Quantity>(&term.operand)) return number_text(*quantity);
    const auto& metric = std::get<Metric>(term.operand);
    Text out = of(metric);
    if (out && term.factor != 1) out = decimal_text(term.factor) + " * (" + *out + ")";
    return out;
  }

  Text of(const Metric& metric) {
    if (std::holds_alternative<RequestsSubject>(metric.subject)) return of_requests(metric);
    if (!metric.labels.empty()) return std::nullopt;
    if (const auto* probe = std::get_if<ProbeSubject>(&metric.subject)) {
      return of_probe(metric, probe->name);
    }
    if (const auto* queue = std::get_if<QueueSubject>(&metric.subject)) {
      return of_queue(metric, {queue->is_expression ? "queue=~" : "queue=", queue->name});
    }
    if (const auto* value = std::get_if<PrometheusSubject>(&metric.subject)) {
      const std::string scale = value->to_base == 1 ? "" : decimal_text(value->to_base) + " * ";
      if (!metric.over)
        return scale + (is_identifier(value->name) ? value->name : "(" + value->name + ")");
      if (!is_identifier(value->name)) return std::nullopt;
      return scale + "avg_over_time(" + value->name + window_text(metric) + ")";
    }
    return std::nullopt;
  }

  static std::string sum_rate(const std::string& series, const Metric& metric) {
    return "sum(rate(" + series + window_text(metric) + "))";
  }

  /// Whose requests are meant.
  [[nodiscard]] Scope scope_of(const Metric& metric) const {
    const bool is_candidates = is_of_rollout_ && metric.scope == Scope::unscoped;
    return is_candidates ? Scope::candidate : metric.scope;
  }

  Text of_requests(const Metric& metric) {
    if (!metric.labels.empty()) return of_route(metric);
    const std::string all = selector({}, scope_of(metric));
    if (sentence_.samples_min && !std::holds_alternative<AggregateMeasure>(metric.measure)) {
      floors_.push_back("sum(increase(belay_requests_total" + all + window_text(metric) +
                        ")) >= " + std::to_string(*sentence_.samples_min));
    }
    if (const auto* rate = std::get_if<RateMeasure>(&metric.measure)) {
      const Text counted = counted_series(*rate, scope_of(metric));
      if (!counted) return std::nullopt;
      const std::string above = sum_rate(*counted, metric);
      return rate->is_share ? above + " / " + sum_rate("belay_requests_total" + all, metric)
                            : above;
    }
    const std::string series = "belay_request_duration_seconds";
    if (const auto* quantile = std::get_if<QuantileMeasure>(&metric.measure)) {
      if (quantile->observed != Observed::latency) return std::nullopt;
      return "histogram_quantile(" + decimal_text(quantile->quantile) + ", sum by (le) (rate(" +
             series + "_bucket" + all + window_text(metric) + ")))";
    }
    const auto* aggregate = std::get_if<AggregateMeasure>(&metric.measure);
    const bool is_mean = aggregate != nullptr && aggregate->kind == AggregateMeasure::Kind::mean &&
                         aggregate->observed == Observed::latency;
    if (!is_mean) return std::nullopt;
    return sum_rate(series + "_sum" + all, metric) + " / " +
           sum_rate(series + "_count" + all, metric);
  }

  [[nodiscard]] Text counted_series(const RateMeasure& rate, Scope scope) const {
    switch (rate.counted) {
      case Counted::all:
        return "belay_requests_total" + selector({}, scope);
      case Counted::status_class:
        return "belay_requests_total" +
               selector({{"code_class=", std::to_string(rate.status) + "xx"}}, scope);
      case Counted::error:
        return "belay_request_errors_total" + selector({}, scope);
      case Counted::exceptions:
        return "belay_request_exceptions_total" + selector({}, scope);
      default:
        return std::nullopt;
    }
  }

  /// Routes have counts of requests and errors, without roles.
  Text of_route(const Metric& metric) {
    static constexpr const char* kTests[] = {"route=", "route!=", "route=~", "route!~"};
    const auto* rate = std::get_if<RateMeasure>(&metric.measure);
    const bool is_route = metric.labels.size() == 1 && metric.labels[0].name == LabelName::route;
    if (rate == nullptr || !is_route || scope_of(metric) != Scope::unscoped) return std::nullopt;
    const std::string labels = selector(
        {{kTests[static_cast<std::size_t>(metric.labels[0].test)], metric.labels[0].text}});
    const std::string all = sum_rate("belay_route_requests_total" + labels, metric);
    if (rate->counted == Counted::all) return all;
    if (rate->counted != Counted::error) return std::nullopt;
    const std::string errors = sum_rate("belay_route_errors_total" + labels, metric);
    return rate->is_share ? errors + " / " + all : errors;
  }

  Text of_probe(const Metric& metric, const std::string& name) {
    const std::string window = window_text(metric);
    if (const auto* rate = std::get_if<RateMeasure>(&metric.measure)) {
      if (metric.scope != Scope::unscoped) return std::nullopt;
      const std::string failed = "sum(rate(belay_probes_total" +
                                 selector({{"probe=", name}, {"result=", "failed"}}) + window +
                                 "))";
      if (!rate->is_share) return failed;
      return failed + " / sum(rate(belay_probes_total" + selector({{"probe=", name}}) + window +
             "))";
    }
    const std::string series =
        "belay_probe_duration_seconds" + selector({{"probe=", name}}, metric.scope) + window;
    if (const auto* quantile = std::get_if<QuantileMeasure>(&metric.measure)) {
      return any_ + "(quantile_over_time(" + decimal_text(quantile->quantile) + ", " + series +
             "))";
    }
    const auto& aggregate = std::get<AggregateMeasure>(metric.measure);
    const bool is_max = aggregate.kind == AggregateMeasure::Kind::max;
    return any_ + (is_max ? "(max_over_time(" : "(avg_over_time(") + series + "))";
  }

  Text of_queue(const Metric& metric, const Label& queue) {
    const std::string window = window_text(metric);
    const auto series = [&](const char* name) { return name + selector({queue}); };
    const auto each = [&](const std::string& expression) { return any_ + "(" + expression + ")"; };
    if (std::holds_alternative<StalledMeasure>(metric.measure)) {
      return each("increase(" + series("belay_queue_stalled_total") + window + ")");
    }
    if (std::holds_alternative<GrowthMeasure>(metric.measure)) {
      return each("deriv(" + series("belay_queue_depth") + window + ")");
    }
    if (const auto* rate = std::get_if<RateMeasure>(&metric.measure)) {
      const auto flow = [&](const char* name) { return "rate(" + series(name) + window + ")"; };
      if (rate->counted == Counted::retries) return each(flow("belay_queue_retries_total"));
      const std::string failed = flow("belay_queue_failed_attempts_total");
      if (!rate->is_share) return each(failed);
      return each(failed + " / (" + flow("belay_queue_completed_total") + " + " + failed + ")");
    }
    const auto& gauge = std::get<GaugeMeasure>(metric.measure);
    std::string value =
        gauge.kind == GaugeMeasure::Kind::depth ? series("belay_queue_depth")
        : gauge.kind == GaugeMeasure::Kind::oldest
            ? series("belay_queue_oldest_seconds")
            : "belay_queue_jobs" + selector({queue, {"state=", std::string(word_of(gauge.kind))}});
    return each(metric.over ? "avg_over_time(" + value + window + ")" : value);
  }

  const Sentence& sentence_;
  const std::string& service_;
  const bool is_of_rollout_;
  std::string any_ = "max";          ///< What makes one value of several series.
  std::vector<std::string> floors_;  ///< Of the comparison that is being written.
};

}  // namespace

std::optional<std::string> nearest_promql(const Sentence& sentence, const std::string& service,
                                          bool is_of_rollout) {
  return PromqlWriter(sentence, service, is_of_rollout).condition(sentence.when);
}

}  // namespace belay::rules
