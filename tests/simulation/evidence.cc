#include "tests/simulation/evidence.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "rules/engine.h"
#include "rules/language/parser.h"

namespace belay::simulation {

using namespace std::chrono_literals;
using rules::Event;

namespace {

constexpr Duration kLateness = 5s;
constexpr Duration kStep = 250ms;

rules::Plan watching() {
  rules::Plan plan;
  plan.sources = {{.name = "tail", .service = "shop", .lateness = kLateness}};
  rules::ServicePlan shop;
  shop.name = "shop";
  for (const char* sentence :
       {"error rate > 5% over 30s", "error rate > 5% over 2m", "5xx rate > 10% over 1m"}) {
    rules::Rule rule;
    rule.name = sentence;
    rule.sentence = std::move(*rules::parse_sentence(sentence).sentence);
    shop.rules.push_back(std::move(rule));
  }
  plan.services.push_back(std::move(shop));
  return plan;
}

struct Arrival {
  Instant at;
  rules::RequestSecond what;
};

const std::vector<std::string> kNothing;

std::string first_difference(const std::vector<std::string>& left,
                             const std::vector<std::string>& right) {
  std::size_t i = 0;
  while (i < std::min(left.size(), right.size()) && left[i] == right[i]) ++i;
  const std::string nothing = "nothing";
  return "without it " + (i < left.size() ? left[i] : nothing) + ", with it " +
         (i < right.size() ? right[i] : nothing);
}

/// What the engine holds of it all.
std::vector<std::string> held(const rules::Engine& engine) {
  std::vector<std::string> lines;
  for (const rules::ServiceStatus& service : engine.snapshot().services) {
    for (const rules::RuleStatus& rule : service.rules)
      for (const rules::Evidence& one : rule.evidence)
        lines.push_back(rule.rule + ": " + std::to_string(one.numerator) + " of " +
                        std::to_string(one.denominator));
    for (const rules::SeriesTotals& series : service.series)
      lines.push_back(series.version + ": " + std::to_string(series.errors) + " of " +
                      std::to_string(series.requests));
  }
  return lines;
}

std::vector<std::string> watched(std::vector<Arrival> arrivals, Instant start, Instant end,
                                 const Plant& plant) {
  std::stable_sort(arrivals.begin(), arrivals.end(),
                   [](const Arrival& left, const Arrival& right) { return left.at < right.at; });
  rules::Engine engine(watching(), start);
  std::size_t next = 0;
  for (Instant now = start + kStep; now <= end; now += kStep) {
    std::vector<Event> events = {rules::SourceState{.source = rules::SourceId{0}, .at = now}};
    if (now == start + kStep)
      for (std::uint32_t id = 1; id <= 3; ++id)
        events.emplace_back(rules::TextDefined{.source = rules::SourceId{0},
                                               .id = rules::TextId{id},
                                               .text = "v" + std::to_string(id)});
    for (; next < arrivals.size() && arrivals[next].at <= now; ++next)
      events.emplace_back(arrivals[next].what);
    if (plant.events) plant.events(events, now);
    engine.step(now, events);
  }
  return held(engine);
}

}  // namespace

std::vector<std::string> shuffled_evidence_differs(std::uint64_t seed, const Plant& plant) {
  Seeded chance(Seeded(seed).next());
  const Instant start = WorldTime::kStart;
  const Instant quiet = start + chance.between(20s, 60s);
  const Instant end = quiet + kLateness + 1s;
  std::vector<Arrival> in_order;
  std::vector<Arrival> shuffled;
  for (Instant at = start + 300ms; at < quiet; at += chance.between(5ms, 400ms)) {
    rules::RequestSecond second;
    second.like.source = rules::SourceId{0};
    second.like.version = rules::TextId{static_cast<std::uint32_t>(1 + chance.below(3))};
    second.like.at = at;
    second.like.status = chance.chance(0.2) ? 500 : 200;
    second.like.fingerprint = chance.next() | 1U;
    second.count = static_cast<std::uint32_t>(1 + chance.below(20));
    in_order.push_back({at, second});
    const auto late = [&] { return at + chance.between(0s, kLateness - kStep); };
    shuffled.push_back({late(), second});
    while (chance.chance(0.2)) shuffled.push_back({late(), second});
  }
  const std::vector<std::string> expected = watched(in_order, start, end, Plant{});
  const std::vector<std::string> found = watched(shuffled, start, end, plant);
  std::vector<std::string> differences;
  for (std::size_t i = 0; i < std::max(expected.size(), found.size()); ++i) {
    const std::string left = i < expected.size() ? expected[i] : "nothing";
    const std::string right = i < found.size() ? found[i] : "nothing";
    if (left != right)
      differences.push_back("10 (windows are the same however evidence came): in order " + left +
                            ", shuffled " + right);
  }
  return differences;
}

std::vector<std::string> set_clock_differs(Machine& machine, std::uint64_t seed,
                                           const Plant& plant) {
  // Without people, who would do things a moment later because Belay did: then others come of it.
  Faults none;
  none.no_releases = true;
  Faults steps = none;
  steps.wall_steps = 2;
  const Report calm = machine.run(seed, plant, none);
  const Report shaken = machine.run(seed, plant, steps);
  std::vector<std::string> differences = shaken.broken;
  for (const auto& [service, expected] : calm.decisions) {
    const auto found = shaken.decisions.find(service);
    const bool is_there = found != shaken.decisions.end();
    if (!is_there || found->second != expected)
      differences.push_back("11 (setting the clock changes no verdict): " + service + " " +
                            first_difference(expected, is_there ? found->second : kNothing));
  }
  return differences;
}

}  // namespace belay::simulation
