// Row 6 of the goals: one step of the engine with 10,000 rules over 1,000 series, in a second in
// which every series has had a call, so that every window moves and every rule is judged afresh.

#include <array>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "base/check.h"
#include "rules/engine.h"
#include "rules/language/parser.h"

namespace belay::bench {
namespace {

using rules::TextId;

constexpr std::uint32_t kServices = 50;
constexpr std::uint32_t kRoutes = 20;  // Of each service: 1,000 series.
constexpr Instant kStart = from_unix_ms(1'795'000'000'000);
constexpr std::uint32_t kServiceTexts = 1;
constexpr std::uint32_t kRouteTexts = kServiceTexts + kServices;
constexpr std::uint32_t kVersionText = kRouteTexts + kRoutes;

/// Ten rules on one series.
constexpr std::array kSentences = {
    "requests rate{{route=\"{0}\"}} > 1000/s over 10s",
    "requests rate{{route=\"{0}\"}} < 0.001/s over 5m, for 2m",
    "5xx rate{{route=\"{0}\"}} > 5% over 1m, min 5 requests, for 30s",
    "4xx rate{{route=\"{0}\"}} > 50% over 5m, min 5 requests",
    "error rate{{route=\"{0}\"}} > 5% over 1m, min 5 requests, for 40s of 1m",
    "exceptions rate{{route=\"{0}\"}} > 2% over 5m, min 5 requests",
    "p95 latency{{route=\"{0}\"}} > 900ms over 1m, min 5 requests",
    "p99 latency{{route=\"{0}\"}} > 2s over 5m, min 5 requests",
    "mean latency{{route=\"{0}\"}} > 800ms over 1m, min 5 requests",
    "p50 latency{{route=\"{0}\"}} > 700ms over 1m and requests rate{{route=\"{0}\"}} > 9/s over "
    "1m, "
    "min 5 requests",
};

std::string route_of(std::uint32_t route) { return fmt::format("/route{}", route); }

rules::Plan plan() {
  rules::Plan plan;
  plan.sources = {{.name = "tail"}};
  for (std::uint32_t service = 0; service < kServices; ++service) {
    rules::ServicePlan service_plan{.name = fmt::format("service-{}", service)};
    for (std::uint32_t route = 0; route < kRoutes; ++route) {
      for (const char* pattern : kSentences) {
        const std::string text = fmt::format(fmt::runtime(pattern), route_of(route));
        auto parsed = rules::parse_sentence(text);
        BELAY_CHECK(parsed.sentence, "a sentence of the benchmark does not parse");
        service_plan.rules.push_back({.name = fmt::format("rule-{}", service_plan.rules.size()),
                                      .sentence = std::move(*parsed.sentence)});
      }
    }
    plan.services.push_back(std::move(service_plan));
  }
  return plan;
}

std::vector<rules::Event> texts() {
  std::vector<rules::Event> events;
  const auto define = [&](std::uint32_t id, std::string text) {
    events.emplace_back(rules::TextDefined{.id = TextId{id}, .text = std::move(text)});
  };
  for (std::uint32_t i = 0; i < kServices; ++i)
    define(kServiceTexts + i, fmt::format("service-{}", i));
  for (std::uint32_t i = 0; i < kRoutes; ++i) define(kRouteTexts + i, route_of(i));
  define(kVersionText, "11111111-1111-4111-8111-111111111111");
  return events;
}

/// A call of every series, and a sign of life.
std::vector<rules::Event> second_of(Instant now, std::uint32_t step) {
  std::vector<rules::Event> events;
  events.emplace_back(rules::SourceState{.at = now});
  for (std::uint32_t i = 0; i < kServices * kRoutes; ++i) {
    events.emplace_back(
        rules::Request{.service = TextId{kServiceTexts + i % kServices},
                       .version = TextId{kVersionText},
                       .route = TextId{kRouteTexts + i / kServices},
                       .at = now,
                       .status = 200,
                       .latency_us = 20'000 + (i * 7919 + step * 104'729) % 100'000});
  }
  return events;
}

/// With `calls` 0 only the judgement: nothing has come since the second before.
void Judgement(benchmark::State& state) {
  rules::Engine engine(plan(), kStart);
  Instant now = kStart;
  (void)engine.step(now, texts());
  std::uint32_t second = 0;
  for (; second < 60; ++second) {
    now += std::chrono::seconds{1};
    (void)engine.step(now, second_of(now, second));
  }
  for (auto _ : state) {
    now += std::chrono::seconds{1};
    std::vector<rules::Event> events;
    if (state.range(0) != 0) {
      state.PauseTiming();
      events = second_of(now, ++second);
      state.ResumeTiming();
    }
    benchmark::DoNotOptimize(engine.step(now, events));
  }
}
BENCHMARK(Judgement)
    ->ArgName("calls")
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(30);

}  // namespace
}  // namespace belay::bench
