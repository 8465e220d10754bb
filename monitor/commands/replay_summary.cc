#include "monitor/commands/replay_summary.h"

#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/sanitize.h"
#include "exporters/json.h"
#include "rules/judgement/guarded_rules.h"

namespace belay::monitor {

using nlohmann::ordered_json;

namespace {

std::string never_fired(const Fired& fired, const rules::Snapshot& end) {
  constexpr int kLinesMax = 20;
  std::string text;
  int lines = 0;
  for (const rules::ServiceStatus& service : end.services) {
    for (const rules::RuleStatus& rule : service.rules) {
      if (fired.contains({rule.service, rule.rule}) || ++lines > kLinesMax) continue;
      const std::string kind =
          rule.unknown ? fmt::format(" ({})", rules::name_of(*rule.unknown)) : "";
      text += sanitize(fmt::format("{} {} never fired; {}{} at the end", rule.service, rule.rule,
                                   rules::name_of(rule.truth), kind)) +
              "\n";
    }
  }
  if (lines > kLinesMax) text += fmt::format("… and {} more that never fired\n", lines - kLinesMax);
  return text;
}

}  // namespace

std::string without_baseline() {
  return fmt::format(
      "no --baseline: nothing is compared, and the default judgement acts on errors only after {}; "
      "a recording does not tell which version was good before",
      format_duration(rules::GuardedRules::alone_for(rules::GuardedRule::errors)));
}

std::string documents_text(const Replay::Summary& summary, const Style& style) {
  std::string text = fmt::format("{} documents, {} used",
                                 style.bold(std::to_string(summary.documents)), summary.used);
  std::uint64_t rejected = 0;
  std::string reasons;
  for (const auto& [reason, count] : summary.rejected) {
    rejected += count;
    reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", count, reason);
  }
  text += rejected == 0 ? ", none rejected" : fmt::format(", {} rejected ({})", rejected, reasons);
  if (summary.first) {
    text += fmt::format("; {} from {}",
                        format_duration(std::chrono::round<std::chrono::milliseconds>(
                            *summary.last - *summary.first)),
                        format_utc(*summary.first));
  }
  return text + "\n";
}

ordered_json summary_json(const Replay::Summary& summary) {
  ordered_json json{{"documents", summary.documents}, {"used", summary.used},
                    {"rejected", summary.rejected},   {"events", summary.events},
                    {"bytes", summary.bytes},         {"steps", summary.steps}};
  if (summary.first) {
    json["first"] = format_utc(*summary.first);
    json["last"] = format_utc(*summary.last);
  }
  return json;
}

std::string rules_text(const Replay::Summary& summary, const Fired& fired,
                       const std::optional<rules::Snapshot>& end, const Style& style) {
  std::string text = documents_text(summary, style);
  if (summary.used == 0) return text + "nothing was judged: there is no document to judge\n";
  if (fired.empty()) text += "no rule fired\n";
  for (const auto& [rule, times] : fired) {
    text += fmt::format("{} {} fired {}\n", sanitize(rule.first), style.bold(sanitize(rule.second)),
                        times == 1 ? "once" : fmt::format("{} times", times));
  }
  return text + (end ? never_fired(fired, *end) : "");
}

ordered_json rules_json(const Fired& fired, const std::optional<rules::Snapshot>& end) {
  ordered_json rules = ordered_json::array();
  if (!end) return rules;
  for (const rules::ServiceStatus& service : end->services) {
    for (const rules::RuleStatus& status : service.rules) {
      ordered_json rule = exporters::json_of(status);
      const auto times = fired.find({status.service, status.rule});
      rule["fired"] = times == fired.end() ? 0 : times->second;
      rules.push_back(std::move(rule));
    }
  }
  return rules;
}

}  // namespace belay::monitor
