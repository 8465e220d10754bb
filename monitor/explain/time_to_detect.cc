#include "monitor/explain/time_to_detect.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/time.h"
#include "monitor/config/sentence_needs.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

Duration whole_seconds(double time) {
  return std::chrono::ceil<std::chrono::seconds>(std::chrono::duration<double>(time));
}

/// The shortest fault that makes a comparison bad, if from one moment on everything is bad and
/// before it nothing was, at a steady rate. Nothing if that depends on more than the sentence.
std::optional<Duration> soonest_of(const rules::Comparison& comparison) {
  const auto* metric = std::get_if<rules::Metric>(&comparison.left.first.operand);
  const auto* threshold = std::get_if<rules::Quantity>(&comparison.right.first.operand);
  if (metric == nullptr || threshold == nullptr) return std::nullopt;
  if (!metric->over) return Duration{0};
  const double window = seconds(*metric->over);
  if (const auto* rate = std::get_if<rules::RateMeasure>(&metric->measure);
      rate && rate->is_share) {
    return whole_seconds(window * threshold->value);
  }
  if (const auto* quantile = std::get_if<rules::QuantileMeasure>(&metric->measure)) {
    return whole_seconds(window * (1 - quantile->quantile));
  }
  return std::nullopt;
}

std::optional<Duration> soonest(const rules::Condition& condition) {
  if (const auto* comparison = std::get_if<rules::Comparison>(&condition.node)) {
    return soonest_of(*comparison);
  }
  if (const auto* silence = std::get_if<rules::NoData>(&condition.node)) return silence->lasts;
  if (const auto* sampling = std::get_if<rules::SamplingFrom>(&condition.node))
    return sampling->lasts;
  std::optional<Duration> all;
  if (const auto* any = std::get_if<rules::AnyOf>(&condition.node)) {
    for (const rules::Condition& one : any->conditions) {
      if (const auto time = soonest(one)) all = std::min(all.value_or(*time), *time);
    }
  }
  if (const auto* every = std::get_if<rules::AllOf>(&condition.node)) {
    for (const rules::Condition& one : every->conditions) {
      const auto time = soonest(one);
      if (!time) return std::nullopt;
      all = std::max(all.value_or(*time), *time);
    }
  }
  return all;
}

const char* name_of(rules::Floor floor) {
  switch (floor) {
    case rules::Floor::requests:
      return "requests";
    case rules::Floor::invocations:
      return "invocations";
    case rules::Floor::samples:
      return "samples";
    case rules::Floor::jobs:
      return "jobs";
  }
  return "samples";
}

}  // namespace

std::vector<std::string> time_to_detect(const rules::Sentence& sentence) {
  std::vector<std::string> lines;
  if (const auto* fails = std::get_if<rules::ProbeFails>(&sentence.when.node)) {
    lines.push_back(
        fmt::format("at the {}th failure of the last {} probes", fails->failures, fails->of));
  } else if (const auto bad = soonest(sentence.when)) {
    const Duration all = *bad + sentence.hold_for;
    std::string line = format_duration(all) + " after everything turns bad";
    if (sentence.hold_for > Duration::zero())
      line += fmt::format(": {} until the condition holds, {} of it", format_duration(*bad),
                          format_duration(sentence.hold_for));
    lines.push_back(std::move(line));
  } else {
    std::string line = "depends on how far the value lies from its threshold";
    if (sentence.hold_for > Duration::zero())
      line += ", and " + format_duration(sentence.hold_for) + " of it";
    lines.push_back(std::move(line));
  }
  if (sentence.hold_within) {
    lines.push_back(
        fmt::format("{} bad of the last {} are enough: short recoveries do not reset it",
                    format_duration(sentence.hold_for), format_duration(*sentence.hold_within)));
  }
  if (sentence.samples_min) {
    lines.push_back(fmt::format("not before the window holds {} {}; with fewer it is unknown",
                                *sentence.samples_min, name_of(sentence.floor)));
  }
  return lines;
}

std::vector<std::string> what_feeds(const rules::Sentence& sentence) {
  const SentenceNeeds needs = needs_of(sentence);
  std::vector<std::string> feeds;
  if (needs.requests) feeds.emplace_back("requests in the service's logs");
  for (const std::string& probe : needs.probes) feeds.push_back("probe " + probe);
  for (const rules::QueueSubject& queue : needs.queues) {
    feeds.push_back(fmt::format("queue{} {}", queue.is_expression ? "s like" : "", queue.name));
  }
  for (const std::string& name : needs.measurements) feeds.push_back("metric " + name);
  for (const std::string& name : needs.prometheus) feeds.push_back("Prometheus, " + name);
  for (const std::string& name : needs.sources) feeds.push_back("the liveness of source " + name);
  if (needs.versions) feeds.emplace_back("a gate: it compares versions");
  if (feeds.empty()) feeds.emplace_back("the liveness of the service's sources");
  std::ranges::sort(feeds);
  const auto repeated = std::ranges::unique(feeds);
  feeds.erase(repeated.begin(), repeated.end());
  return feeds;
}

}  // namespace belay::monitor
