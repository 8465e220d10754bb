// What a series costs: PERFORMANCE's row 5 is a promise about memory, so it is tested, not only
// measured.

#include <cstddef>
#include <cstdlib>
#include <new>
#include <random>

#include <gtest/gtest.h>
#include <malloc.h>

#include "rules/windows/count_window.h"
#include "rules/windows/quantile_window.h"

namespace {
std::size_t bytes_in_use = 0;

void* counted(std::size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  bytes_in_use += malloc_usable_size(memory);
  return memory;
}
void uncounted(void* memory) {
  if (memory != nullptr) bytes_in_use -= malloc_usable_size(memory);
  std::free(memory);
}
}  // namespace

void* operator new(std::size_t size) { return counted(size); }
// Else AddressSanitizer's own would answer std::stable_sort, and be told of a free() in the end.
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return counted(size);
}
void operator delete(void* memory) noexcept { uncounted(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { uncounted(memory); }

namespace belay::rules {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// The windows of one (service, version, route) that four count rules and two quantile rules need.
struct SeriesWindows {
  CountWindow counts[4];
  QuantileWindow quantiles[2];

  explicit SeriesWindows(Instant now)
      : counts{{seconds{10}, now}, {minutes{1}, now}, {minutes{5}, now}, {hours{1}, now}},
        quantiles{{minutes{1}, now}, {minutes{5}, now}} {}
};

/// Heap and object of a series after ten minutes of lognormal latencies, `per_second` of them.
std::size_t bytes_at(double per_second) {
  const std::size_t before = bytes_in_use;
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> latency_us(10.3, 0.5);
  Instant now = from_unix_ms(1'795'000'000'000);
  SeriesWindows series(now);
  const auto gap =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / per_second));
  for (const Instant end = now + minutes{10}; now < end; now += gap) {
    const TimeBuckets moment(now);
    for (CountWindow& window : series.counts) EXPECT_TRUE(window.add(moment, moment));
    for (QuantileWindow& window : series.quantiles)
      EXPECT_TRUE(window.add(moment, moment, bucket_of(latency_us(random))));
  }
  return bytes_in_use - before + sizeof(SeriesWindows);
}

TEST(WindowMemoryTest, ASeriesOfTenEventsASecondStaysBelowItsBound) {
  EXPECT_LE(bytes_at(0.1), 16U * 1024);
  EXPECT_LE(bytes_at(1), 16U * 1024);
  EXPECT_LE(bytes_at(10), 16U * 1024);
}

/// Ten times the traffic does not cost ten times the memory: equal values are counted together.
TEST(WindowMemoryTest, MemoryFollowsTheDistinctBucketsNotTheEvents) {
  EXPECT_LE(bytes_at(100), 48U * 1024);
  EXPECT_LE(bytes_at(1'000), 160U * 1024);
}

TEST(WindowMemoryTest, WhatABurstTookIsGivenBack) {
  const std::size_t before = bytes_in_use;
  const Instant now = from_unix_ms(1'795'000'000'000);
  QuantileWindow window(minutes{1}, now);
  const std::size_t empty = bytes_in_use - before;
  for (BucketId value = 40'000; value < 60'000; ++value) ASSERT_TRUE(window.add(now, now, value));
  EXPECT_GT(bytes_in_use - before, empty + 100'000);
  window.advance(now + minutes{2});
  EXPECT_EQ(bytes_in_use - before, empty);
}

}  // namespace
}  // namespace belay::rules
