// Row 8 of the goals: from the arrival of the request that makes a rule bad to the order to roll
// back, through the real inbox, loop and engine, while nothing else happens. journal:0: the journal
// takes what it is given and does nothing; journal:1: the real one, so that the order goes out once
// its intent is durable.

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
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

constexpr rules::TextId kCandidate{1};

class NoJournal final : public monitor::Journal {
 public:
  Status append(const std::vector<rules::JournalEntry>& /*entries*/) override { return Done{}; }
  Result<Recovered> recover(Instant /*now*/) override { return Recovered{}; }
  Status read(std::size_t /*entries_max*/,
              const std::function<void(const rules::JournalEntry&)>& /*each*/) override {
    return Done{};
  }
};

/// The real one, in a directory of its own.
class DurableJournal {
 public:
  DurableJournal() {
    std::string pattern = (std::filesystem::temp_directory_path() / "belay-bench-XXXXXX").string();
    BELAY_CHECK(::mkdtemp(pattern.data()) != nullptr, "no directory for the journal");
    place_ = pattern;
    auto opened = monitor::Journal::open(place_);
    BELAY_CHECK(opened.ok(), "no journal");
    journal_ = std::move(opened).value();
  }
  ~DurableJournal() {
    journal_.reset();
    std::error_code left_behind;
    std::filesystem::remove_all(place_, left_behind);
  }
  DurableJournal(const DurableJournal&) = delete;
  DurableJournal& operator=(const DurableJournal&) = delete;
  monitor::Journal* get() { return journal_.get(); }

 private:
  std::filesystem::path place_;
  std::unique_ptr<monitor::Journal> journal_;
};

rules::Plan plan() {
  const rules::Then roll_back{rules::Then::Kind::rollback, {}};
  rules::ServicePlan shop{.name = "shop", .mode = rules::Mode::enforce, .on_fail = {roll_back}};
  for (const char* text : {"5xx rate > 5% over 1m, min 50 requests", "p95 latency > 250ms over 5m",
                           "requests rate > 1000/s over 10s"}) {
    auto parsed = rules::parse_sentence(text);
    BELAY_CHECK(parsed.sentence, "a sentence of the benchmark does not parse");
    shop.rollout_rules.push_back(
        {.name = text, .sentence = std::move(*parsed.sentence), .then = roll_back});
  }
  rules::Plan plan;
  plan.sources = {{.name = "tail", .service = "shop"}};
  plan.services = {shop};
  return plan;
}

rules::Request request(Instant at, std::uint16_t status) {
  return {.version = kCandidate, .at = at, .status = status, .latency_us = 30'000};
}

/// One rollout that lacks one bad request to be rolled back, and its loop.
class OneDecision {
 public:
  explicit OneDecision(monitor::Journal* journal)
      : lane_(inbox_.add_lane(rules::SourceId{0})),
        loop_(rules::Engine(plan(), clock_.now()),
              {.inbox = inbox_, .clock = clock_, .journal = journal, .submit = [this](auto) {
                 ordered_at_ns_ = SteadyClock::now().time_since_epoch().count();
                 ordered_at_ns_.notify_one();
               }}) {
    const Instant now = clock_.now();
    std::vector<rules::Event> events{
        rules::SourceState{.source = {}, .at = now},
        rules::TextDefined{.source = {}, .id = kCandidate, .text = "v2"},
        rules::RolloutStarted{
            .at = now, .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = 10min}};
    for (int i = 0; i < 49; ++i) events.emplace_back(request(now, i % 16 == 0 ? 500 : 200));
    lane_.offer_all(events);
    thread_ = std::jthread([this](std::stop_token stop) { loop_.run(std::move(stop)); });
    std::this_thread::sleep_for(3ms);  // The loop waits again, as it mostly does.
  }
  ~OneDecision() {
    thread_.request_stop();
    inbox_.close();
  }
  OneDecision(const OneDecision&) = delete;
  OneDecision& operator=(const OneDecision&) = delete;

  /// The last request comes; until the order is handed on.
  std::chrono::nanoseconds decide() {
    BELAY_CHECK(ordered_at_ns_ == 0, "rolled back before there was reason");
    std::vector<rules::Event> last{request(clock_.now(), 500)};
    const std::int64_t sent = SteadyClock::now().time_since_epoch().count();
    lane_.offer_all(last);
    ordered_at_ns_.wait(0);
    return std::chrono::nanoseconds{ordered_at_ns_ - sent};
  }

 private:
  const monitor::SystemClock clock_;
  monitor::Inbox inbox_;
  monitor::Lane& lane_;
  std::atomic<std::int64_t> ordered_at_ns_{0};
  monitor::EngineLoop loop_;
  std::jthread thread_;
};

double at_share(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

void ArrivalToDecision(benchmark::State& state) {
  NoJournal none;
  std::unique_ptr<DurableJournal> durable;
  if (state.range(0) == 1) durable = std::make_unique<DurableJournal>();
  std::vector<double> waits_us;
  for (auto _ : state) {
    OneDecision one(durable ? durable->get() : &none);
    const std::chrono::duration<double, std::micro> took = one.decide();
    state.SetIterationTime(took.count() * 1e-6);
    waits_us.push_back(took.count());
  }
  std::sort(waits_us.begin(), waits_us.end());
  state.counters["p50_us"] = at_share(waits_us, 0.5);
  state.counters["p99_us"] = at_share(waits_us, 0.99);
}
BENCHMARK(ArrivalToDecision)
    ->ArgName("journal")
    ->DenseRange(0, 1)
    ->UseManualTime()
    ->Iterations(1000)
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace belay::bench
