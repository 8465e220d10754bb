#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/suggest.h"
#include "monitor/config/enum_choice.h"
#include "monitor/config/sections.h"
#include "monitor/config/sentence_needs.h"
#include "rules/language/parser.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

constexpr std::array kModes = {rules::Mode::observe, rules::Mode::recommend, rules::Mode::enforce};

bool is_called(const rules::ServicePlan& plan, const std::string& name) {
  return plan.name == name || std::ranges::find(plan.aliases, name) != plan.aliases.end();
}

bool is_for(const rules::Rule& rule, const rules::ServicePlan& plan) {
  return rule.services.empty() || std::ranges::any_of(rule.services, [&](const std::string& name) {
           return is_called(plan, name);
         });
}

const RuleFile& rule_file(const YamlValue& place, const std::string& reference, Reading& reading) {
  const auto known = reading.rule_files.find(reference);
  if (known != reading.rule_files.end()) return known->second;
  RuleFile file = load_rule_file(reference, reading.directory);
  if (file.is_absent) {
    // What is wrong stands in the line that names it.
    for (const rules::Located& fault : std::exchange(file.faults, {})) {
      place.fault(fault.what.message, fault.what.suggestion);
    }
  }
  reading.rule_file_order.push_back(reference);
  return reading.rule_files.emplace(reference, std::move(file)).first->second;
}

/// Rules that are named as a service's own or as a rollout's.
struct RuleList {
  const rules::ServicePlan& service;
  bool in_rollout = false;
  std::vector<rules::Rule>& into;
};

bool is_new(const YamlValue& place, const std::string& reference, const rules::Rule& rule,
            const std::vector<rules::Rule>& others) {
  const bool taken = std::ranges::any_of(
      others, [&](const rules::Rule& other) { return other.name == rule.name; });
  if (taken)
    place.fault(
        fmt::format("{} has a rule {}, and so has this service already", reference, rule.name));
  return !taken;
}

void add_rules(const YamlValue& place, const std::string& reference, RuleList list,
               const std::vector<rules::Rule>& others, Reading& reading) {
  for (const rules::Rule& rule : rule_file(place, reference, reading).rules) {
    if (!is_for(rule, list.service)) continue;
    if (!is_new(place, reference, rule, list.into) || !is_new(place, reference, rule, others))
      continue;
    if (!list.in_rollout && needs_of(rule.sentence).versions) {
      place.fault(
          fmt::format("{}: rule {} compares versions, and there are none outside a rollout: "
                      "name the file under `rollout: {{ rules: … }}`",
                      reference, rule.name));
      continue;
    }
    list.into.push_back(rule);
  }
}

void read_list(const YamlValue& value, const std::vector<std::string>& otherwise, RuleList list,
               const std::vector<rules::Rule>& others, Reading& reading) {
  if (!value.present()) {
    for (const std::string& pack : otherwise) add_rules(value, pack, list, others, reading);
    return;
  }
  if (value.kind() != YamlValue::Kind::list) {
    value.fault("a list of packs and rule files should stand here",
                "[packs/rollout, rules/gateway.yaml]");
    return;
  }
  for (const YamlValue& one : value.list()) {
    if (const auto reference = one.string()) add_rules(one, *reference, list, others, reading);
  }
}

std::vector<rules::Then> read_ladder(const YamlValue& value) {
  std::vector<rules::Then> ladder;
  for (const YamlValue& rung : value.list()) {
    const auto text = rung.text();
    if (!text) continue;
    const auto then = rules::parse_then(*text);
    if (const auto* wrong = std::get_if<rules::Diagnostic>(&then)) {
      rung.report(*wrong);
      continue;
    }
    const rules::Then& action = std::get<rules::Then>(then);
    if (action.kind == rules::Then::Kind::alert || action.kind == rules::Then::Kind::pause) {
      rung.fault("`on fail` is a ladder of actions: rollback, reset flag NAME, run NAME");
      continue;
    }
    ladder.push_back(action);
  }
  if (value.present() && value.list().empty()) {
    value.fault("a list of what to do, one after the other until it helps, should stand here",
                "[rollback]");
  }
  return ladder;
}

bool has_source(rules::SourceKind kind, const std::string& service, const Reading& reading) {
  return std::ranges::any_of(reading.config.plan.sources, [&](const rules::SourcePlan& source) {
    return source.kind == kind && (source.service == service || source.service.empty());
  });
}

/// What a service has to be judged on, when it names no rules itself.
std::vector<std::string> own_packs(const std::string& service, const Reading& reading) {
  if (!has_source(rules::SourceKind::queue, service, reading)) return {};
  return {"packs/queues"};
}

void read_rollout(const YamlValue& value, ServiceConfig& service, rules::ServicePlan& plan,
                  Reading& reading) {
  const RuleList list{plan, true, plan.rollout_rules};
  // Who wrote no rules of a rollout has it judged by the default judgement, where there are
  // requests.
  plan.rollout.is_judged_by_default = has_source(rules::SourceKind::log, plan.name, reading);
  plan.rollout.watch_for = kWatchFor;
  if (!value.present()) return;
  YamlMap rollout(value, "a rollout");
  const YamlValue written = rollout.get("rules");
  if (written.present()) plan.rollout.is_judged_by_default = false;
  read_list(written, {}, list, plan.rules, reading);
  plan.on_fail = read_ladder(rollout.get("on fail"));
  if (const auto mode = read_mode(rollout.get("mode"))) plan.mode = *mode;
  plan.cooldown = rollout.get("cooldown").duration(0s, 24h * 7).value_or(plan.cooldown);
  const auto most = rollout.get("actions per hour").integer(1, 100);
  plan.actions_per_hour_max = static_cast<std::uint32_t>(most.value_or(plan.actions_per_hour_max));
  read_preflight(rollout.get("preflight"), service, plan, reading);
  plan.verify_for = rollout.get("verify for").duration(1s, 24h).value_or(plan.verify_for);
  read_rollout_plan(rollout, plan);
}

}  // namespace

std::optional<rules::Mode> read_mode(const YamlValue& value) { return choice_of(value, kModes); }

void check_rule_services(const YamlValue& place, const Reading& reading) {
  const std::vector<rules::ServicePlan>& plans = reading.config.plan.services;
  std::vector<std::string_view> names;
  for (const rules::ServicePlan& plan : plans) {
    names.push_back(plan.name);
    names.insert(names.end(), plan.aliases.begin(), plan.aliases.end());
  }
  for (const auto& [reference, file] : reading.rule_files) {
    for (const rules::Rule& rule : file.rules) {
      for (const std::string& name : rule.services) {
        if (std::ranges::find(names, name) != names.end()) continue;
        const auto meant = nearest(name, names);
        place.warning(fmt::format(
            "{}: rule {} is for {}, and no service is called so: it is not "
            "judged for it{}",
            reference, rule.name, name, meant ? fmt::format("; did you mean {}?", *meant) : ""));
      }
    }
  }
}

void read_service_rules(YamlMap& map, ServiceConfig& service, rules::ServicePlan& plan,
                        Reading& reading) {
  const YamlValue own = map.get("rules");
  read_list(own, own_packs(plan.name, reading), {plan, false, plan.rules}, {}, reading);
  read_rollout(map.get("rollout"), service, plan, reading);
  if (plan.on_fail.empty()) plan.on_fail = {{rules::Then::Kind::rollback, {}}};
}

}  // namespace belay::monitor
