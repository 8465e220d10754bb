#include "rules/language/metric_grammar.h"

#include <array>
#include <cmath>

#include "rules/language/words.h"

namespace belay::rules {
namespace {

constexpr std::array<std::string_view, 27> kMetricWords = {
    "candidate", "baseline",   "invocations", "probe",   "queue",   "metric", "prometheus",
    "error",     "exceptions", "requests",    "failure", "retries", "rate",   "p95",
    "mean",      "max",        "latency",     "depth",   "waiting", "active", "delayed",
    "failed",    "oldest",     "stalled",     "growth",  "sum",     "last"};
constexpr std::array<std::string_view, 2> kObservedWords = {"latency", "cpu"};
constexpr std::array<std::string_view, 1> kRateWord = {"rate"};
constexpr std::string_view kMetricWanted = "a metric like `error rate` or `p95 latency`";

/// Builds one metric; each step returns false once it has reported a fault.
class MetricReader {
 public:
  explicit MetricReader(Cursor& cursor) : cursor_(cursor) {}

  std::optional<SyntaxMetric> read() {
    const Span begin = cursor_.peek().span;
    read_scope();
    if (!read_subject()) return std::nullopt;
    if (!is_prometheus_ && !read_measure()) return std::nullopt;
    if (cursor_.peek().is_symbol("{") && !read_labels()) return std::nullopt;
    out_.span = begin.to(cursor_.last());
    out_.text = cursor_.slice(out_.span);
    for (const SyntaxLabel& label : out_.labels) out_.metric.labels.push_back(label.match);
    settle_bare_rate();
    return std::move(out_);
  }

 private:
  void read_scope() {
    out_.scope = cursor_.peek().span;
    if (cursor_.take_word("candidate")) {
      out_.metric.scope = Scope::candidate;
    } else if (cursor_.take_word("baseline")) {
      out_.metric.scope = Scope::baseline;
    }
  }

  bool read_subject() {
    const Span begin = cursor_.peek().span;
    out_.metric.subject = RequestsSubject{};
    if (cursor_.take_word("invocations")) {
      out_.metric.subject = InvocationsSubject{};
      if (cursor_.peek().is_symbol("{") && !read_labels()) return false;
    } else if (cursor_.take_word("probe")) {
      const auto name = cursor_.name("a probe");
      if (!name) return false;
      out_.metric.subject = ProbeSubject{*name};
    } else if (cursor_.take_word("queue")) {
      if (!read_queue()) return false;
    } else if (cursor_.take_word("metric")) {
      const auto name = cursor_.name("a metric");
      if (!name) return false;
      out_.metric.subject = MetricSubject{*name};
    } else if (cursor_.take_word("prometheus")) {
      const auto name = cursor_.name("a Prometheus query");
      if (!name) return false;
      out_.metric.subject = PrometheusSubject{*name};
      out_.metric.measure = GaugeMeasure{GaugeMeasure::Kind::value};
      is_prometheus_ = true;
    } else {
      out_.subject = {begin.column, 0};
      out_.measure = begin;
      return true;
    }
    out_.subject = begin.to(cursor_.last());
    out_.measure = out_.subject;
    out_.measure_text = cursor_.slice(out_.subject);
    return true;
  }

  /// A bare `rate` counts what status and outcome select; without them, everything there is.
  void settle_bare_rate() {
    auto* rate = std::get_if<RateMeasure>(&out_.metric.measure);
    const Subject& subject = out_.metric.subject;
    const bool is_calls = std::holds_alternative<RequestsSubject>(subject) ||
                          std::holds_alternative<InvocationsSubject>(subject);
    if (rate == nullptr || rate->counted != Counted::matching || !is_calls) return;
    const bool selects =
        std::any_of(out_.labels.begin(), out_.labels.end(), [](const SyntaxLabel& label) {
          return label.match.name == LabelName::status || label.match.name == LabelName::outcome;
        });
    const bool is_bare_requests =
        std::holds_alternative<RequestsSubject>(subject) && out_.labels.empty();
    if (!selects && !is_bare_requests) rate->counted = Counted::all;
  }

  bool read_queue() {
    const bool is_expression = cursor_.take_symbol("~");
    if (is_expression && cursor_.peek().kind != Token::Kind::string) {
      cursor_.unexpected("an expression in quotes, like ~\"mail-.*\",");
      return false;
    }
    const auto name = cursor_.name("a queue");
    if (!name) return false;
    out_.metric.subject = QueueSubject{*name, is_expression};
    return true;
  }

  bool read_measure() {
    const Token& token = cursor_.peek();
    if (!read_measure_words(token)) return false;
    if (!out_.has_measure) return true;
    out_.measure = token.span.to(cursor_.last());
    out_.measure_text = cursor_.slice(out_.measure);
    return true;
  }

  bool read_measure_words(const Token& token) {
    if (token.kind == Token::Kind::status_class || token.kind == Token::Kind::number) {
      return read_status_rate(token);
    }
    if (token.kind == Token::Kind::word) {
      if (token.text == "rate") return take(RateMeasure{Counted::matching});
      if (const auto counted = counted_word(token.text)) {
        cursor_.next();
        out_.says_requests = token.text == "requests";
        return finish_rate({*counted});
      }
      if (const auto quantile = quantile_shape(token.text)) return read_quantile(*quantile);
      if (token.text == "mean") return read_aggregate(AggregateMeasure::Kind::mean);
      if (token.text == "max") return read_aggregate(AggregateMeasure::Kind::max);
      if (token.text == "sum") return read_aggregate(AggregateMeasure::Kind::sum);
      if (token.text == "last") return read_aggregate(AggregateMeasure::Kind::last);
      if (token.text == "stalled") return take(StalledMeasure{});
      if (token.text == "growth") return take(GrowthMeasure{});
      if (const auto gauge = queue_gauge(token.text)) return take(GaugeMeasure{*gauge});
      if (token.text == "latency") {
        out_.is_bare_latency = true;
        return take(QuantileMeasure{0.5, Observed::latency});
      }
    }
    if (std::holds_alternative<MetricSubject>(out_.metric.subject) &&
        (token.kind == Token::Kind::symbol || token.is_word("over"))) {
      out_.has_measure = false;  // the type check says which measures there are
      return true;
    }
    cursor_.unexpected(kMetricWanted, kMetricWords);
    return false;
  }

  static std::optional<Counted> counted_word(std::string_view word) {
    if (word == "error") return Counted::error;
    if (word == "exceptions") return Counted::exceptions;
    if (word == "requests") return Counted::all;
    if (word == "failure") return Counted::failure;
    if (word == "retries") return Counted::retries;
    return std::nullopt;
  }

  bool take(Measure measure) {
    cursor_.next();
    out_.metric.measure = measure;
    return true;
  }

  bool read_status_rate(const Token& token) {
    cursor_.next();
    RateMeasure rate{token.kind == Token::Kind::status_class ? Counted::status_class
                                                             : Counted::status};
    const double status = token.measured.quantity.value;
    if (rate.counted == Counted::status &&
        (token.text.size() != 3 || status < 100 || status > 599)) {
      cursor_.complaints().error(token.span, "a status is a number from 100 to 599, or 4xx, 5xx");
    } else {
      rate.status = static_cast<std::uint16_t>(status);
    }
    return finish_rate(rate);
  }

  bool finish_rate(RateMeasure rate) {
    out_.metric.measure = rate;
    if (cursor_.take_word("rate")) return true;
    cursor_.unexpected("`rate`", kRateWord);
    return false;
  }

  void read_observed() {
    if (cursor_.take_word("latency")) out_.observed = Observed::latency;
    if (!out_.observed && cursor_.take_word("cpu")) out_.observed = Observed::cpu;
  }

  /// A word that should have been "latency" or "cpu".
  bool observed_is_misspelt() {
    const Token& token = cursor_.peek();
    if (out_.observed || token.kind != Token::Kind::word || token.text == "over" ||
        token.text == "worse" || suggest(token.text, kObservedWords).empty()) {
      return false;
    }
    cursor_.unexpected("`latency` or `cpu`", kObservedWords);
    return true;
  }

  bool read_quantile(double quantile) {
    const Span span = cursor_.next().span;
    if (quantile < 0.01 || quantile > 0.9999) {
      cursor_.complaints().error(span, "quantiles go from p1 to p99.99");
    }
    read_observed();
    out_.metric.measure = QuantileMeasure{quantile, out_.observed.value_or(Observed::value)};
    return !observed_is_misspelt();
  }

  bool read_aggregate(AggregateMeasure::Kind kind) {
    cursor_.next();
    read_observed();
    out_.metric.measure = AggregateMeasure{kind, out_.observed.value_or(Observed::value)};
    return !observed_is_misspelt();
  }

  bool read_labels() {
    cursor_.next();
    do {
      if (!read_label()) return false;
    } while (cursor_.take_symbol(","));
    if (cursor_.take_symbol("}")) return true;
    cursor_.unexpected("`,` or `}`");
    return false;
  }

  bool read_label() {
    const Token& name = cursor_.peek();
    if (name.kind != Token::Kind::word) {
      cursor_.unexpected("a label: route, method, status, outcome or type");
      return false;
    }
    cursor_.next();
    const auto known = label_name(name.text);
    if (!known) {
      cursor_.complaints().error(name.span,
                                 "\"" + std::string(name.text) +
                                     "\" is no label: route, method, status, outcome and type are",
                                 suggest(name.text, label_names()));
    }
    static constexpr std::array<std::string_view, 4> kTests = {"=", "!=", "=~", "!~"};
    SyntaxLabel label{{known.value_or(LabelName::route), LabelTest::equal, {}}, name.span, {}};
    const Token& test = cursor_.peek();
    const auto found = std::find(kTests.begin(), kTests.end(), test.text);
    if (test.kind != Token::Kind::symbol || found == kTests.end()) {
      cursor_.unexpected("=, !=, =~ or !~");
      return false;
    }
    cursor_.next();
    label.match.test = static_cast<LabelTest>(found - kTests.begin());
    const Token& text = cursor_.peek();
    if (text.kind != Token::Kind::string) {
      if (text.kind == Token::Kind::word || text.kind == Token::Kind::number) {
        cursor_.complaints().error(text.span, "a label's value stands in quotes", quote(text.text));
        cursor_.next();
        return true;
      }
      cursor_.unexpected("a value in quotes");
      return false;
    }
    cursor_.next();
    label.text = text.span;
    label.match.text = text.string;
    if (known) out_.labels.push_back(std::move(label));
    return true;
  }

  Cursor& cursor_;
  SyntaxMetric out_;
  bool is_prometheus_ = false;
};

}  // namespace

std::optional<SyntaxMetric> read_metric(Cursor& cursor) { return MetricReader(cursor).read(); }

}  // namespace belay::rules
