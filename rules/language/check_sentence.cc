#include <algorithm>
#include <cmath>

#include "rules/language/conditions.h"
#include "rules/language/false_alarms.h"
#include "rules/language/sentence_grammar.h"
#include "rules/language/words.h"

namespace belay::rules {
namespace {

/// What a floor counts for a metric; nothing where no samples are counted.
std::optional<Floor> counted_in(const Metric& metric) {
  const bool counts = std::holds_alternative<RateMeasure>(metric.measure) ||
                      std::holds_alternative<QuantileMeasure>(metric.measure) ||
                      std::holds_alternative<AggregateMeasure>(metric.measure);
  if (!counts) return std::nullopt;
  if (std::holds_alternative<RequestsSubject>(metric.subject)) return Floor::requests;
  if (std::holds_alternative<InvocationsSubject>(metric.subject)) return Floor::invocations;
  if (std::holds_alternative<QueueSubject>(metric.subject)) return Floor::jobs;
  return Floor::samples;
}

const Metric* metric_of(const Term& term) { return std::get_if<Metric>(&term.operand); }

bool is_share_or_quantile(const Metric& metric) {
  if (std::holds_alternative<QuantileMeasure>(metric.measure)) return true;
  const auto* rate = std::get_if<RateMeasure>(&metric.measure);
  return rate != nullptr && rate->is_share;
}

/// "error rate > 5%" with the metric alone on one side and a number alone on the other.
struct Plain {
  const Metric* metric = nullptr;
  const Quantity* threshold = nullptr;
  bool bad_above = true;
};
std::optional<Plain> plain(const Comparison& comparison) {
  if (comparison.left.second || comparison.right.second) return std::nullopt;
  const bool metric_left = metric_of(comparison.left.first) != nullptr;
  const Term& metric = metric_left ? comparison.left.first : comparison.right.first;
  const Term& number = metric_left ? comparison.right.first : comparison.left.first;
  const auto* threshold = std::get_if<Quantity>(&number.operand);
  if (threshold == nullptr || metric_of(metric) == nullptr || metric.factor != 1) return {};
  const bool greater =
      comparison.compare == Compare::greater || comparison.compare == Compare::greater_equal;
  return Plain{metric_of(metric), threshold, greater == metric_left};
}

/// The share that is bad when exceeded.
double exceeded_share(const Plain& comparison) {
  const auto* quantile = std::get_if<QuantileMeasure>(&comparison.metric->measure);
  const double share = quantile != nullptr ? 1 - quantile->quantile : comparison.threshold->value;
  const bool is_above = comparison.bad_above;
  if (quantile != nullptr) return is_above ? share : quantile->quantile;
  return is_above ? share : 1 - share;
}

std::string whole_percent(double share) {
  const long percent = std::lround(share * 100);
  return percent == 0 ? "under 1%" : std::to_string(percent) + "%";
}

std::string risk_text(const Comparison& comparison, Floor floor) {
  const std::string unit(word_of(floor));
  const auto simple = plain(comparison);
  const double share = simple ? exceeded_share(*simple) : 0;
  if (!simple) {
    return "without `min` ten " + unit +
           " can decide: of two equal versions one is then above the "
           "other in up to half of the windows; add `min 50 " +
           unit + "` or more";
  }
  if (share <= 0 || share >= 1) {
    return "without `min` a single one of the " + unit + " can decide; add `min 50 " + unit + "`";
  }
  const FalseAlarmRisk risk = risk_without_floor(share);
  std::string text = "without `min` ten " + unit +
                     " can decide: a healthy service, half way to the threshold, is then bad in " +
                     whole_percent(risk.chance) + " of the windows";
  if (risk.samples_min) {
    text += "; `min " + std::to_string(*risk.samples_min) + " " + unit + "` makes that 1%";
  }
  return text;
}

void warn_without_floor(const Comparison& comparison, Span span, Complaints& complaints) {
  std::optional<Floor> floor;
  for_each_metric(comparison, [&](const Metric& metric) {
    if (is_share_or_quantile(metric) && !floor) floor = counted_in(metric);
  });
  if (floor) complaints.warning(span, risk_text(comparison, *floor));
}

void check_floor(const Sentence& sentence, Span span, Complaints& complaints) {
  bool counts = false;
  std::optional<Floor> other;
  for_each_condition(sentence.when, [&](const Condition& leaf) {
    const auto meet = [&](Floor floor) {
      counts = true;
      if (floor != sentence.floor && sentence.floor != Floor::samples) other = floor;
    };
    if (std::holds_alternative<WorseThan>(leaf.node)) meet(Floor::requests);
    for_each_metric(leaf, [&](const Metric& metric) {
      if (const auto floor = counted_in(metric)) meet(*floor);
    });
  });
  const std::string count = std::to_string(*sentence.samples_min);
  if (!counts) {
    complaints.error(span, "`min` counts samples, and no condition here has any");
  } else if (other) {
    complaints.error(span,
                     "`min` holds for each condition, and one counts " +
                         std::string(word_of(*other)) + ", not " +
                         std::string(word_of(sentence.floor)) + ": write `min " + count +
                         " samples` for all kinds",
                     "min " + count + " samples");
  }
}

}  // namespace

void check_sentence(const Sentence& sentence, const SentenceGrammar& places,
                    Complaints& complaints) {
  bool worse_than = false;
  for_each_condition(sentence.when, [&](const Condition& leaf) {
    worse_than = worse_than || std::holds_alternative<WorseThan>(leaf.node);
    const auto* comparison = std::get_if<Comparison>(&leaf.node);
    if (comparison != nullptr && !sentence.samples_min) {
      warn_without_floor(*comparison, {leaf.column, leaf.length}, complaints);
    }
  });
  if (sentence.samples_min) check_floor(sentence, *places.min_at, complaints);
  if (places.confidence_at && !worse_than) {
    complaints.error(*places.confidence_at, "`confidence` goes with `worse than` only");
  }
}

}  // namespace belay::rules
