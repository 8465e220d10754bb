#include <algorithm>
#include <utility>

#include "rules/language/syntax.h"
#include "rules/language/units.h"
#include "rules/language/words.h"

namespace belay::rules {
namespace {

constexpr Duration kWindowMin = std::chrono::seconds{5};
constexpr Duration kWindowMax = std::chrono::hours{24};
constexpr Duration kStalledWindow = std::chrono::minutes{1};

/// What a metric can be compared as: one dimension, or what the other side makes of it.
struct Fit {
  enum class Kind : std::uint8_t { one, share_or_per_second, any } kind{};
  Dimension dimension{};

  [[nodiscard]] bool allows(Dimension wanted) const {
    switch (kind) {
      case Kind::one:
        return wanted == dimension;
      case Kind::share_or_per_second:
        return wanted == Dimension::share || wanted == Dimension::per_second;
      case Kind::any:
        return wanted != Dimension::points;
    }
    return false;
  }
};

struct FitOfMeasure {
  Fit operator()(const RateMeasure& rate) const {
    if (rate.counted == Counted::all || rate.counted == Counted::retries) {
      return {Fit::Kind::one, Dimension::per_second};
    }
    return {Fit::Kind::share_or_per_second, {}};
  }
  Fit operator()(const QuantileMeasure& quantile) const { return of(quantile.observed); }
  Fit operator()(const AggregateMeasure& aggregate) const { return of(aggregate.observed); }
  Fit operator()(const GaugeMeasure& gauge) const {
    if (gauge.kind == GaugeMeasure::Kind::value) return {Fit::Kind::any, {}};
    if (gauge.kind == GaugeMeasure::Kind::oldest) return {Fit::Kind::one, Dimension::duration};
    return {Fit::Kind::one, Dimension::count};
  }
  Fit operator()(const StalledMeasure&) const { return {Fit::Kind::one, Dimension::count}; }
  Fit operator()(const GrowthMeasure&) const { return {Fit::Kind::one, Dimension::per_second}; }

 private:
  static Fit of(Observed observed) {
    if (observed == Observed::value) return {Fit::Kind::any, {}};
    return {Fit::Kind::one, Dimension::duration};
  }
};

Fit fit_of(const SyntaxMetric& syntax) { return std::visit(FitOfMeasure{}, syntax.metric.measure); }

/// A newest value needs no window; everything else is about one.
bool needs_window(const Metric& metric) {
  if (std::holds_alternative<GaugeMeasure>(metric.measure)) return false;
  const auto* aggregate = std::get_if<AggregateMeasure>(&metric.measure);
  return aggregate == nullptr || aggregate->kind != AggregateMeasure::Kind::last;
}

std::string quoted(const SyntaxMetric& metric) { return "`" + metric.measure_text + "`"; }

class ComparisonTypes {
 public:
  ComparisonTypes(const SyntaxComparison& syntax, Complaints& complaints)
      : syntax_(syntax), complaints_(complaints), errors_before_(complaints.errors()) {
    gather(syntax.left);
    gather(syntax.right);
  }

  std::optional<Comparison> run() {
    if (metrics_.empty()) {
      complaints_.error(syntax_.span, "two numbers are compared: one side has to be a metric");
      return std::nullopt;
    }
    for (const SyntaxMetric* metric : metrics_) check_words(*metric);
    if (failed()) {
      check_windows_only();
      return std::nullopt;
    }
    if (resolve()) check_numbers();
    Comparison out{typed(syntax_.left, syntax_.left.over ? syntax_.left.over : syntax_.right.over),
                   syntax_.compare, typed(syntax_.right, syntax_.right.over)};
    if (failed()) return std::nullopt;
    return out;
  }

 private:
  [[nodiscard]] bool failed() const { return complaints_.errors() > errors_before_; }

  void gather(const SyntaxSide& side) {
    for (const SyntaxTerm& term : side.terms) {
      if (const auto* metric = std::get_if<SyntaxMetric>(&term.operand)) {
        metrics_.push_back(metric);
      } else {
        numbers_.push_back(&std::get<SyntaxQuantity>(term.operand));
      }
    }
  }

  void check_words(const SyntaxMetric& metric) {
    if (metric.is_bare_latency && !std::holds_alternative<MetricSubject>(metric.metric.subject)) {
      complaints_.error(metric.measure, "which latency? Write `p95 latency` or `mean latency`",
                        "p95 latency");
      return;
    }
    check_metric(metric, complaints_);
  }

  /// What makes the dimension of the comparison: a metric that has only one, else the numbers.
  bool resolve() {
    for (const SyntaxMetric* metric : metrics_) {
      const Fit fit = fit_of(*metric);
      if (fit.kind == Fit::Kind::one) return settle(fit.dimension);
    }
    for (const SyntaxMetric* metric : metrics_) {
      if (fit_of(*metric).kind == Fit::Kind::share_or_per_second) return resolve_rate(*metric);
    }
    for (const SyntaxQuantity* number : numbers_) {
      if (number->quantity.dimension != Dimension::points)
        return settle(number->quantity.dimension);
    }
    return settle(numbers_.empty() ? Dimension::count : Dimension::share);
  }

  bool resolve_rate(const SyntaxMetric& metric) {
    const auto has = [this](Dimension dimension) {
      return std::any_of(numbers_.begin(), numbers_.end(), [dimension](const auto* number) {
        return number->quantity.dimension == dimension;
      });
    };
    if (has(Dimension::per_second)) return settle(Dimension::per_second);
    if (has(Dimension::share) || has(Dimension::points) || numbers_.empty() || is_added()) {
      return settle(Dimension::share);
    }
    const double value = numbers_.front()->number;
    const std::string number = decimal_text(value);
    const bool is_plain = numbers_.front()->quantity.dimension == Dimension::count;
    // Other languages have 0.05 for 5%.
    const bool is_fraction = value > 0 && value < 1;
    const std::string percent = is_fraction ? percent_text(value) : number;
    complaints_.error(numbers_.front()->span,
                      quoted(metric) + " is a share or a rate per second: write " +
                          (is_plain ? percent : "5") + "% or " + (is_plain ? number : "5") + "/s",
                      is_plain ? percent + "%" : "");
    return false;
  }

  /// A number stands beside a metric: "baseline error rate + 1".
  [[nodiscard]] bool is_added() const {
    return syntax_.left.terms.size() + syntax_.right.terms.size() > 2;
  }

  bool settle(Dimension dimension) {
    dimension_ = dimension;
    for (const SyntaxMetric* metric : metrics_) {
      const Fit fit = fit_of(*metric);
      if (fit.allows(dimension)) continue;
      complaints_.error(
          metric->measure,
          quoted(*metric) + " is " +
              std::string(fit.kind == Fit::Kind::one ? described(fit.dimension)
                                                     : "a share or a rate per second") +
              ", the rest of the comparison is " + std::string(described(dimension)));
      return false;
    }
    return true;
  }

  void check_numbers() {
    check_side(syntax_.left, syntax_.right);
    check_side(syntax_.right, syntax_.left);
  }

  void check_side(const SyntaxSide& side, const SyntaxSide& other) {
    const SyntaxQuantity* number = nullptr;
    const SyntaxTerm* metric = nullptr;
    for (const SyntaxTerm& term : side.terms) {
      if (const auto* quantity = std::get_if<SyntaxQuantity>(&term.operand)) {
        if (number != nullptr) {
          return complaints_.error(side.span, "two numbers: write what they make together");
        }
        number = quantity;
      } else {
        metric = &term;
      }
    }
    if (number == nullptr) return;
    if (dimension_ == Dimension::share) return check_share(*number, metric, side, other);
    if (number->quantity.dimension == dimension_) return check_foregone(*number, side, other);
    if (number->quantity.dimension == Dimension::share && metric != nullptr) {
      return refuse_percent_of(*number, *metric, side, "");
    }
    refuse_unit(*number);
  }

  static bool is_difference(const SyntaxSide& side) {
    return side.terms.size() == 2 && side.subtract &&
           std::holds_alternative<SyntaxMetric>(side.terms[0].operand) &&
           std::holds_alternative<SyntaxMetric>(side.terms[1].operand);
  }

  void check_share(const SyntaxQuantity& number, const SyntaxTerm* addend_to,
                   const SyntaxSide& side, const SyntaxSide& other) {
    const std::string text = decimal_text(number.number);
    const std::string points = text + (number.number == 1 ? " point" : " points");
    const bool wants_points = addend_to != nullptr || is_difference(other);
    const Dimension wanted = wants_points ? Dimension::points : Dimension::share;
    if (number.quantity.dimension == wanted) {
      if (!wants_points) check_foregone(number, side, other);
      return;
    }
    if (!wants_points) {
      return complaints_.error(number.span,
                               "a share is in percent: write " + text +
                                   "%; points are "
                                   "for a difference of shares",
                               text + "%");
    }
    if (addend_to == nullptr) {
      return complaints_.error(
          number.span, "a difference of shares is in points: write `" + points + "`", points);
    }
    refuse_percent_of(number, *addend_to, side, points);
  }

  /// What is bad whatever happens takes back what is healthy; and a rule that nothing can make bad
  /// is one that nobody knows to be missing.
  void check_foregone(const SyntaxQuantity& number, const SyntaxSide& side,
                      const SyntaxSide& other) {
    const SyntaxTerm& term = other.terms[0];
    const auto* metric = std::get_if<SyntaxMetric>(&term.operand);
    if (metric == nullptr || other.terms.size() > 1 || side.terms.size() > 1 || term.factor <= 0)
      return;
    // All the others are never negative.
    if (fit_of(*metric).kind == Fit::Kind::any ||
        std::holds_alternative<GrowthMeasure>(metric->metric.measure))
      return;
    const bool is_on_the_left = &side == &syntax_.left;
    const bool is_for_more = (syntax_.compare == Compare::greater ||
                              syntax_.compare == Compare::greater_equal) != is_on_the_left;
    const bool is_strict = syntax_.compare == Compare::greater || syntax_.compare == Compare::less;
    const auto refuse = [&](const std::string& why) { complaints_.error(number.span, why, ""); };
    const Measure& measure = metric->metric.measure;
    const bool is_of_time = std::holds_alternative<QuantileMeasure>(measure) ||
                            std::holds_alternative<AggregateMeasure>(measure);
    if (is_for_more && number.number <= 0 && (!is_strict || is_of_time))
      return refuse("nothing is less than zero here: all is bad, whatever happens" +
                    std::string(dimension_ == Dimension::share ? "; write `> 0%`" : ""));
    if (dimension_ != Dimension::share || !std::holds_alternative<RateMeasure>(measure)) return;
    const double most = 100 * term.factor;
    if (!is_for_more && (is_strict ? number.number > most : number.number >= most))
      return refuse("no share is more than 100%: all is bad, whatever happens");
    if (is_for_more && (is_strict ? number.number >= most : number.number > most))
      refuse("no share is more than 100%: nothing can ever make this bad" +
             std::string(number.number == most ? "; write `>= " + decimal_text(most) + "%` for all"
                                               : ""));
  }

  /// "baseline error rate + 1%": of the share, or a percent of what it is?
  void refuse_percent_of(const SyntaxQuantity& number, const SyntaxTerm& metric,
                         const SyntaxSide& side, const std::string& points) {
    const std::string sign = side.subtract ? "- " : "+ ";
    std::string write = points.empty() ? "" : "`" + sign + points + "`";
    const bool is_percent = number.quantity.dimension == Dimension::share;
    const double percent = side.subtract ? -number.number : number.number;
    const bool number_is_second = std::holds_alternative<SyntaxQuantity>(side.terms.back().operand);
    if (is_percent && metric.factor == 1 && number_is_second && 100 + percent > 0) {
      const std::string factor = percent_text((100 + percent) / 10000);
      if (!write.empty()) write += ", or ";
      write += "`" + factor + " x " + std::get<SyntaxMetric>(metric.operand).text + "`";
    }
    std::string message =
        points.empty() ? "a percentage cannot be added to " + std::string(described(dimension_))
                       : "a difference of shares is in points";
    if (!write.empty()) message += ": write " + write;
    complaints_.error(number.span, std::move(message), points);
  }

  void refuse_unit(const SyntaxQuantity& number) {
    const SyntaxMetric& metric = *metrics_.front();
    const bool is_plain = number.quantity.dimension == Dimension::count;
    const std::string text = decimal_text(number.number);
    std::string message = quoted(metric) + " is " + std::string(described(dimension_));
    std::string write;
    switch (dimension_) {
      case Dimension::duration: {
        const bool is_age = std::holds_alternative<GaugeMeasure>(metric.metric.measure);
        message +=
            is_plain ? ": write " + text + (is_age ? "m" : "ms") : ": write it in ms, s or m";
        if (is_plain) write = text + (is_age ? "m" : "ms");
        break;
      }
      case Dimension::per_second:
        message += is_plain ? ": write " + text + "/s" : ": write it like 10/s";
        if (is_plain) write = text + "/s";
        break;
      case Dimension::bytes:
        message += ": write it in B, KB or MB";
        break;
      default:
        message += ": write it without a unit";
        break;
    }
    complaints_.error(number.span, std::move(message), std::move(write));
  }

  Side typed(const SyntaxSide& side, const std::optional<SyntaxWindow>& window) {
    Side out;
    out.first = typed(side.terms[0], window);
    out.subtract = side.subtract;
    if (side.terms.size() == 2) out.second = typed(side.terms[1], window);
    if (&side == &syntax_.left && side.over && !has_metric(side)) {
      complaints_.error(side.over->span, "a number has no window");
    }
    return out;
  }

  static bool has_metric(const SyntaxSide& side) {
    return std::any_of(side.terms.begin(), side.terms.end(), [](const SyntaxTerm& term) {
      return std::holds_alternative<SyntaxMetric>(term.operand);
    });
  }

  Term typed(const SyntaxTerm& term, const std::optional<SyntaxWindow>& window) {
    if (const auto* number = std::get_if<SyntaxQuantity>(&term.operand)) {
      return {1, number->quantity};
    }
    const auto& syntax = std::get<SyntaxMetric>(term.operand);
    Metric metric = syntax.metric;
    if (auto* rate = std::get_if<RateMeasure>(&metric.measure)) {
      rate->is_share = dimension_ == Dimension::share;
    }
    set_scale(metric, syntax);
    set_window(metric, syntax, window);
    return {term.factor, std::move(metric)};
  }

  void set_scale(Metric& metric, const SyntaxMetric& syntax) {
    if (fit_of(syntax).kind != Fit::Kind::any || dimension_ == Dimension::count) return;
    auto* named = std::get_if<MetricSubject>(&metric.subject);
    auto* prometheus = std::get_if<PrometheusSubject>(&metric.subject);
    const std::string& name = named != nullptr ? named->name : prometheus->name;
    const auto unit = unit_in_name(name, dimension_);
    (named != nullptr ? named->to_base : prometheus->to_base) = unit.value_or(1);
    if (unit || dimension_ != Dimension::duration) return;
    complaints_.warning(syntax.subject,
                        "the name says no unit: its values are read as seconds. End "
                        "it in _ms, _us or _seconds");
  }

  void set_window(Metric& metric, const SyntaxMetric& syntax,
                  const std::optional<SyntaxWindow>& window) {
    if (window) {
      metric.over = window->over;
    } else if (std::holds_alternative<StalledMeasure>(metric.measure)) {
      metric.over = kStalledWindow;
    } else if (needs_window(metric)) {
      complaints_.error(syntax.span, quoted(syntax) +
                                         " needs a window: add `over 1m` behind the "
                                         "comparison");
    }
  }

  /// When the words are wrong already, the windows can still be judged.
  void check_windows_only() {
    if (syntax_.left.over || syntax_.right.over) return;
    for (const SyntaxMetric* metric : metrics_) {
      if (!metric->has_measure || metric->is_bare_latency) continue;
      Metric copy = metric->metric;
      set_window(copy, *metric, std::nullopt);
    }
  }

  const SyntaxComparison& syntax_;
  Complaints& complaints_;
  std::size_t errors_before_;
  std::vector<const SyntaxMetric*> metrics_;
  std::vector<const SyntaxQuantity*> numbers_;
  Dimension dimension_ = Dimension::count;
};

}  // namespace

void check_window(Duration window, Span span, Complaints& complaints) {
  if (window >= kWindowMin && window <= kWindowMax) return;
  complaints.error(span, "a window lasts from 5s to 24h", window < kWindowMin ? "5s" : "24h");
}

std::optional<Comparison> type_comparison(const SyntaxComparison& syntax, Complaints& complaints) {
  return ComparisonTypes(syntax, complaints).run();
}

}  // namespace belay::rules
