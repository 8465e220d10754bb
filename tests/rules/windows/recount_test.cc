// The windows against a brute-force recount, over random streams of late, duplicate, early and
// out-of-order events. The recount follows the definition in time_buckets.h and shares no code with
// it.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/windows/count_window.h"
#include "rules/windows/duplicate_filter.h"
#include "rules/windows/gauge_window.h"
#include "rules/windows/quantile_window.h"
#include "rules/windows/value_window.h"

namespace belay::rules {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint32_t kSlowUs = 250'000;

struct Call {
  Instant at{};
  std::uint32_t latency_us = 0;
  std::uint64_t fingerprint = 0;
};

/// Remembers every event it accepts, and counts afresh when asked.
class Recount {
 public:
  explicit Recount(Duration length) {
    resolution_ms_ = length <= minutes{5} ? 1'000 : length <= hours{1} ? 10'000 : 60'000;
    const std::int64_t length_ms = std::chrono::ceil<milliseconds>(length).count();
    buckets_ = (length_ms + resolution_ms_ - 1) / resolution_ms_;
    ahead_ = (5'000 + resolution_ms_ - 1) / resolution_ms_;
  }
  bool accept(Instant now, const Call& call) {
    const std::int64_t distance = bucket(call.at) - bucket(now);
    if (distance <= -buckets_ || distance > ahead_) return false;
    calls_.push_back(call);
    return true;
  }
  /// In the order of their times; of equal ones, of their arrival.
  [[nodiscard]] std::vector<Call> covered(Instant now) const {
    std::vector<Call> inside;
    for (const Call& call : calls_) {
      const std::int64_t distance = bucket(call.at) - bucket(now);
      if (distance > -buckets_ && distance <= 0) inside.push_back(call);
    }
    std::stable_sort(inside.begin(), inside.end(),
                     [](const Call& a, const Call& b) { return a.at < b.at; });
    return inside;
  }

 private:
  [[nodiscard]] std::int64_t bucket(Instant at) const {
    return static_cast<std::int64_t>(
        std::floor(static_cast<double>(unix_ms(at)) / static_cast<double>(resolution_ms_)));
  }
  std::int64_t resolution_ms_ = 1;
  std::int64_t buckets_ = 0;
  std::int64_t ahead_ = 0;
  std::vector<Call> calls_;
};

/// All kinds of windows of one length, fed with the same stream.
struct Windows {
  CountWindow all;
  CountWindow slow;
  QuantileWindow quantiles;
  ValueWindow values;
  GaugeWindow gauge;

  Windows(Duration length, Instant now)
      : all(length, now),
        slow(length, now),
        quantiles(length, now),
        values(length, now),
        gauge(length, now) {}

  [[nodiscard]] std::vector<bool> add(Instant now, const Call& call) {
    const bool counted = all.add(now, call.at);
    if (call.latency_us > kSlowUs) (void)slow.add(now, call.at);
    return {counted, quantiles.add(now, call.at, bucket_of(call.latency_us)),
            values.add(now, call.at, call.latency_us), gauge.add(now, call.at, call.latency_us)};
  }
  void advance(Instant now) {
    all.advance(now);
    slow.advance(now);
    quantiles.advance(now);
    values.advance(now);
    gauge.advance(now);
  }
};

double slope_of(const std::vector<Call>& calls) {
  long double t_mean = 0;
  long double v_mean = 0;
  const auto t_of = [&](const Call& call) {
    return static_cast<long double>((call.at - calls.front().at).count()) / 1e9L;
  };
  for (const Call& call : calls) {
    t_mean += t_of(call) / static_cast<long double>(calls.size());
    v_mean += call.latency_us / static_cast<long double>(calls.size());
  }
  long double tt = 0;
  long double tv = 0;
  for (const Call& call : calls) {
    tt += (t_of(call) - t_mean) * (t_of(call) - t_mean);
    tv += (t_of(call) - t_mean) * (call.latency_us - v_mean);
  }
  return static_cast<double>(tv / tt);
}

void expect_same(const Windows& windows, const std::vector<Call>& covered) {
  std::vector<std::uint32_t> sorted;
  std::uint64_t sum = 0;
  for (const Call& call : covered) {
    sorted.push_back(call.latency_us);
    sum += call.latency_us;
  }
  std::sort(sorted.begin(), sorted.end());
  const auto above = static_cast<std::uint64_t>(
      sorted.end() - std::upper_bound(sorted.begin(), sorted.end(), kSlowUs));

  ASSERT_EQ(windows.all.sum(), covered.size());
  ASSERT_EQ(windows.slow.sum(), above);
  ASSERT_EQ(windows.quantiles.count(), covered.size());
  ASSERT_EQ(windows.values.count(), covered.size());
  ASSERT_EQ(windows.values.sum(), static_cast<double>(sum));
  ASSERT_EQ(windows.gauge.count(), covered.size());
  if (covered.empty()) {
    ASSERT_FALSE(windows.quantiles.quantile(0.5) || windows.values.max() || windows.gauge.mean());
    return;
  }
  ASSERT_EQ(windows.values.max(), sorted.back());
  ASSERT_EQ(windows.values.last(), covered.back().latency_us);
  const double mean = static_cast<double>(sum) / static_cast<double>(covered.size());
  ASSERT_DOUBLE_EQ(*windows.values.mean(), mean);
  ASSERT_NEAR(*windows.gauge.mean(), mean, mean * 1e-9);
  for (const double q : {0.01, 0.5, 0.95, 0.99, 0.999}) {
    // The smallest value with at least q * n values at or below it.
    std::size_t rank = 1;
    while (static_cast<double>(rank) < q * static_cast<double>(sorted.size()) - 1e-7) ++rank;
    const double exact = sorted[rank - 1];
    ASSERT_LE(std::abs(*windows.quantiles.quantile(q) - exact), exact * 0.016) << "q " << q;
    ASSERT_EQ(quantile_exceeds(q, windows.all.sum(), windows.slow.sum()), exact > kSlowUs)
        << "q " << q;
  }
  if (covered.back().at - covered.front().at < milliseconds{100}) return;
  const double slope = slope_of(covered);
  ASSERT_NEAR(*windows.gauge.slope(), slope, std::abs(slope) * 1e-6 + 1e-3);
}

/// A stream whose habits (rate, disorder, silences) are drawn first, so that seeds differ in kind.
class Stream {
 public:
  Stream(std::uint64_t seed, Duration length)
      : random_(seed),
        length_(length),
        step_max_ms_(std::vector{300, 2'000, 40'000}[seed % 3]),
        late_max_ms_(
            std::vector<std::int64_t>{0, 3'000, unix_ms(Instant{length}) + 20'000}[draw(0, 2)]),
        per_step_max_(draw(1, 12)) {}

  std::int64_t draw(std::int64_t from, std::int64_t to) {
    return std::uniform_int_distribution<std::int64_t>(from, to)(random_);
  }
  Duration step() {
    if (draw(0, 40) == 0) return length_ * draw(0, 2) + milliseconds{draw(0, 9'000)};
    return milliseconds{draw(0, step_max_ms_)};
  }
  std::vector<Call> calls(Instant now) {
    std::vector<Call> calls;
    for (std::int64_t i = draw(0, per_step_max_); i > 0; --i) {
      if (!sent_.empty() && draw(0, 5) == 0) {
        calls.push_back(
            sent_[static_cast<std::size_t>(draw(0, static_cast<std::int64_t>(sent_.size()) - 1))]);
        continue;
      }
      Call call{.at = now - milliseconds{draw(-7'000, late_max_ms_)},
                .fingerprint = ++fingerprint_};
      call.latency_us = static_cast<std::uint32_t>(
          draw(0, 20) == 0 ? static_cast<double>(draw(0, 3))
                           : std::exp2(static_cast<double>(draw(0, 28'000)) / 1'000));
      calls.push_back(call);
      sent_.push_back(call);
    }
    return calls;
  }

 private:
  std::mt19937_64 random_;
  Duration length_;
  std::int64_t step_max_ms_;
  std::int64_t late_max_ms_;
  std::int64_t per_step_max_;
  std::uint64_t fingerprint_ = 0;
  std::vector<Call> sent_;
};

void run_stream(std::uint64_t seed, Duration length) {
  Stream stream(seed, length);
  // Some streams begin before 1970: rounding down must not turn into rounding to zero.
  Instant now = from_unix_ms(seed % 7 == 0 ? -30'000 : 1'795'000'000'123 + stream.draw(0, 120'000));
  Windows windows(length, now);
  Recount recount(length);
  DuplicateFilter known(64 * 1024);
  std::vector<std::uint64_t> seen;
  for (int i = 0; i < 60; ++i) {
    now += stream.step();
    for (const Call& call : stream.calls(now)) {
      const bool is_new = std::find(seen.begin(), seen.end(), call.fingerprint) == seen.end();
      ASSERT_EQ(known.insert(call.fingerprint), is_new);
      if (!is_new) continue;
      seen.push_back(call.fingerprint);
      ASSERT_THAT(windows.add(now, call), testing::Each(recount.accept(now, call)));
    }
    windows.advance(now);
    expect_same(windows, recount.covered(now));
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(RecountTest, WindowsEqualABruteForceRecountOverRandomStreams) {
  const std::vector<Duration> lengths = {
      seconds{5}, seconds{10}, milliseconds{30'500}, minutes{1},   minutes{5},
      minutes{7}, hours{1},    minutes{90},          seconds{301}, hours{24}};
  for (std::uint64_t seed = 1; seed <= 3'000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    run_stream(seed, lengths[seed % lengths.size()]);
    if (HasFatalFailure()) return;
  }
}

/// Invariant 10 of the failure model: what a window holds does not depend on the order of arrival.
TEST(RecountTest, ContentsAreTheSameUnderAShuffleWithinLateness) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const Instant now = from_unix_ms(1'795'000'000'000);
    std::mt19937_64 random(seed);
    std::vector<Call> calls;
    for (std::uint64_t i = 0; i < 400; ++i)
      calls.push_back({.at = now - milliseconds{static_cast<std::int64_t>(random() % 59'000)},
                       .latency_us = static_cast<std::uint32_t>(random() % 2'000'000)});
    Windows in_order(minutes{1}, now);
    Windows shuffled(minutes{1}, now);
    for (const Call& call : calls) ASSERT_THAT(in_order.add(now, call), testing::Each(true));
    std::shuffle(calls.begin(), calls.end(), random);
    for (const Call& call : calls) ASSERT_THAT(shuffled.add(now, call), testing::Each(true));
    EXPECT_EQ(in_order.all.sum(), shuffled.all.sum());
    EXPECT_EQ(in_order.values.sum(), shuffled.values.sum());
    for (const double q : {0.5, 0.95, 0.99})
      EXPECT_EQ(in_order.quantiles.quantile(q), shuffled.quantiles.quantile(q));
  }
}

}  // namespace
}  // namespace belay::rules
