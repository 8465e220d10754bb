// Rows 1 and 3 of the goals: bytes in memory -> events -> windows -> rules, beside a bare simdjson
// loop that only extracts the same fields and does nothing with them.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/check.h"
#include "bench/bare_on_demand.h"
#include "bench/tail_log.h"
#include "monitor/parse/log_parser.h"
#include "monitor/replay/replay.h"
#include "rules/language/parser.h"

namespace belay::bench {
namespace {

constexpr std::size_t kLogBytes = 50'000'000;
/// As the sources read.
constexpr std::size_t kBlockBytes = 256 * 1024;

struct Log {
  std::string bytes;
  std::uint64_t events = 0;
  std::size_t size = 0;
  [[nodiscard]] std::string_view view() const { return {bytes.data(), size}; }
};

/// Both forms hold the same events.
const Log& log_of(bool indented) {
  static const auto make = [](bool pretty) {
    const std::size_t share = pretty ? 8 : 5;  // Indented, an event has 1.6 times the bytes.
    Log log{.bytes = tail_log(kLogBytes / 5 * share, pretty)};
    log.size = log.bytes.size();
    log.bytes.append(BareOnDemand::kPadding, ' ');
    log.events = BareOnDemand().read(log.view()).events;
    return log;
  };
  static const Log ndjson = make(false);
  static const Log pretty = make(true);
  return indented ? pretty : ndjson;
}

void report(benchmark::State& state, const Log& log) {
  const auto runs = static_cast<std::int64_t>(state.iterations());
  state.SetItemsProcessed(runs * static_cast<std::int64_t>(log.events));
  state.SetBytesProcessed(runs * static_cast<std::int64_t>(log.size));
}

template <typename Feed>
void feed_in_blocks(std::string_view bytes, Feed feed) {
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kBlockBytes)))
    feed(bytes.substr(0, kBlockBytes));
}

void Bare(benchmark::State& state) {
  const Log& log = log_of(state.range(0) != 0);
  BareOnDemand bare;
  for (auto _ : state) {
    const BareTotals totals = bare.read(log.view());
    BELAY_CHECK(totals.events == log.events, "the bare loop lost events");
  }
  report(state, log);
}
BENCHMARK(Bare)->ArgName("indented")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void Parse(benchmark::State& state) {
  const Log& log = log_of(state.range(0) != 0);
  std::vector<rules::Event> events;
  for (auto _ : state) {
    monitor::LogParser parser({});
    feed_in_blocks(log.view(), [&](std::string_view block) {
      parser.feed(block, Instant{}, events);
      events.clear();
    });
    parser.finish(Instant{}, events);
    BELAY_CHECK(parser.used() == log.events, "the parser lost events");
  }
  report(state, log);
}
BENCHMARK(Parse)->ArgName("indented")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

/// What the rollout pack asks, and what a service might ask besides.
rules::Plan plan() {
  constexpr const char* kSentences[] = {
      "5xx rate > 5% over 1m, min 50 requests, for 30s",
      "error rate > 5% over 1m, min 50 requests, for 40s of 1m",
      "p95 latency > 250ms over 5m, min 100 requests",
      "429 rate > 2% over 1m, min 100 requests",
      "p99 latency > 1s over 5m and requests rate > 10/s over 5m",
      "exceptions rate > 1% over 10s, min 20 requests",
  };
  rules::Plan plan;
  plan.any_service.emplace();
  for (const char* text : kSentences) {
    auto parsed = rules::parse_sentence(text);
    BELAY_CHECK(parsed.sentence, "a sentence of the benchmark does not parse");
    plan.any_service->rules.push_back({.name = text, .sentence = std::move(*parsed.sentence)});
  }
  return plan;
}

/// All of it, as `belay replay` runs it: frame, parse, intern, windows, rules every 250 ms of event
/// time.
void Pipeline(benchmark::State& state) {
  const Log& log = log_of(state.range(0) != 0);
  for (auto _ : state) {
    std::uint64_t steps = 0;
    monitor::Replay replay({.plan = plan()}, [&](const rules::Step&, Instant) { ++steps; });
    feed_in_blocks(log.view(), [&](std::string_view block) { replay.feed(block); });
    replay.end_of_file();
    replay.finish();
    BELAY_CHECK(replay.events() == log.events && steps > 10, "the pipeline lost events");
  }
  report(state, log);
}
BENCHMARK(Pipeline)->ArgName("indented")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace belay::bench
