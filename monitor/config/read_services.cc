#include <algorithm>

#include <fmt/format.h>

#include "monitor/config/sections.h"
#include "monitor/platform/cloudflare.h"
#include "rules/language/rule_check.h"

namespace belay::monitor {
namespace {

// As long as each step of the default plan.
constexpr Duration kOnlyStep = std::chrono::minutes{10};

/// Everything that a rule or the ladder of the service may ask for, named once.
std::vector<rules::Then> thens_of(const rules::ServicePlan& plan) {
  std::vector<rules::Then> thens = plan.on_fail;
  for (const auto* list : {&plan.rules, &plan.rollout_rules}) {
    for (const rules::Rule& rule : *list) thens.push_back(rule.then);
  }
  return thens;
}

template <typename Of>
bool is_named(const std::vector<Named<Of>>& things, const std::string& name,
              const std::string& service) {
  return std::ranges::any_of(things, [&](const Named<Of>& thing) {
    return thing.name == name && (thing.service.empty() || thing.service == service);
  });
}

bool can_be_rolled_back(const ServiceConfig& service) {
  const auto* app = std::get_if<FlyApp>(&service.platform);
  return app != nullptr ? app->rollback.has_value()
                        : !std::holds_alternative<std::monostate>(service.platform);
}

void check_actions(const YamlValue& place, const rules::ServicePlan& plan, const Config& config) {
  std::vector<std::string> missing;
  const auto note = [&](std::string message) {
    if (std::ranges::find(missing, message) == missing.end()) missing.push_back(std::move(message));
  };
  for (const rules::Then& then : thens_of(plan)) {
    if (then.kind == rules::Then::Kind::reset_flag &&
        !is_named(config.flags, then.name, plan.name)) {
      note(fmt::format("{} resets the flag {}, which is not under `flags`", plan.name, then.name));
    }
    if (then.kind == rules::Then::Kind::run && !is_named(config.commands, then.name, plan.name)) {
      note(fmt::format("{} runs {}, which is not under `commands`", plan.name, then.name));
    }
  }
  for (std::string& message : missing) place.fault(std::move(message));
}

void check_enforcing(const YamlValue& place, const ServiceConfig& service,
                     const rules::ServicePlan& plan, const Config& config) {
  if (plan.mode != rules::Mode::enforce) return;
  if (config.page.empty()) {
    place.fault(fmt::format("{} is in mode enforce, and nobody would be paged when an action fails",
                            plan.name),
                "notify: { page: [ { slack: { webhook: \"${SLACK_WEBHOOK_URL}\" } } ] }");
  }
  if (rules::rolls_back(plan.on_fail) && !can_be_rolled_back(service)) {
    place.fault(fmt::format("{} is in mode enforce and rolls back, and has no `platform` to do so",
                            plan.name),
                "platform: { command: { rollback: [./deploy], verify: [./is-live] } }");
  }
}

void check_steps(const YamlValue& place, const ServiceConfig& service, rules::ServicePlan& plan) {
  rules::RolloutPlan& rollout = plan.rollout;
  const auto is_part = [](const rules::RolloutStep& step) { return step.percent < 100; };
  if (moves_traffic(service)) return;
  if (rollout.is_driving) {
    place.fault(fmt::format("{} is to be driven, and its platform cannot move traffic", plan.name),
                "platform: { command: { rollback: [./deploy], move: [./split-traffic] } }");
  } else if (std::ranges::any_of(rollout.steps, is_part)) {
    const bool has_platform = !std::holds_alternative<std::monostate>(service.platform);
    place.fault(fmt::format("{} has steps, and {}: there is one step", plan.name,
                            has_platform ? "its platform has no `move`, so that all traffic is on "
                                           "one version"
                                         : "no `platform` that says or sets which version has "
                                           "which share of the traffic"),
                "steps: [100% for 10m]");
  }
  if (rollout.steps.empty())
    rollout.steps = {
        {.percent = 100, .bake = kOnlyStep, .bake_max = kOnlyStep * rules::kBakeMaxTimes}};
}

/// A name that means two services would send one's evidence, and one's brakes, to the other.
void check_names(const YamlValue& place, const rules::ServicePlan& plan,
                 const std::vector<rules::ServicePlan>& others) {
  const auto names_of = [](const rules::ServicePlan& one) {
    std::vector<std::string> names = one.aliases;
    names.push_back(one.name);
    return names;
  };
  const std::vector<std::string> own = names_of(plan);
  for (const rules::ServicePlan& other : others) {
    for (const std::string& name : names_of(other)) {
      if (std::ranges::find(own, name) == own.end()) continue;
      place.fault(fmt::format("{} means {} and {}: give one of them another name or platform", name,
                              other.name, plan.name));
      return;
    }
  }
}

void read_service(const YamlEntry& entry, rules::Mode mode, Reading& reading) {
  if (!check_name(entry, "a service")) return;
  YamlMap map(entry.value, "a service");
  ServiceConfig service{.name = entry.name};
  rules::ServicePlan plan{.name = entry.name, .mode = mode};
  read_platform(map.get("platform"), service, reading);
  for (const YamlValue& alias : map.get("aliases").list()) {
    if (auto name = alias.string()) plan.aliases.push_back(std::move(*name));
  }
  if (const auto* worker = std::get_if<CloudflareScript>(&service.platform)) {
    if (worker->script != plan.name) plan.aliases.push_back(worker->script);
    plan.put_back = wrangler_deploy("{version}@100%", worker->script);
  }
  if (const auto* fly = std::get_if<FlyApp>(&service.platform)) {
    if (fly->app != plan.name) plan.aliases.push_back(fly->app);
  }
  check_names(entry.key, plan, reading.config.plan.services);
  if (const auto own = read_mode(map.get("mode"))) plan.mode = *own;
  plan.environment = map.get("environment").text().value_or("");
  read_logs(map.get("logs"), plan.name, reading);
  read_probes(map.get("probes"), service, reading);
  read_queues(map.get("queues"), plan.name, reading);
  read_flags(map.get("flags"), plan.name, reading);
  read_commands(map.get("commands"), plan.name, reading);
  plan.rollout.takes_all_back = reading.takes_all_back;
  read_neighbours(map, plan, reading);
  read_service_rules(map, service, plan, reading);
  check_actions(entry.key, plan, reading.config);
  check_enforcing(entry.key, service, plan, reading.config);
  check_steps(entry.key, service, plan);
  plan.rollout.asks_preflight =
      std::holds_alternative<CloudflareScript>(service.platform) || !service.preflight.empty();
  reading.config.services.push_back(std::move(service));
  reading.config.plan.services.push_back(std::move(plan));
}

}  // namespace

void read_services(const YamlValue& value, rules::Mode mode, Reading& reading) {
  for (const YamlEntry& entry : value.entries()) read_service(entry, mode, reading);
  check_neighbours(reading);
  check_rule_services(value, reading);
  if (value.present() && value.entries().empty()) {
    value.fault("there is no service to watch", "services: { shop: { logs: { file: shop.log } } }");
  }
}

bool moves_traffic(const ServiceConfig& service) {
  if (const auto* command = std::get_if<CommandAction>(&service.platform)) {
    return !command->move.empty();
  }
  if (const auto* fly = std::get_if<FlyApp>(&service.platform)) {
    return fly->rollback && !fly->rollback->move.empty();
  }
  return std::holds_alternative<CloudflareScript>(service.platform);
}

}  // namespace belay::monitor
