// What comparing candidate and baseline adds to an event: four routes, ten percent of the traffic,
// every thousandth second judged. Goal: under 1 us.

#include <array>
#include <cstdint>

#include <benchmark/benchmark.h>

#include "rules/judgement/rollout_judgement.h"

namespace belay::bench {
namespace {

constexpr Instant kStart = from_unix_ms(1'795'000'000'000);
constexpr std::uint32_t kRoutes = 4;

void Compare(benchmark::State& state) {
  const auto per_second = static_cast<std::uint32_t>(state.range(0));
  rules::NameTable names;
  const rules::NameId candidate = names.id("v2");
  const rules::NameId baseline = names.id("v1");
  rules::PairedEvidence evidence(candidate, baseline, kStart);
  rules::RolloutJudgement judgement(evidence, {.candidate = "v2", .baseline = "v1"}, {});
  judgement.begin_step(kStart, 0.1);
  std::array<rules::PairedEvidence::Place, std::size_t{2} * kRoutes * 2> places{};
  for (std::uint32_t i = 0; i < places.size(); ++i) {
    const rules::NameId route = names.id("/" + std::to_string(i / 4));
    places[i] = *evidence.place(
        {.version = i % 2 == 0 ? candidate : baseline, .route = route, .is_error = i / 2 % 2 == 0});
  }
  Instant now = kStart;
  std::uint64_t event = 0;
  for (auto _ : state) {
    const std::uint64_t mixed = ++event * 0x9e3779b97f4a7c15U >> 32U;
    const bool is_candidate = mixed % 10 == 0;
    const bool is_error = mixed % 1009 == 0;
    const std::size_t place =
        mixed / 16 % kRoutes * 4 + (is_error ? 0 : 2) + (is_candidate ? 0 : 1);
    evidence.count(places[place],
                   rules::Request{.at = now,
                                  .status = static_cast<std::uint16_t>(is_error ? 500 : 200),
                                  .latency_us = 20'000 + static_cast<std::uint32_t>(
                                                             mixed % 97 * (mixed % 89) * 10)});
    if (event % per_second != 0) continue;
    now += std::chrono::seconds{1};
    evidence.advance(now);
    benchmark::DoNotOptimize(judgement.judge(now, false, names));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Compare)->ArgName("per_second")->Arg(20)->Arg(200)->Arg(2000);

}  // namespace
}  // namespace belay::bench
