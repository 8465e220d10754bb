#include "rules/language/rule_check.h"

#include <algorithm>

#include "rules/language/conditions.h"
#include "rules/language/words.h"

namespace belay::rules {
namespace {

template <typename Found>
bool any_condition(const Sentence& sentence, const Found& found) {
  bool any = false;
  for_each_condition(sentence.when,
                     [&](const Condition& condition) { any = any || found(condition); });
  return any;
}

template <typename Found>
bool any_metric(const Sentence& sentence, const Found& found) {
  return any_condition(sentence, [&](const Condition& condition) {
    bool any = false;
    for_each_metric(condition, [&](const Metric& metric) { any = any || found(metric); });
    return any;
  });
}

bool is_of_calls(const Metric& metric) {
  return std::holds_alternative<RequestsSubject>(metric.subject) ||
         std::holds_alternative<InvocationsSubject>(metric.subject);
}

}  // namespace

std::optional<std::string> refused_action(const Sentence& sentence, const Then& then) {
  if (then.kind == Then::Kind::pause || then.kind == Then::Kind::alert) return std::nullopt;
  const bool is_blindness = any_condition(sentence, [](const Condition& condition) {
    return std::holds_alternative<NoData>(condition.node) ||
           std::holds_alternative<SamplingFrom>(condition.node);
  });
  if (!is_blindness) return std::nullopt;
  return "`no data` and `sampling` can only pause or alert: blindness never rolls back";
}

bool needs_rollout(const Sentence& sentence) {
  return any_condition(sentence,
                       [](const Condition& condition) {
                         return std::holds_alternative<WorseThan>(condition.node);
                       }) ||
         any_metric(sentence, [](const Metric& metric) { return metric.scope != Scope::unscoped; });
}

bool needs_whole(const Sentence& sentence) {
  return any_condition(sentence,
                       [](const Condition& condition) {
                         return std::holds_alternative<WorseThan>(condition.node);
                       }) ||
         any_metric(sentence, [](const Metric& metric) {
           const auto* rate = std::get_if<RateMeasure>(&metric.measure);
           const bool is_share = rate != nullptr && rate->is_share;
           return is_of_calls(metric) &&
                  (is_share || std::holds_alternative<QuantileMeasure>(metric.measure));
         });
}

Duration longest_window(const Sentence& sentence) {
  Duration longest{};
  for_each_condition(sentence.when, [&](const Condition& condition) {
    for_each_metric(condition, [&](const Metric& metric) {
      longest = std::max(longest, metric.over.value_or(Duration::zero()));
    });
  });
  return longest;
}

std::string then_text(const Then& then) {
  switch (then.kind) {
    case Then::Kind::rollback:
      return "rollback";
    case Then::Kind::reset_flag:
      return "reset flag " + (is_identifier(then.name) ? then.name : quote(then.name));
    case Then::Kind::run:
      return "run " + (is_identifier(then.name) ? then.name : quote(then.name));
    case Then::Kind::pause:
      return "pause";
    case Then::Kind::alert:
      break;
  }
  return "alert";
}

bool rolls_back(const std::vector<Then>& ladder) {
  return std::ranges::any_of(ladder,
                             [](const Then& then) { return then.kind == Then::Kind::rollback; });
}

}  // namespace belay::rules
