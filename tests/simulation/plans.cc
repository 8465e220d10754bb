#include "tests/simulation/plans.h"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "rules/language/parser.h"
#include "tests/simulation/boot_clock.h"

namespace belay::simulation {

using namespace std::chrono_literals;

namespace {

rules::Rule rule(std::string name, std::string_view sentence, std::string_view then) {
  rules::ParsedSentence parsed = rules::parse_sentence(sentence);
  BELAY_CHECK(parsed.sentence.has_value(), sentence);
  rules::Rule made;
  made.name = std::move(name);
  made.sentence = std::move(*parsed.sentence);
  made.then = std::get<rules::Then>(rules::parse_then(then));
  return made;
}

/// A time of some minutes, within the first ten.
std::pair<Instant, Instant> draw_span(Seeded& chance) {
  const Instant from = WorldTime::kStart + 30h + chance.between(20s, 240s);
  return {from, from + chance.between(20s, 120s)};
}

/// Not all hours of the week; which of them the world lives in is chance.
rules::DeployWindow draw_window(Seeded& chance) {
  const Duration of_day = (WorldTime::kStart + 30h).time_since_epoch() % 24h;
  rules::DeployWindow window;
  window.days.fill(true);
  window.from = of_day - chance.between(0s, 300s) + 120s;
  window.to = window.from + chance.between(120s, 600s);
  return window;
}

rules::RolloutPlan draw_rollout(Seeded& chance) {
  rules::RolloutPlan rollout;
  rollout.is_judged_by_default = chance.chance(0.3);
  rollout.holds_on_shared_cause = chance.chance(0.8);
  rollout.asks_preflight = chance.chance(0.6);
  if (chance.chance(0.3)) rollout.warm_up = 2s;
  if (chance.chance(0.2)) rollout.watch_for = 20s;
  if (chance.chance(0.2)) {
    const auto [from, to] = draw_span(chance);
    rollout.freezes = {{.from = from, .to = to, .why = "a fair"}};
  }
  if (chance.chance(0.1)) rollout.windows = {draw_window(chance)};
  return rollout;
}

}  // namespace

rules::Plan draw_plan(Seeded& chance) {
  rules::Plan plan;
  for (const char* name : {"shop", "pier"}) {
    plan.sources.push_back({.name = "tail", .kind = rules::SourceKind::log, .service = name});
    rules::ServicePlan service;
    service.name = name;
    service.mode = rules::Mode::enforce;
    service.rules = {rule("silence", "no data from tail for 15s", "alert")};
    service.rollout_rules = {
        rule("errors", "error rate > 20% over 10s, min 20 requests, for 2s", "rollback"),
        rule("crowd", "429 rate > 25% over 5s, min 20 requests", "pause")};
    service.on_fail = {rules::Then{.kind = rules::Then::Kind::rollback}};
    service.cooldown = chance.between(0s, 40s);
    service.actions_per_hour_max = static_cast<std::uint32_t>(1 + chance.below(4));
    service.verify_for = 12s;
    service.rollout = draw_rollout(chance);
    plan.services.push_back(std::move(service));
  }
  plan.services[kPier].environment = "staging";
  plan.services[kPier].actions_per_hour_max = 20;
  plan.services[kPier].cooldown = 5s;
  if (chance.chance(0.2))
    plan.services[kShop].rollout.requirements = {{.environment = "staging",
                                                  .passed = chance.between(0s, 30s),
                                                  .is_same_commit = chance.chance(0.5)}};
  return plan;
}

std::vector<rules::RolloutStep> draw_steps(Seeded& chance) {
  const auto step = [&chance](double percent) {
    rules::RolloutStep made;
    made.percent = percent;
    // Whole seconds: the journal keeps steps as people write them.
    made.bake = 11s + std::chrono::seconds{chance.below(5)};
    made.bake_max = chance.chance(0.5) ? made.bake * rules::kBakeMaxTimes : made.bake + 8s;
    made.samples_min = static_cast<std::uint32_t>(20 + chance.below(30));
    return made;
  };
  std::vector<rules::RolloutStep> steps = {step(10 + 10 * static_cast<double>(chance.below(3)))};
  // The same share twice: the second after somebody has looked.
  if (chance.chance(0.4)) steps.push_back(step(chance.chance(0.1) ? steps.front().percent : 60));
  steps.push_back(step(100));
  if (chance.chance(0.6))
    steps.back() = {.percent = 100, .bake = {}, .bake_max = {}, .samples_min = 50};
  for (std::size_t i = 0; i < steps.size(); ++i) steps[i].after_approval = chance.chance(0.08);
  return steps;
}

Duration longest(const std::vector<rules::RolloutStep>& steps) {
  constexpr Duration kQuestions = 75s;
  constexpr Duration kMove = 45s;
  constexpr Duration kPerson = 15s;
  Duration all = kQuestions + 60s;
  Duration before{};
  for (const rules::RolloutStep& step : steps) {
    // A last step without a bake may take that of the one before.
    before = std::max(before, step.bake_max);
    all += std::max(step.bake_max, before) + kMove + kPerson;
  }
  return all;
}

}  // namespace belay::simulation
