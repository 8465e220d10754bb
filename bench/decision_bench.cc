// Row 8 of the goals: from an event's arrival to what the engine's thread records of the step that
// took it, through the real inbox and the real loop, while nothing else happens. The journal only
// notes the time: SQLite's share, and the judging behind the record, are not in the figure.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/check.h"
#include "monitor/engine_loop.h"
#include "monitor/system_clock.h"
#include "rules/language/parser.h"

namespace belay::bench {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

/// Notes when the engine's thread has something to record.
class StopWatch final : public monitor::Journal {
 public:
  Status append(const std::vector<rules::JournalEntry>& /*entries*/) override {
    recorded_at_ns_ = SteadyClock::now().time_since_epoch().count();
    recorded_at_ns_.notify_one();
    return Done{};
  }
  Result<Recovered> recover(Instant /*now*/) override { return Recovered{}; }
  Status read(std::size_t /*entries_max*/,
              const std::function<void(const rules::JournalEntry&)>& /*each*/) override {
    return Done{};
  }

  /// The moment of the first record after `before`.
  std::int64_t wait_after(std::int64_t before) {
    recorded_at_ns_.wait(before);
    return recorded_at_ns_;
  }
  [[nodiscard]] std::int64_t last() const { return recorded_at_ns_; }

 private:
  std::atomic<std::int64_t> recorded_at_ns_{0};
};

rules::Plan plan() {
  rules::ServicePlan shop{.name = "shop"};
  for (const char* text : {"5xx rate > 5% over 1m, min 50 requests", "p95 latency > 250ms over 5m",
                           "requests rate > 1000/s over 10s"}) {
    auto parsed = rules::parse_sentence(text);
    BELAY_CHECK(parsed.sentence, "a sentence of the benchmark does not parse");
    shop.rules.push_back({.name = text, .sentence = std::move(*parsed.sentence)});
  }
  rules::Plan plan;
  plan.sources = {{.name = "tail", .service = "shop"}};
  plan.services = {shop};
  return plan;
}

double at_share(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

void ArrivalToDecision(benchmark::State& state) {
  const monitor::SystemClock clock;
  monitor::Inbox inbox;
  monitor::Lane& lane = inbox.add_lane(rules::SourceId{0});
  StopWatch journal;
  monitor::EngineLoop loop(
      rules::Engine(plan(), clock.now()),
      {.inbox = inbox, .clock = clock, .journal = &journal, .submit = [](rules::Order) {}});
  std::jthread engine([&loop](std::stop_token stop) { loop.run(stop); });
  std::vector<double> waits_us;
  for (auto _ : state) {
    std::this_thread::sleep_for(3ms);  // The loop waits again, as it mostly does.
    const std::int64_t before = journal.last();
    // A call to judge by, and with it what shows in the journal that its step is over.
    std::vector<rules::Event> events{
        rules::Request{.at = clock.now(), .status = 200, .latency_us = 30'000},
        rules::Disarmed{.at = clock.now(), .until = clock.now(), .by = "bench"}};
    const auto sent = SteadyClock::now();
    lane.offer_all(events);
    const std::int64_t ns = journal.wait_after(before) - sent.time_since_epoch().count();
    state.SetIterationTime(static_cast<double>(ns) * 1e-9);
    waits_us.push_back(static_cast<double>(ns) * 1e-3);
  }
  engine.request_stop();
  inbox.close();
  engine.join();
  std::sort(waits_us.begin(), waits_us.end());
  state.counters["p50_us"] = at_share(waits_us, 0.5);
  state.counters["p99_us"] = at_share(waits_us, 0.99);
}
BENCHMARK(ArrivalToDecision)->UseManualTime()->Iterations(1000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace belay::bench
