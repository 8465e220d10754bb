#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "exporters/metric_families.h"
#include "exporters/metrics_page.h"

namespace belay::exporters {
namespace {

using rules::Evidence;
using rules::RuleStatus;
using rules::Snapshot;

template <typename Each>
void per_rule(const Snapshot& snapshot, Each each) {
  for (const rules::ServiceStatus& service : snapshot.services) {
    for (const RuleStatus& rule : service.rules) each(std::string_view(service.name), rule);
  }
}

/// What tells the conditions of one sentence apart: their words, numbered where they recur.
std::string condition_name(const RuleStatus& rule, std::size_t index) {
  std::size_t same_before = 0;
  for (std::size_t i = 0; i < index; ++i) {
    if (rule.evidence[i].what == rule.evidence[index].what) ++same_before;
  }
  std::string name = rule.evidence[index].what;
  if (same_before > 0) name.append(" #").append(std::to_string(same_before + 1));
  return name;
}

/// `value_of(evidence)`: an optional.
template <typename ValueOf>
void per_condition(const Snapshot& snapshot, MetricsText& text, Metric metric, ValueOf value_of) {
  open(text, metric);
  per_rule(snapshot, [&](std::string_view service, const RuleStatus& rule) {
    for (std::size_t i = 0; i < rule.evidence.size(); ++i) {
      const auto value = value_of(rule.evidence[i]);
      if (!value) continue;
      const std::string condition = condition_name(rule, i);
      text.sample({{"service", service}, {"rule", rule.rule}, {"condition", condition}}, *value);
    }
  });
}

}  // namespace

void write_rules(const Snapshot& snapshot, MetricsText& text) {
  open(text, Metric::rule_state);
  per_rule(snapshot, [&](std::string_view service, const RuleStatus& rule) {
    using rules::Truth;
    for (const Truth state : {Truth::fine, Truth::bad, Truth::unknown}) {
      text.sample({{"service", service}, {"rule", rule.rule}, {"state", name_of(state)}},
                  as_flag(rule.truth == state));
    }
  });
  open(text, Metric::rule_firing);
  per_rule(snapshot, [&](std::string_view service, const RuleStatus& rule) {
    const char* severity = name_of(rule.severity);
    text.sample({{"service", service}, {"rule", rule.rule}, {"severity", severity}},
                as_flag(rule.firing));
  });
  per_condition(snapshot, text, Metric::rule_value, [](const Evidence& evidence) {
    return evidence.has_value ? std::optional(evidence.value) : std::nullopt;
  });
  per_condition(snapshot, text, Metric::rule_threshold,
                [](const Evidence& evidence) { return std::optional(evidence.threshold); });
  per_condition(snapshot, text, Metric::rule_samples,
                [](const Evidence& evidence) { return std::optional(evidence.denominator); });
}

}  // namespace belay::exporters
