// Row 5 of the goals: the heap that a series takes, with four count windows and two quantile
// windows (of 10 s to 1 h, and of 1 and 5 min), when it has had a steady number of calls a second
// for ten minutes. The goal is meant at up to ten: of what a busier route has, the counts take as
// much, and the quantiles grow with the distinct latencies of a second.

#include <array>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <random>

#include <benchmark/benchmark.h>
#include <malloc.h>

#include "rules/windows/count_window.h"
#include "rules/windows/quantile_window.h"

namespace {
std::size_t bytes_in_use = 0;
}  // namespace

void* operator new(std::size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  bytes_in_use += malloc_usable_size(memory);
  return memory;
}
void operator delete(void* memory) noexcept {
  if (memory != nullptr) bytes_in_use -= malloc_usable_size(memory);
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept { operator delete(memory); }

namespace belay::rules {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct SeriesWindows {
  std::array<CountWindow, 4> counts;
  std::array<QuantileWindow, 2> quantiles;

  explicit SeriesWindows(Instant now)
      : counts{CountWindow{seconds{10}, now}, CountWindow{minutes{1}, now},
               CountWindow{minutes{5}, now}, CountWindow{hours{1}, now}},
        quantiles{QuantileWindow{minutes{1}, now}, QuantileWindow{minutes{5}, now}} {}
};

/// The argument is events a minute, for ten minutes.
void SeriesMemory(benchmark::State& state) {
  std::size_t bytes = 0;
  for (auto _ : state) {
    const std::size_t before = bytes_in_use;
    std::mt19937_64 random(1);
    std::lognormal_distribution<double> latency_us(10.3, 0.6);
    Instant now = from_unix_ms(1'795'000'000'000);
    SeriesWindows series(now);
    for (const Instant end = now + minutes{10}; now < end;
         now += Duration{minutes{1}} / state.range(0)) {
      const TimeBuckets moment(now);
      for (CountWindow& window : series.counts) window.add(moment, moment);
      for (QuantileWindow& window : series.quantiles)
        window.add(moment, moment, bucket_of(latency_us(random)));
    }
    bytes = bytes_in_use - before + sizeof(SeriesWindows);
  }
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(SeriesMemory)->Arg(6)->Arg(60)->Arg(600)->Arg(6'000)->Iterations(1);

}  // namespace
}  // namespace belay::rules
