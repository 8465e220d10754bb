// Services that are rolled out together: who comes after whom, who looks at whom, and what a fail
// means for the others.

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/suggest.h"
#include "monitor/config/sections.h"
#include "rules/judgement/condition.h"
#include "rules/language/rule_check.h"
#include "rules/rollout/train.h"

namespace belay::monitor {
namespace {

constexpr std::array<std::string_view, 2> kOnTrainFail = {"this", "all"};

std::vector<std::string> read_names(const YamlValue& value, const rules::ServicePlan& plan,
                                    bool is_order, Reading& reading) {
  std::vector<std::string> names;
  if (!value.present()) return names;
  for (const YamlValue& one : value.list()) {
    const auto name = one.string();
    if (!name) continue;
    if (std::ranges::find(names, *name) != names.end()) {
      one.fault(fmt::format("{} stands here twice", *name));
      continue;
    }
    names.push_back(*name);
    reading.mentions.push_back(
        {.service = plan.name, .name = *name, .is_order = is_order, .place = one});
  }
  return names;
}

void check_cycles(const Reading& reading) {
  std::map<std::string, std::vector<std::string>> after;
  for (const rules::ServicePlan& plan : reading.config.plan.services) {
    for (const std::string& name : plan.after) {
      if (name != plan.name) after[plan.name].push_back(name);
    }
  }
  // One fault for each cycle: what closes it is taken away, and what is left is looked at.
  for (auto cycle = rules::cycle_in(after); !cycle.empty(); cycle = rules::cycle_in(after)) {
    const auto closing = std::ranges::find_if(reading.mentions, [&](const Reading::Mention& one) {
      return one.is_order && one.service == cycle[0] && one.name == cycle[1];
    });
    const std::string message =
        fmt::format("none of them could ever begin: {}", rules::words_of_cycle(cycle));
    if (closing != reading.mentions.end()) closing->place.fault(message);
    std::erase(after[cycle[0]], cycle[1]);
  }
}

/// Whether the rules of a guard can ever let its callee pass, and whether there are any.
void check_guard(const Reading::Mention& mention, const rules::ServicePlan& guard,
                 const rules::ServicePlan& callee) {
  const Duration shortest =
      callee.rollout.steps.empty() ? Duration::zero() : rules::shortest_bake(callee.rollout.steps);
  int counting = 0;
  for (const auto* rules : {&guard.rules, &guard.rollout_rules}) {
    for (const rules::Rule& rule : *rules) {
      if (rule.then.kind == rules::Then::Kind::alert ||
          rules::mentions_baseline(rule.sentence.when))
        continue;
      ++counting;
      const Duration window = rules::longest_window(rule.sentence) + callee.rollout.warm_up;
      if (shortest == Duration::zero() || window <= shortest) continue;
      mention.place.fault(fmt::format(
          "a step of {} bakes for {}, and {} of {} looks back {}, warm-up included: it could never "
          "be fine within it; bake for that long or more",
          callee.name, format_duration(shortest), rule.name, guard.name, format_duration(window)));
    }
  }
  if (counting == 0)
    mention.place.warning(fmt::format("{} has no rule that counts: it guards nothing", guard.name));
}

}  // namespace

std::optional<bool> read_takes_all_back(const YamlValue& value) {
  const auto choice = value.choice(kOnTrainFail);
  return choice ? std::optional(*choice == 1) : std::nullopt;
}

void read_trains(const YamlValue& value, Reading& reading) {
  if (!value.present()) return;
  YamlMap trains(value, "trains");
  reading.takes_all_back = read_takes_all_back(trains.get("on fail")).value_or(false);
}

void read_neighbours(YamlMap& service, rules::ServicePlan& plan, Reading& reading) {
  plan.after = read_names(service.get("after"), plan, true, reading);
  plan.guards = read_names(service.get("guards"), plan, false, reading);
}

void check_neighbours(Reading& reading) {
  std::vector<std::string_view> names;
  for (const rules::ServicePlan& plan : reading.config.plan.services) names.push_back(plan.name);
  for (const Reading::Mention& one : reading.mentions) {
    if (one.name == one.service) {
      one.place.fault(one.is_order ? fmt::format("{} cannot come after itself", one.name)
                                   : fmt::format("{} cannot guard itself: its own rules count "
                                                 "already",
                                                 one.name));
      continue;
    }
    if (std::ranges::find(names, one.name) != names.end()) {
      const auto& plans = reading.config.plan.services;
      const auto plan = [&](const std::string& name) {
        return std::ranges::find(plans, name, &rules::ServicePlan::name);
      };
      if (!one.is_order) check_guard(one, *plan(one.name), *plan(one.service));
      continue;
    }
    const auto meant = nearest(one.name, names);
    one.place.fault(fmt::format("there is no service {}{}", one.name,
                                meant ? fmt::format("; did you mean {}?", *meant) : ""));
  }
  check_cycles(reading);
}

}  // namespace belay::monitor
