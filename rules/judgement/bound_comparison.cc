#include "rules/judgement/bound_comparison.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

namespace belay::rules {
namespace {

const Metric* metric_of(const Term& term) { return std::get_if<Metric>(&term.operand); }

bool has_metric(const Side& side) {
  return metric_of(side.first) != nullptr || (side.second && metric_of(*side.second) != nullptr);
}

template <typename Each>
void for_each_term(const Comparison& comparison, Each each) {
  for (const Side* side : {&comparison.left, &comparison.right}) {
    each(side->first);
    if (side->second) each(*side->second);
  }
}

Compare mirrored(Compare compare) {
  switch (compare) {
    case Compare::greater:
      return Compare::less;
    case Compare::greater_equal:
      return Compare::less_equal;
    case Compare::less:
      return Compare::greater;
    case Compare::less_equal:
      return Compare::greater_equal;
  }
  return compare;
}

bool is_less(Compare compare) { return compare == Compare::less || compare == Compare::less_equal; }

/// Of what is measured, if the measure alone says it.
std::optional<Dimension> dimension_of(const Metric& metric) {
  if (const auto* rate = std::get_if<RateMeasure>(&metric.measure))
    return rate->is_share ? Dimension::share : Dimension::per_second;
  const auto of_observed = [](Observed observed) -> std::optional<Dimension> {
    if (observed == Observed::value) return std::nullopt;
    return Dimension::duration;
  };
  if (const auto* quantile = std::get_if<QuantileMeasure>(&metric.measure))
    return of_observed(quantile->observed);
  if (const auto* aggregate = std::get_if<AggregateMeasure>(&metric.measure))
    return of_observed(aggregate->observed);
  if (std::holds_alternative<GrowthMeasure>(metric.measure)) return Dimension::per_second;
  if (const auto* gauge = std::get_if<GaugeMeasure>(&metric.measure)) {
    if (gauge->kind == GaugeMeasure::Kind::oldest) return Dimension::duration;
    if (gauge->kind == GaugeMeasure::Kind::value) return std::nullopt;
  }
  return Dimension::count;
}

/// "pQ > T" and its like can be counted instead of estimated.
std::optional<ExactThreshold> exact_threshold(const Comparison& comparison) {
  const Metric* metric = metric_of(comparison.left.first);
  const auto* quantity = std::get_if<Quantity>(&comparison.right.first.operand);
  if (metric == nullptr || quantity == nullptr || comparison.left.second || comparison.right.second)
    return std::nullopt;
  if (!std::holds_alternative<QuantileMeasure>(metric->measure)) return std::nullopt;
  if (comparison.left.first.factor <= 0) return std::nullopt;
  const bool or_equal =
      comparison.compare == Compare::greater_equal || comparison.compare == Compare::less;
  return ExactThreshold{
      .value = quantity->value * comparison.right.first.factor / comparison.left.first.factor,
      .or_equal = or_equal};
}

/// Of calls, by the second.
const RateMeasure* rate_of_calls(const Metric& metric) {
  const auto* rate = std::get_if<RateMeasure>(&metric.measure);
  const bool is_of_calls = std::holds_alternative<RequestsSubject>(metric.subject) ||
                           std::holds_alternative<InvocationsSubject>(metric.subject);
  return rate != nullptr && !rate->is_share && is_of_calls ? rate : nullptr;
}

/// Whether it is the rate of what some of them do.
bool is_of_some(const RateMeasure& rate, const std::vector<LabelMatch>& labels) {
  return rate.counted != Counted::all || std::ranges::any_of(labels, [](const LabelMatch& label) {
           return label.name == LabelName::status || label.name == LabelName::outcome;
         });
}

}  // namespace

const QueueSubject* queue_of(const Comparison& comparison) {
  const QueueSubject* found = nullptr;
  for_each_term(comparison, [&found](const Term& term) {
    if (const Metric* metric = metric_of(term))
      if (const auto* queue = std::get_if<QueueSubject>(&metric->subject)) found = queue;
  });
  return found;
}

Comparison metric_first(Comparison comparison) {
  if (has_metric(comparison.left)) return comparison;
  std::swap(comparison.left, comparison.right);
  comparison.compare = mirrored(comparison.compare);
  return comparison;
}

Dimension dimension_of(const Comparison& comparison) {
  std::optional<Dimension> of_metric;
  std::optional<Dimension> of_quantity;
  for_each_term(comparison, [&](const Term& term) {
    if (const Metric* metric = metric_of(term)) {
      if (!of_metric) of_metric = dimension_of(*metric);
    } else if (!of_quantity) {
      of_quantity = std::get<Quantity>(term.operand).dimension;
    }
  });
  return of_metric.value_or(of_quantity.value_or(Dimension::count));
}

bool is_of_events(const Comparison& comparison) {
  const Metric* metric = metric_of(comparison.left.first);
  if (metric == nullptr || std::holds_alternative<QueueSubject>(metric->subject)) return false;
  if (const auto* rate = std::get_if<RateMeasure>(&metric->measure)) return rate->is_share;
  if (const auto* aggregate = std::get_if<AggregateMeasure>(&metric->measure))
    return aggregate->kind == AggregateMeasure::Kind::mean;
  return std::holds_alternative<QuantileMeasure>(metric->measure);
}

bool mentions_baseline(const Condition& condition) {
  const auto any = [](const std::vector<Condition>& conditions) {
    return std::any_of(conditions.begin(), conditions.end(), mentions_baseline);
  };
  if (const auto* either = std::get_if<AnyOf>(&condition.node)) return any(either->conditions);
  if (const auto* both = std::get_if<AllOf>(&condition.node)) return any(both->conditions);
  if (std::holds_alternative<WorseThan>(condition.node)) return true;
  bool found = false;
  if (const auto* comparison = std::get_if<Comparison>(&condition.node))
    for_each_term(*comparison, [&found](const Term& term) {
      if (const Metric* metric = metric_of(term)) found = found || metric->scope == Scope::baseline;
    });
  return found;
}

bool may_lack_versions(const Condition& condition) {
  const auto any = [](const std::vector<Condition>& conditions) {
    return std::any_of(conditions.begin(), conditions.end(), may_lack_versions);
  };
  if (const auto* either = std::get_if<AnyOf>(&condition.node)) return any(either->conditions);
  if (const auto* both = std::get_if<AllOf>(&condition.node)) return any(both->conditions);
  const auto* comparison = std::get_if<Comparison>(&condition.node);
  if (comparison == nullptr) return !std::holds_alternative<WorseThan>(condition.node);
  bool found = false;
  for_each_term(*comparison, [&found](const Term& term) {
    const Metric* metric = metric_of(term);
    found = found ||
            (metric != nullptr && (std::holds_alternative<ProbeSubject>(metric->subject) ||
                                   std::holds_alternative<QueueSubject>(metric->subject) ||
                                   std::holds_alternative<PrometheusSubject>(metric->subject)));
  });
  return found;
}

BoundComparison::BoundComparison(const Comparison& comparison, const Binding& binding,
                                 ServiceEvidence& evidence, const std::string& queue, Instant now)
    : queue_(queue), compare_(comparison.compare) {
  const std::optional<ExactThreshold> exact = exact_threshold(comparison);
  const bool is_small_fine = !is_less(comparison.compare);
  const auto bind_term = [&](const Term& term, bool is_limited) {
    BoundTerm bound{.factor = term.factor, .quantity = 0, .metric = std::nullopt};
    if (const Metric* metric = metric_of(term)) {
      bound.metric.emplace(*metric, binding, evidence, exact, queue, now);
      bound.moot = moot_without_requests(*metric, is_limited);
    } else {
      bound.quantity = std::get<Quantity>(term.operand).value;
    }
    return bound;
  };
  const auto bind_side = [&](const Side& side, bool is_limited) {
    BoundSide bound{.first = bind_term(side.first, is_limited),
                    .second = std::nullopt,
                    .subtract = side.subtract};
    if (side.second) bound.second = bind_term(*side.second, is_limited != side.subtract);
    return bound;
  };
  left_ = bind_side(comparison.left, is_small_fine);
  right_ = bind_side(comparison.right, !is_small_fine);
}

/// `is_limited`: the smaller it is, the finer. None of none has failed, which is not fine; and with
/// a baseline that has no requests nothing is compared. That none come at all is known, and bad
/// where it is too few.
std::optional<BoundComparison::Moot> BoundComparison::moot_without_requests(const Metric& metric,
                                                                            bool is_limited) {
  const RateMeasure* rate = rate_of_calls(metric);
  if (rate == nullptr) return std::nullopt;
  if (metric.scope == Scope::baseline)
    return Moot{is_limited ? Truth::fine : Truth::bad, UnknownKind::no_baseline};
  if (!is_limited || !is_of_some(*rate, metric.labels)) return std::nullopt;
  return Moot{Truth::fine, UnknownKind::no_traffic};
}

/// One side's value, and all that is wrong with what it was read from.
struct BoundComparison::Sum {
  double value = 0;
  std::optional<Reading> first;  ///< Of its first metric.
  bool is_known = true;
  bool is_covered = true;
  std::vector<Judgement> unknowns;
  std::vector<Moot> moots;
};

void BoundComparison::add(Sum& sum, const BoundSide& side, const ServiceEvidence& evidence,
                          Instant now, std::optional<std::uint32_t> samples_min) {
  const auto add_term = [&](const BoundTerm& term, double sign) {
    if (!term.metric) {
      sum.value += sign * term.factor * term.quantity;
      return;
    }
    const Reading reading = term.metric->read(evidence, now, samples_min);
    if (!sum.first) sum.first = reading;
    if (term.moot && reading.denominator == 0) sum.moots.push_back(*term.moot);
    for (const std::optional<UnknownKind>& kind : {reading.unknown, reading.uncovered})
      if (kind) sum.unknowns.push_back({Truth::unknown, kind});
    sum.is_known = sum.is_known && reading.value && !reading.unknown;
    sum.is_covered = sum.is_covered && !reading.uncovered;
    sum.value += sign * term.factor * reading.value.value_or(0);
  };
  add_term(side.first, 1);
  if (side.second) add_term(*side.second, side.subtract ? -1 : 1);
}

bool BoundComparison::is_bad(double left, double right) const {
  const bool is_negated = is_less(compare_);
  if (left_.first.metric && left_.first.metric->is_exact())
    return left_.first.metric->exceeds() != is_negated;
  switch (compare_) {
    case Compare::greater:
      return left > right;
    case Compare::greater_equal:
      return left >= right;
    case Compare::less:
      return left < right;
    case Compare::less_equal:
      return left <= right;
  }
  return false;
}

Judgement BoundComparison::judge(const ServiceEvidence& evidence, Instant now,
                                 std::optional<std::uint32_t> samples_min, Evidence& told) const {
  Sum left;
  Sum right;
  add(left, left_, evidence, now, samples_min);
  add(right, right_, evidence, now, samples_min);
  told.has_value = left.first && left.first->value.has_value();
  told.value = left.value;
  told.threshold = right.value;
  told.numerator = left.first ? left.first->numerator : 0;
  told.denominator = left.first ? left.first->denominator : 0;
  told.by_wall_time = left.first && left.first->by_wall_time;

  Judgement judgement;
  const bool is_covered = left.is_covered && right.is_covered;
  std::vector<Judgement> unknowns = std::move(left.unknowns);
  unknowns.insert(unknowns.end(), right.unknowns.begin(), right.unknowns.end());
  std::vector<Moot> moots = std::move(left.moots);
  moots.insert(moots.end(), right.moots.begin(), right.moots.end());
  if (!left.is_known || !right.is_known) {
    judgement = any_of(unknowns);
  } else {
    const bool bad = is_bad(left.value, right.value);
    // A histogram's estimate never contradicts what was counted.
    if (bad && compare_ == Compare::greater) told.value = std::max(left.value, right.value);
    const auto moot = std::ranges::find(moots, bad ? Truth::bad : Truth::fine, &Moot::truth);
    if (moot != moots.end() && (is_covered || bad)) {
      judgement = {Truth::unknown, moot->kind};
    } else if (is_covered || (bad && !is_less(compare_))) {
      judgement.truth = bad ? Truth::bad : Truth::fine;
    } else {
      judgement = any_of(unknowns);
    }
  }
  told.truth = judgement.truth;
  told.unknown = judgement.unknown;
  return judgement;
}

Duration BoundComparison::longest_window() const {
  Duration longest{};
  for (const BoundSide* side : {&left_, &right_}) {
    if (side->first.metric) longest = std::max(longest, side->first.metric->over());
    if (side->second && side->second->metric)
      longest = std::max(longest, side->second->metric->over());
  }
  return longest;
}

void BoundComparison::keep(WindowStore& windows) const {
  for (const BoundSide* side : {&left_, &right_}) {
    if (side->first.metric) side->first.metric->keep(windows);
    if (side->second && side->second->metric) side->second->metric->keep(windows);
  }
}

}  // namespace belay::rules
