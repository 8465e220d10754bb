#include "monitor/commands/gate_preview.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/sanitize.h"
#include "monitor/commands/notice_output.h"
#include "monitor/config/lint.h"
#include "rules/judgement/default_rules.h"
#include "rules/judgement/guarded_rules.h"
#include "rules/judgement/verdict.h"
#include "rules/language/rule_check.h"

namespace belay::monitor {
namespace {

constexpr const char* kNoBaseline =
    "none was named: what was promoted or put back last is looked for; without one, comparisons "
    "stay unknown, and nothing is rolled back";

std::string what_on_fail(const rules::ServicePlan& plan, rules::Mode mode,
                         const std::string& baseline) {
  std::vector<std::string> rungs;
  for (const rules::Then& then : plan.on_fail) {
    const bool rolls_back = then.kind == rules::Then::Kind::rollback;
    if (rolls_back && baseline.empty()) {
      rungs.emplace_back("roll back, where a baseline is found");
    } else {
      rungs.push_back(rolls_back ? fmt::format("roll back to {}", baseline) : then_text(then));
    }
  }
  const std::string ladder = fmt::format("{}", fmt::join(rungs, ", if that does not help "));
  switch (mode) {
    case rules::Mode::observe:
      return "nothing (mode observe); in mode enforce: " + ladder;
    case rules::Mode::recommend:
      return "tell what it would do (mode recommend): " + ladder;
    case rules::Mode::enforce:
      return ladder;
  }
  return ladder;
}

/// The default judgement takes its time: a short gate ends before it acts.
std::string why_too_short(const rules::ServicePlan& plan, const std::string& baseline,
                          Duration lasts) {
  if (!plan.rollout.is_judged_by_default) return {};
  const Duration errors = rules::GuardedRules::alone_for(rules::GuardedRule::errors);
  if (baseline.empty() && lasts <= errors)
    return fmt::format(
        "without a baseline default/errors acts after {}, and this gate lasts {}: name --baseline, "
        "or watch for longer",
        format_duration(errors), format_duration(lasts));
  if (baseline.empty() || !plan.rollout.limits.judges_latency ||
      lasts >= rules::GuardedRules::latency_takes())
    return {};
  return fmt::format(
      "default/latency acts after {}, and this gate lasts {}: a version that is only slow ends it "
      "unknown; watch for longer",
      format_duration(rules::GuardedRules::latency_takes()), format_duration(lasts));
}

}  // namespace

GatePreview preview_of(const Config& config, const std::string& service, const GateTarget& target,
                       Duration lasts, std::optional<rules::Mode> asked) {
  const auto plan = std::ranges::find_if(
      config.plan.services, [&](const rules::ServicePlan& one) { return one.name == service; });
  BELAY_CHECK(plan != config.plan.services.end(), "the caller knows the service");
  const rules::Mode mode = asked.value_or(plan->mode);
  GatePreview preview{.mode = std::string{rules::name_of(mode)},
                      .service = service,
                      .candidate = target.candidate,
                      .baseline = target.baseline,
                      .is_baseline_found = target.is_baseline_found,
                      .live = target.live,
                      .lasts = lasts,
                      .on_fail = what_on_fail(*plan, mode, target.baseline),
                      .beware = why_too_short(*plan, target.baseline, lasts),
                      .state = config.state.string()};
  for (const auto* list : {&plan->rules, &plan->rollout_rules}) {
    for (const rules::Rule& rule : *list) {
      preview.rules.emplace_back(rule.name, rule.sentence.text + " → " + then_text(rule.then));
    }
  }
  if (plan->rollout.is_judged_by_default) {
    for (const rules::DefaultRule& rule : rules::default_rules(plan->rollout.limits)) {
      preview.default_rules.emplace_back(rules::name_of(rule.rule), rules::text_of(rule));
    }
    for (const std::string_view probe : probes_without_version(config, service))
      preview.probes_of_nobody.emplace_back(probe);
  }
  for (const SourceConfig& source : config.sources) {
    if (source.service == service || source.service.empty()) preview.sources.push_back(source.name);
  }
  return preview;
}

std::string text_of(const GatePreview& preview, const Style& style) {
  std::string text;
  const auto row = [&](std::string_view name, std::string_view value) {
    text += fmt::format("  {:<10} {}\n", name, sanitize(value, 2000));
  };
  text += fmt::format("{} {}\n", style.bold("gate"), sanitize(preview.service));
  if (!preview.rollout.empty()) row("rollout", preview.rollout);
  row("mode", preview.mode);
  row("candidate", preview.candidate);
  const std::string found = preview.is_baseline_found ? " (the largest other share)" : "";
  row("baseline", preview.baseline.empty() ? kNoBaseline : preview.baseline + found);
  if (!preview.live.empty()) row("live", preview.live);
  row("for", format_duration(preview.lasts));
  if (!preview.beware.empty()) row("beware", preview.beware);
  row("on fail", preview.on_fail);
  row("evidence", fmt::format("{}", fmt::join(preview.sources, ", ")));
  row("state", preview.state);
  for (const auto& [name, sentence] : preview.rules) {
    row("rule", fmt::format("{}: {}", name, sentence));
  }
  for (const auto& [name, sentence] : preview.default_rules) {
    row("default", fmt::format("{}: {}", name, sentence));
  }
  for (const std::string& probe : preview.probes_of_nobody) {
    row("probe", probe +
                     " names no version: while it fails nothing passes, and nothing is rolled "
                     "back for it");
  }
  return text;
}

nlohmann::ordered_json json_of(const GatePreview& preview) {
  nlohmann::ordered_json json{
      {"gate", preview.service},        {"mode", preview.mode},
      {"candidate", preview.candidate}, {"baseline", preview.baseline},
      {"live", preview.live},           {"for_seconds", seconds(preview.lasts)},
      {"on_fail", preview.on_fail},     {"sources", preview.sources},
      {"state", preview.state}};
  if (!preview.rollout.empty()) json["rollout"] = preview.rollout;
  if (!preview.beware.empty()) json["beware"] = preview.beware;
  for (const auto& [name, sentence] : preview.rules) {
    json["rules"].push_back({{"rule", name}, {"sentence", sentence}});
  }
  for (const auto& [name, sentence] : preview.default_rules) {
    json["default_rules"].push_back({{"rule", name}, {"sentence", sentence}});
  }
  if (!preview.probes_of_nobody.empty()) json["probes_without_version"] = preview.probes_of_nobody;
  return json;
}

std::string line_of(const rules::ServiceStatus& service) {
  // The default judgement alone has no rules to count.
  if (service.rules.empty() && service.rollout) return service.rollout->why;
  std::string bad;
  int fine = 0;
  int unknown = 0;
  std::string why_unknown;
  for (const rules::RuleStatus& rule : service.rules) {
    if (rule.truth == rules::Truth::fine) ++fine;
    if (rule.truth == rules::Truth::unknown) {
      ++unknown;
      if (rule.unknown) why_unknown = fmt::format(" ({})", rules::name_of(*rule.unknown));
    }
    if (rule.truth != rules::Truth::bad) continue;
    bad += fmt::format("{} {}", rule.firing ? "✖" : "…", rule.rule);
    if (!rule.evidence.empty()) bad += " " + line_of(rule.evidence.front());
    bad += ", ";
  }
  return fmt::format("{}{} fine, {} unknown{}", bad, fine, unknown, why_unknown);
}

}  // namespace belay::monitor
