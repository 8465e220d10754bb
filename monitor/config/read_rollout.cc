// How the rollouts of a service go: steps, holds, windows. What judges them is read in
// read_rules.cc.

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "monitor/config/sections.h"
#include "rules/language/rule_check.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 2> kOnSharedCause = {"hold", "rollback"};
constexpr std::array<std::string_view, 1> kSame = {"commit"};
constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/// A list, or one thing that stands by itself.
std::vector<YamlValue> all_of(const YamlValue& value) {
  if (value.kind() == YamlValue::Kind::list) return value.list();
  if (value.present()) return {value};
  return {};
}

std::vector<rules::RolloutStep> read_steps(const YamlValue& value) {
  std::string text;
  for (const YamlValue& step : all_of(value)) {
    const auto one = step.text();
    if (!one) return {};
    text += (text.empty() ? "" : ", ") + *one;
  }
  auto steps = rules::parse_steps(text);
  if (!steps) {
    value.fault(steps.error().message);
    return {};
  }
  return *steps;
}

/// A step in which no window fits can never pass.
void check_bakes(const YamlValue& place, const std::vector<rules::RolloutStep>& steps,
                 const rules::ServicePlan& plan) {
  const Duration shortest = rules::shortest_bake(steps);
  for (const rules::Rule& rule : plan.rollout_rules) {
    if (rule.then.kind == rules::Then::Kind::alert || shortest == Duration::zero()) continue;
    const Duration window = rules::longest_window(rule.sentence) + plan.rollout.warm_up;
    if (window > shortest)
      place.fault(fmt::format(
          "a step bakes for {}, and {} looks back {}{}: it could never be fine within it; bake for "
          "{} or more",
          format_duration(shortest), rule.name,
          format_duration(rules::longest_window(rule.sentence)),
          plan.rollout.warm_up > 0s ? " after a warm-up of " + format_duration(plan.rollout.warm_up)
                                    : std::string(),
          format_duration(window)));
  }
}

rules::Requirement read_requirement(const YamlValue& value) {
  YamlMap map(value, "a requirement");
  rules::Requirement requirement;
  requirement.environment = map.require("environment").text().value_or("");
  requirement.passed = map.get("passed").duration(0s, 24h * 30).value_or(0s);
  requirement.is_same_commit = map.get("same").choice(kSame).has_value();
  return requirement;
}

std::optional<std::size_t> day_of(std::string_view name) {
  const auto found = std::ranges::find(kDays, name);
  if (found == kDays.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kDays.begin());
}

/// "09:30"; 24:00 is the end of the day.
std::optional<Duration> time_of_day(std::string_view text) {
  const auto digit = [&text](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4))
    return std::nullopt;
  const int hours = (text[0] - '0') * 10 + (text[1] - '0');
  const int minutes = (text[3] - '0') * 10 + (text[4] - '0');
  if (minutes > 59 || hours * 60 + minutes > 24 * 60) return std::nullopt;
  return std::chrono::hours{hours} + std::chrono::minutes{minutes};
}

/// "mon-fri 09:00-17:00" or "sat 10:00-12:00".
std::optional<rules::DeployWindow> window_in(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const std::string_view days = text.substr(0, space);
  const std::string_view hours = text.substr(space + 1);
  const std::size_t dash = days.find('-');
  const auto first = day_of(days.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : day_of(days.substr(dash + 1));
  if (!first || !last || hours.size() != 11 || hours[5] != '-') return std::nullopt;
  const auto from = time_of_day(hours.substr(0, 5));
  const auto to = time_of_day(hours.substr(6));
  if (!from || !to || *from >= *to) return std::nullopt;
  rules::DeployWindow window{.from = *from, .to = *to};
  for (std::size_t day = *first;; day = (day + 1) % kDays.size()) {
    window.days[day] = true;
    if (day == *last) return window;
  }
}

void read_windows(const YamlValue& value, rules::RolloutPlan& plan) {
  for (const YamlValue& one : all_of(value)) {
    const auto text = one.text();
    if (!text) continue;
    if (const auto window = window_in(*text)) {
      plan.windows.push_back(*window);
    } else {
      one.fault("a deployment window is DAYS HOURS, in UTC", "mon-fri 09:00-17:00");
    }
  }
}

void read_freezes(const YamlValue& value, rules::RolloutPlan& plan) {
  for (const YamlValue& one : all_of(value)) {
    YamlMap map(one, "a freeze");
    const auto moment = [](const YamlValue& at) -> std::optional<Instant> {
      const auto text = at.text();
      if (!text) return std::nullopt;
      const auto read = parse_rfc3339(*text);
      if (!read) at.fault("a moment should stand here", "2026-12-20T00:00:00Z");
      return read;
    };
    const auto from = moment(map.require("from"));
    const auto to = moment(map.require("to"));
    const std::string why = map.get("why").text().value_or("");
    if (!from || !to) continue;
    if (*from >= *to) one.fault("a freeze ends after it begins");
    plan.freezes.push_back({.from = *from, .to = *to, .why = why});
  }
}

/// `limits:` of the default judgement.
rules::RolloutLimits read_limits(const YamlValue& value) {
  rules::RolloutLimits limits;
  if (!value.present()) return limits;
  YamlMap map(value, "limits");
  const auto share = [&map](const char* key, double least, double most) -> std::optional<double> {
    const YamlValue at = map.get(key);
    const auto percent = at.percent();
    if (!percent || (*percent >= least && *percent <= most)) return percent;
    at.fault(fmt::format("{} is from {:g}% to {:g}%", key, least * 100, most * 100));
    return std::nullopt;
  };
  limits.error_rate = share("error rate", 0.0001, 0.5).value_or(limits.error_rate);
  const YamlValue latency = map.get("p95 latency");
  limits.judges_latency = latency.kind() != YamlValue::Kind::scalar || latency.text() != "off";
  if (limits.judges_latency) limits.latency = latency.duration(1ms, 10min).value_or(limits.latency);
  if (const auto confidence = share("confidence", 0.9, 0.9999)) {
    // As it was meant: 1 - 0.99 is not quite 0.01.
    limits.alpha = std::round((1 - *confidence) * 1e9) / 1e9;
  }
  const auto depth = map.get("queue depth").integer(1, 1'000'000'000);
  limits.queue_depth = static_cast<double>(depth.value_or(1000));
  limits.queue_for = map.get("queue for").duration(1s, 1h).value_or(limits.queue_for);
  return limits;
}

}  // namespace

void read_rollout_plan(YamlMap& rollout, rules::ServicePlan& plan) {
  rules::RolloutPlan& of = plan.rollout;
  const YamlValue steps = rollout.get("steps");
  of.is_driving = rollout.get("drive").boolean().value_or(false);
  if (of.is_driving && plan.mode != rules::Mode::enforce)
    rollout.value().fault("traffic is moved only in mode enforce", "mode: enforce");
  of.is_attached_by_itself = rollout.get("attach").boolean().value_or(false);
  // Nobody who begins these says how they go.
  const bool has_default_steps = !steps.present() && (of.is_driving || of.is_attached_by_itself);
  const bool has_steps = steps.present() || has_default_steps;
  of.warm_up = rollout.get("warm-up").duration(0s, 1h).value_or(has_steps ? 30s : 0s);
  if (steps.present()) of.steps = read_steps(steps);
  if (has_default_steps) check_bakes(rollout.value(), rules::default_steps(), plan);
  if (!of.steps.empty()) check_bakes(steps, of.steps, plan);
  const auto compare = rollout.get("compare").boolean();
  of.is_judged_by_default = compare.value_or(of.is_judged_by_default || steps.present());
  const YamlValue limits = rollout.get("limits");
  of.limits = read_limits(limits);
  if (limits.present() && !of.is_judged_by_default)
    limits.fault(
        "these are the limits of the default judgement, which does not judge here: this "
        "rollout has rules of its own",
        "compare: true");
  of.holds_on_shared_cause = rollout.get("on shared cause").choice(kOnSharedCause).value_or(0) == 0;
  if (const auto all = read_takes_all_back(rollout.get("on train fail"))) of.takes_all_back = *all;
  of.watch_for = rollout.get("watch for").duration(0s, 24h * 30).value_or(kWatchFor);
  for (const YamlValue& one : all_of(rollout.get("requires")))
    of.requirements.push_back(read_requirement(one));
  read_windows(rollout.get("windows"), of);
  read_freezes(rollout.get("freezes"), of);
}

}  // namespace belay::monitor
