#include <algorithm>
#include <array>

#include <re2/re2.h>

#include "rules/language/syntax.h"
#include "rules/language/words.h"

namespace belay::rules {
namespace {

/// One check after the other; the first that fails reports.
class MetricCheck {
 public:
  MetricCheck(const SyntaxMetric& syntax, Complaints& complaints)
      : syntax_(syntax), metric_(syntax.metric), complaints_(complaints) {}

  bool run() {
    const bool measure_fits =
        std::visit([this](const auto& subject) { return fits(subject); }, metric_.subject);
    const bool scope_fits = check_scope();
    return check_labels() && measure_fits && scope_fits;
  }

 private:
  bool refuse(std::string message, std::string suggestion = {}) {
    complaints_.error(syntax_.measure, std::move(message), std::move(suggestion));
    return false;
  }

  [[nodiscard]] const RateMeasure* rate() const {
    return std::get_if<RateMeasure>(&metric_.measure);
  }
  [[nodiscard]] bool is_spread() const {  // a quantile, a mean or a max
    if (std::holds_alternative<QuantileMeasure>(metric_.measure)) return true;
    const auto* aggregate = std::get_if<AggregateMeasure>(&metric_.measure);
    return aggregate != nullptr && (aggregate->kind == AggregateMeasure::Kind::mean ||
                                    aggregate->kind == AggregateMeasure::Kind::max);
  }
  [[nodiscard]] std::string quoted() const { return "`" + syntax_.measure_text + "`"; }

  bool fits(const RequestsSubject&) { return fits_calls(false); }
  bool fits(const InvocationsSubject&) { return fits_calls(true); }

  bool fits_calls(bool invocations) {
    if (const RateMeasure* measured = rate()) return fits_rate_of_calls(*measured, invocations);
    if (!is_spread()) return refuse_of_calls();
    if (syntax_.observed) return true;
    return refuse(quoted() + " of what? Write `" + syntax_.measure_text + " latency` or `" +
                      syntax_.measure_text + " cpu`",
                  syntax_.measure_text + " latency");
  }

  bool fits_rate_of_calls(const RateMeasure& measured, bool invocations) {
    if (measured.counted == Counted::failure || measured.counted == Counted::retries) {
      return refuse(quoted() + " belongs to a queue: write `queue \"NAME\" " +
                    syntax_.measure_text + "`; of requests there is `error rate`");
    }
    if (invocations && syntax_.says_requests) {
      return refuse(
          "requests are one kind of invocation: write `invocations rate` or `requests rate`",
          "rate");
    }
    if (!invocations && measured.counted == Counted::matching && syntax_.labels.empty()) {
      return refuse("a rate of what? Write `requests rate`, `error rate`, `5xx rate` or `429 rate`",
                    "requests rate");
    }
    return true;
  }

  bool refuse_of_calls() {
    if (std::holds_alternative<AggregateMeasure>(metric_.measure)) {
      return refuse(quoted() + " belongs to a metric: write `metric NAME " + syntax_.measure_text +
                    "`");
    }
    return refuse(quoted() + " belongs to a queue: write `queue \"NAME\" " + syntax_.measure_text +
                  "`");
  }

  bool fits(const ProbeSubject& probe) {
    if (const RateMeasure* measured = rate()) {
      if (measured->counted == Counted::failure) return true;
    } else if (is_spread() && syntax_.observed == Observed::latency) {
      return true;
    }
    const std::string name = "`probe " + name_text(probe.name) + " ";
    return refuse("a probe has latencies and failures: write " + name + "p95 latency`, " + name +
                  "failure rate` or " + name + "fails 3 of 5`");
  }

  bool fits(const QueueSubject&) {
    if (std::holds_alternative<GaugeMeasure>(metric_.measure) ||
        std::holds_alternative<StalledMeasure>(metric_.measure) ||
        std::holds_alternative<GrowthMeasure>(metric_.measure)) {
      return true;
    }
    const RateMeasure* measured = rate();
    if (measured != nullptr &&
        (measured->counted == Counted::failure || measured->counted == Counted::retries)) {
      return true;
    }
    return refuse(
        "a queue has depth, waiting, active, delayed, failed, oldest, stalled, growth, "
        "failure rate and retries rate",
        measured != nullptr && measured->counted == Counted::error ? "failure rate" : "");
  }

  bool fits(const MetricSubject& metric) {
    const bool is_aggregate = std::holds_alternative<AggregateMeasure>(metric_.measure);
    const bool is_quantile = std::holds_alternative<QuantileMeasure>(metric_.measure);
    const RateMeasure* measured = rate();
    if (syntax_.has_measure && !syntax_.is_bare_latency) {
      if (measured != nullptr && measured->counted == Counted::matching) return true;
      if ((is_aggregate || is_quantile) && !syntax_.observed) return true;
    }
    const std::string name = "`metric " + name_text(metric.name) + " ";
    return refuse("a metric has a quantile, mean, max, sum, last and rate: write " + name +
                  "p95` or " + name + "last`");
  }

  bool fits(const PrometheusSubject&) { return true; }

  bool check_scope() {
    if (metric_.scope == Scope::unscoped) return true;
    const bool is_queue = std::holds_alternative<QueueSubject>(metric_.subject);
    if (!is_queue && !std::holds_alternative<PrometheusSubject>(metric_.subject)) return true;
    complaints_.error(syntax_.scope, is_queue ? "a queue has no versions, which share it"
                                              : "a Prometheus value has no versions");
    return false;
  }

  bool check_labels() {
    if (syntax_.labels.empty()) return true;
    const bool requests = std::holds_alternative<RequestsSubject>(metric_.subject);
    if (!requests && !std::holds_alternative<InvocationsSubject>(metric_.subject)) {
      complaints_.error(syntax_.labels.front().name,
                        "labels select requests and invocations, nothing else");
      return false;
    }
    bool all_fit = true;
    for (const SyntaxLabel& label : syntax_.labels)
      all_fit = check_label(label, requests) && all_fit;
    return all_fit;
  }

  bool check_label(const SyntaxLabel& label, bool requests) {
    const LabelMatch& match = label.match;
    if (requests && match.name == LabelName::type) {
      complaints_.error(label.name, "requests are fetch events: `type` selects invocations",
                        "invocations{type=" + quote(match.text) + "}");
      return false;
    }
    const bool is_expression = match.test == LabelTest::match || match.test == LabelTest::not_match;
    if (is_expression) return check_expression(match.text, label.text);
    if (match.name == LabelName::type) return check_type(label);
    if (match.name == LabelName::status) return check_status(label);
    return true;
  }

  bool check_type(const SyntaxLabel& label) {
    static constexpr std::array<std::string_view, 7> kTypes = {"fetch", "queue", "cron", "alarm",
                                                               "rpc",   "email", "other"};
    if (std::find(kTypes.begin(), kTypes.end(), label.match.text) != kTypes.end()) return true;
    const std::string meant = suggest(label.match.text, kTypes);
    complaints_.error(label.text,
                      "no such type: fetch, queue, cron, alarm, rpc, email and other are",
                      meant.empty() ? "" : quote(meant));
    return false;
  }

  bool check_status(const SyntaxLabel& label) {
    const std::string& text = label.match.text;
    const bool is_status =
        text.size() == 3 && text[0] >= '1' && text[0] <= '5' &&
        std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (is_status) return true;
    const bool is_class = text.size() == 3 && text.ends_with("xx");
    complaints_.error(label.text, "a status has three digits; a class of them is an expression",
                      is_class ? "status=~\"" + text.substr(0, 1) + "..\"" : "");
    return false;
  }

 public:
  bool check_expression(const std::string& expression, Span span) {
    RE2::Options options;
    options.set_log_errors(false);
    const RE2 compiled(expression, options);
    if (compiled.ok()) return true;
    complaints_.error(span, "not a regular expression (RE2): " + compiled.error());
    return false;
  }

 private:
  const SyntaxMetric& syntax_;
  const Metric& metric_;
  Complaints& complaints_;
};

}  // namespace

bool check_metric(const SyntaxMetric& syntax, Complaints& complaints) {
  MetricCheck check(syntax, complaints);
  const bool fits = check.run();
  const auto* queue = std::get_if<QueueSubject>(&syntax.metric.subject);
  if (queue == nullptr || !queue->is_expression) return fits;
  return check.check_expression(queue->name, syntax.subject) && fits;
}

}  // namespace belay::rules
