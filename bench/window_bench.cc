// Rows 4 and 5 of the goals: what one insert, one slide and one quantile cost.

#include <algorithm>
#include <cmath>
#include <iterator>
#include <random>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "rules/windows/count_window.h"
#include "rules/windows/duplicate_filter.h"
#include "rules/windows/histogram.h"
#include "rules/windows/quantile_window.h"
#include "rules/windows/route.h"
#include "rules/windows/series_store.h"

namespace belay::rules {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant kStart = from_unix_ms(1'795'000'000'000);

/// Latencies as they come, so that no branch can be predicted.
std::vector<std::uint32_t> latencies_us() {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> latency(10.3, 0.6);
  std::vector<std::uint32_t> values(4096);
  for (std::uint32_t& value : values) value = static_cast<std::uint32_t>(latency(random));
  return values;
}

void HistogramInsert(benchmark::State& state) {
  const auto values = latencies_us();
  Histogram histogram;
  for (auto _ : state)
    for (const std::uint32_t value : values) histogram.insert(bucket_of(value));
  benchmark::DoNotOptimize(histogram.count());
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(values.size()));
}
BENCHMARK(HistogramInsert);

void HistogramQuantile(benchmark::State& state) {
  Histogram histogram;
  for (const std::uint32_t value : latencies_us()) histogram.insert(bucket_of(value));
  for (auto _ : state) benchmark::DoNotOptimize(histogram.quantile(0.95));
}
BENCHMARK(HistogramQuantile);

/// The largest relative error of a quantile, in percent, over the middle of the distribution and
/// its tail.
void HistogramError(benchmark::State& state) {
  double worst = 0;
  for (auto _ : state) {
    auto values = latencies_us();
    Histogram histogram;
    for (const std::uint32_t value : values) histogram.insert(bucket_of(value));
    std::sort(values.begin(), values.end());
    for (double q = 0.01; q < 0.9995; q += 0.001) {
      const double exact = values[quantile_rank(q, values.size()) - 1];
      worst = std::max(worst, std::abs(*histogram.quantile(q) - exact) / exact);
    }
  }
  state.counters["error_percent"] = worst * 100;
}
BENCHMARK(HistogramError)->Iterations(1);

void CountWindowInsert(benchmark::State& state) {
  CountWindow window(minutes{1}, kStart);
  const TimeBuckets now(kStart);
  std::vector<TimeBuckets> times;
  for (int i = 0; i < 4096; ++i) times.emplace_back(kStart - milliseconds{i % 3'000});
  for (auto _ : state)
    for (const TimeBuckets& at : times) benchmark::DoNotOptimize(window.add(now, at));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(times.size()));
}
BENCHMARK(CountWindowInsert);

void CountWindowSlide(benchmark::State& state) {
  CountWindow window(minutes{1}, kStart);
  Instant now = kStart;
  for (auto _ : state) {
    now += seconds{1};
    window.advance(now);
  }
  benchmark::DoNotOptimize(window.sum());
}
BENCHMARK(CountWindowSlide);

/// An insert with all that it costs later: merging and expiry. The argument is events a second.
void QuantileWindowInsert(benchmark::State& state) {
  const auto values = latencies_us();
  QuantileWindow window(minutes{1}, kStart);
  const auto gap = Duration{seconds{1}} / state.range(0);
  Instant now = kStart;
  std::size_t next = 0;
  for (auto _ : state) {
    now += gap;
    const TimeBuckets moment(now);
    benchmark::DoNotOptimize(window.add(moment, moment, bucket_of(values[next++ % values.size()])));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(QuantileWindowInsert)->Arg(1)->Arg(100)->Arg(10'000);

void DuplicateFilterInsert(benchmark::State& state) {
  DuplicateFilter filter;
  std::mt19937_64 random(1);
  for (auto _ : state) benchmark::DoNotOptimize(filter.insert(random()));
}
BENCHMARK(DuplicateFilterInsert);

void NormaliseRoute(benchmark::State& state) {
  constexpr std::string_view kUrls[] = {
      "https://shop-carts2.example.test/api/v1/users/123456",
      "https://shop-carts2.example.test/shop1/orders/550e8400-e29b-41d4-a716-446655440000",
      "https://shop-carts2.example.test/carts/list2?page=4&q=2cf3a1",
      "https://shop-carts2.example.test/items/54321/lines3/17",
  };
  RouteBuffer buffer;
  for (auto _ : state)
    for (const std::string_view url : kUrls) benchmark::DoNotOptimize(normalise_route(url, buffer));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(std::size(kUrls)));
}
BENCHMARK(NormaliseRoute);

void SeriesCount(benchmark::State& state) {
  SeriesStore store(200);
  std::mt19937_64 random(1);
  std::vector<SeriesKey> keys(4096);
  for (SeriesKey& key : keys)
    key = {.version = static_cast<NameId>(1 + random() % 2),
           .route = static_cast<NameId>(1 + random() % 40)};
  for (auto _ : state) {
    for (const SeriesKey& key : keys) {
      const auto series = store.find_or_add(key);
      store.count(series, {.status = 200});
      store.count_latency(series, 31'000);
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(keys.size()));
}
BENCHMARK(SeriesCount);

}  // namespace
}  // namespace belay::rules
