#include "monitor/doctor/forecast.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <variant>

#include <fmt/format.h>

namespace belay::monitor {
namespace {

using Level = Finding::Level;

/// The longest window that a sentence counts requests in; none if it counts none.
std::optional<Duration> window_of(const rules::Condition& condition) {
  std::optional<Duration> longest;
  const auto consider = [&longest](std::optional<Duration> window) {
    if (window) longest = std::max(longest.value_or(*window), *window);
  };
  if (const auto* comparison = std::get_if<rules::Comparison>(&condition.node)) {
    for (const rules::Side* side : {&comparison->left, &comparison->right}) {
      const auto* metric = std::get_if<rules::Metric>(&side->first.operand);
      if (metric == nullptr || !std::holds_alternative<rules::RequestsSubject>(metric->subject)) {
        continue;
      }
      consider(metric->over);
    }
  }
  if (const auto* any = std::get_if<rules::AnyOf>(&condition.node)) {
    for (const rules::Condition& one : any->conditions) consider(window_of(one));
  }
  if (const auto* all = std::get_if<rules::AllOf>(&condition.node)) {
    for (const rules::Condition& one : all->conditions) consider(window_of(one));
  }
  return longest;
}

/// Down: what is said to be too few must not read as enough.
std::string rounded(double requests) {
  constexpr double kSlack = 1e-6;
  return requests < 10 ? fmt::format("{:.1f}", std::floor(requests * 10 + kSlack) / 10)
                       : fmt::format("{:.0f}", std::floor(requests + kSlack));
}

Finding step_finding(const rules::ServicePlan& plan, const rules::RolloutStep& step, double rate) {
  const double requests = rate * step.percent / 100 * seconds(step.bake);
  const std::string gives = fmt::format("{:g} % for {} gives {} requests", step.percent,
                                        format_duration(step.bake), rounded(requests));
  const std::string about = fmt::format("step {:g}%", step.percent);
  if (requests >= step.samples_min) {
    return {Level::fine, plan.name, about, fmt::format("{}, min {}", gives, step.samples_min)};
  }
  const double needed = step.samples_min / std::max(rate * step.percent / 100, 1e-9);
  const Duration bake = std::chrono::seconds{std::llround(std::ceil(std::min(needed, 1e9)))};
  return {Level::weak, plan.name, about,
          fmt::format("{}, below min {}: will hold; it would take {}", gives, step.samples_min,
                      format_duration(bake))};
}

/// A rule whose window holds too few requests of the candidate to be judged.
std::optional<Finding> rule_finding(const rules::ServicePlan& plan, const rules::Rule& rule,
                                    const rules::RolloutStep& step, double rate) {
  const std::optional<Duration> window = window_of(rule.sentence.when);
  if (!window || !rule.sentence.samples_min || rule.sentence.floor != rules::Floor::requests) {
    return std::nullopt;
  }
  const double requests = rate * step.percent / 100 * seconds(*window);
  if (requests >= *rule.sentence.samples_min) return std::nullopt;
  return Finding{
      Level::weak, plan.name, "rule " + rule.name,
      fmt::format("stays unknown at {:g} %: {} requests in {}, below its min {}", step.percent,
                  rounded(requests), format_duration(*window), *rule.sentence.samples_min)};
}

/// Of a service of queues or probes alone: what is known to be fine is enough at the hard maximum.
Findings forecast_without_logs(const rules::ServicePlan& plan,
                               const std::vector<rules::RolloutStep>& steps) {
  const auto waits = std::ranges::find_if(steps, [](const rules::RolloutStep& step) {
    return step.bake > Duration::zero() && step.samples_min > 0;
  });
  if (waits == steps.end()) return {};
  return {{Level::note, plan.name, "steps",
           fmt::format("there are no logs, so a step waits in vain for its min {} requests: it "
                       "passes by the rules alone, at its hard maximum ({:g} % after {})",
                       waits->samples_min, waits->percent, format_duration(waits->bake_max))}};
}

}  // namespace

Findings forecast(const rules::ServicePlan& plan, const std::vector<rules::RolloutStep>& steps,
                  std::optional<double> requests_per_second) {
  if (!requests_per_second) return forecast_without_logs(plan, steps);
  Findings found;
  if (*requests_per_second <= 0) {
    found.push_back({Level::unknown, plan.name, "steps",
                     "no requests came, so nothing can be said about the evidence of a step"});
    return found;
  }
  for (const rules::RolloutStep& step : steps) {
    if (step.bake <= Duration::zero()) continue;
    found.push_back(step_finding(plan, step, *requests_per_second));
  }
  for (const rules::Rule& rule : plan.rollout_rules) {
    // The step with the least traffic; what it can be judged on in that one, it can in all.
    const auto first = std::ranges::min_element(steps, {}, &rules::RolloutStep::percent);
    if (first == steps.end()) break;
    if (auto finding = rule_finding(plan, rule, *first, *requests_per_second)) {
      found.push_back(std::move(*finding));
    }
  }
  return found;
}

}  // namespace belay::monitor
