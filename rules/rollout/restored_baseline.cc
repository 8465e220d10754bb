#include "rules/rollout/restored_baseline.h"

#include <algorithm>
#include <cmath>

#include "base/sanitize.h"
#include "rules/judgement/default_rules.h"
#include "rules/language/conditions.h"

namespace belay::rules {
namespace {

bool compares(const Rule& rule) { return mentions_baseline(rule.sentence.when); }

/// Whether it is a limit for the share of requests that fail, of every kind and on every route.
bool limits_errors(const Condition& condition) {
  if (const auto* any = std::get_if<AnyOf>(&condition.node))
    return std::ranges::any_of(any->conditions, limits_errors);
  bool found = false;
  for_each_metric(condition, [&found](const Metric& metric) {
    const auto* rate = std::get_if<RateMeasure>(&metric.measure);
    if (rate == nullptr || !rate->is_share) return;
    const bool is_5xx = rate->counted == Counted::status_class && rate->status == 5;
    found = found || ((rate->counted == Counted::error || is_5xx) && metric.labels.empty() &&
                      std::holds_alternative<RequestsSubject>(metric.subject));
  });
  return found;
}
bool limits_errors(const Rule& rule) {
  return !compares(rule) && limits_errors(rule.sentence.when);
}

/// Whether the value of its evidence is the candidate's alone, and the threshold the baseline's.
bool tells_apart(const Rule& rule) {
  const auto* comparison = std::get_if<Comparison>(&rule.sentence.when.node);
  if (!compares(rule) || comparison == nullptr || comparison->left.second) return false;
  const auto* metric = std::get_if<Metric>(&comparison->left.first.operand);
  return metric != nullptr && metric->scope != Scope::baseline;
}

/// Whether it compares numbers that are comparable at any traffic, and known, so that what was put
/// back can be told from what failed.
bool is_measured(const JudgedRule& rule, const std::vector<Evidence>& fired) {
  const std::vector<Evidence>& evidence = rule.status().evidence;
  return tells_apart(rule.rule()) && fired.size() == 1 && evidence.size() == 1 &&
         fired.front().has_value && evidence.front().has_value && evidence.front().of_events;
}

/// Halfway, as what was allowed was the baseline's own number, which goes up and down by chance.
bool is_like_the_candidate(double value, const Evidence& fired) {
  return std::fabs(value - fired.value) < std::fabs(value - fired.threshold);
}

}  // namespace

std::vector<const Rule*> errors_beside(const std::vector<const Rule*>& watching,
                                       const std::vector<Rule>& defaults,
                                       const std::vector<RuleBefore>& before,
                                       const PairCounts& counts, const RolloutPlan& plan) {
  const Rule& errors = defaults[static_cast<std::size_t>(RolloutRule::errors)];
  const bool is_told_by_rules = std::ranges::any_of(watching, [&](const Rule* rule) {
    return limits_errors(*rule) || (!plan.is_judged_by_default && !compares(*rule));
  });
  const auto known = std::ranges::find(before, errors.name, &RuleBefore::rule);
  const PairCounts::Of& baseline = counts[Role::baseline];
  const bool was_bad = known != before.end() && known->truth == Truth::bad;
  const bool is_as_bad = static_cast<double>(baseline.bad) >
                         plan.limits.error_rate * static_cast<double>(baseline.total);
  const bool is_unknown = known == before.end() && baseline.total == 0;
  if (is_told_by_rules || was_bad || is_as_bad || is_unknown) return {};
  return {&errors};
}

std::optional<std::string> doubt_of_restored(const std::vector<JudgedRule>& rules,
                                             std::size_t asked, const std::vector<Evidence>& fired,
                                             const std::string& restored) {
  const JudgedRule& first = rules.front();
  const bool is_known = is_measured(first, fired);
  if (is_known) {
    const Evidence& now = first.status().evidence.front();
    const Evidence& then = fired.front();
    if (is_like_the_candidate(now.value, then))
      return sanitize(restored) +
             " is as the candidate was: " + words_of(now.value, now.dimension) +
             ", where the candidate had " + words_of(then.value, now.dimension) + " and " +
             words_of(then.threshold, now.dimension) + " were allowed";
  }
  const auto end = rules.begin() + static_cast<std::ptrdiff_t>(asked);
  const bool is_told_by_rules = std::any_of(
      rules.begin(), end, [](const JudgedRule& rule) { return !compares(rule.rule()); });
  const bool is_told_beside = std::any_of(
      end, rules.end(), [](const JudgedRule& rule) { return rule.status().truth == Truth::fine; });
  if (is_known || is_told_by_rules || is_told_beside) return std::nullopt;
  return "its rules compare with the baseline, which is what was put back, and nothing else is "
         "known of " +
         sanitize(restored);
}

}  // namespace belay::rules
