#include "rules/windows/series_store.h"

#include <string>

#include <gtest/gtest.h>

namespace belay::rules {
namespace {

std::string text_of(NameId name) { return "n" + std::to_string(name); }

TEST(SeriesStoreTest, TheSameKeyIsTheSameSeries) {
  SeriesStore store(10);
  const auto first = store.find_or_add({.version = 1, .route = 2});
  EXPECT_EQ(store.find_or_add({.version = 1, .route = 2}), first);
  EXPECT_NE(store.find_or_add({.version = 2, .route = 2}), first);
  EXPECT_EQ(store.size(), 2U);
  EXPECT_EQ(store.routes(), 1U);
}

TEST(SeriesStoreTest, RoutesOverTheCapAreCountedAsOtherForEachVersion) {
  SeriesStore store(2);
  for (NameId route = 1; route <= 5; ++route)
    for (NameId version = 1; version <= 2; ++version)
      store.count(store.find_or_add({.version = version, .route = route}), {.status = 200});
  EXPECT_EQ(store.routes(), 2U);
  EXPECT_EQ(store.over_cap_total(), 6U);
  const auto totals = store.totals(text_of);
  ASSERT_EQ(totals.size(), 6U);
  EXPECT_EQ(totals[4].route, "other");
  EXPECT_EQ(totals[4].version, "n1");
  EXPECT_EQ(totals[4].requests, 3U);
}

TEST(SeriesStoreTest, StatusesErrorsAndExceptionsAreTotalled) {
  SeriesStore store(2);
  const auto series = store.find_or_add({});
  store.count(series, {.status = 204});
  store.count(series, {.status = 503, .is_error = true, .exceptions = 2, .count = 5});
  store.count(series, {.status = 0, .is_error = true});
  store.count(series, {.status = 999});
  const auto totals = store.totals(text_of);
  ASSERT_EQ(totals.size(), 1U);
  EXPECT_EQ(totals[0].version, "");
  EXPECT_EQ(totals[0].requests, 8U);
  EXPECT_EQ(totals[0].errors, 6U);
  EXPECT_EQ(totals[0].exceptions, 2U);
  EXPECT_EQ(totals[0].by_status_class, (std::array<std::uint64_t, 6>{2, 0, 1, 0, 0, 5}));
}

TEST(SeriesStoreTest, ALatencyOnABoundBelongsBelowIt) {
  SeriesStore store(2);
  const auto series = store.find_or_add({});
  store.count_latency(series, 250'000);
  store.count_latency(series, 250'001);
  store.count_latency(series, 0);
  store.count_latency(series, 4'000'000'000);
  store.count_latencies(series, bucket_of(20'000.0), 3);
  store.add_latency_sum(series, 60'000);
  const SeriesTotals totals = store.totals(text_of)[0];
  EXPECT_EQ(kLatencyBounds[5], 0.25);
  EXPECT_EQ(totals.latency_buckets[5], 1U);
  EXPECT_EQ(totals.latency_buckets[6], 1U);
  EXPECT_EQ(totals.latency_buckets[0], 1U);
  EXPECT_EQ(totals.latency_buckets[2], 3U);
  EXPECT_EQ(totals.latency_buckets[kLatencyBounds.size()], 1U);
  EXPECT_EQ(totals.latency_count, 7U);
  EXPECT_DOUBLE_EQ(totals.latency_sum_seconds, 4'000.560001);
}

TEST(SeriesStoreTest, ADroppedVersionMakesRoomForOtherRoutes) {
  SeriesStore store(2);
  store.count(store.find_or_add({.version = 1, .route = 1}), {});
  store.count(store.find_or_add({.version = 1, .route = 2}), {});
  store.count(store.find_or_add({.version = 2, .route = 2}), {});
  store.drop_version(1);
  EXPECT_EQ(store.routes(), 1U);
  const auto series = store.find_or_add({.version = 2, .route = 3});
  EXPECT_EQ(store.key(series), (SeriesKey{.version = 2, .route = 3}));
  const auto totals = store.totals(text_of);
  ASSERT_EQ(totals.size(), 2U);
  EXPECT_EQ(totals[0].requests, 1U);
  EXPECT_EQ(totals[1].requests, 0U) << "the totals of the dropped series came back";
}

TEST(SeriesStoreTest, TotalsAreSortedByTextNotById) {
  SeriesStore store(10);
  for (const NameId route : {3U, 1U, 2U}) store.find_or_add({.version = 9, .route = route});
  const auto totals =
      store.totals([](NameId name) { return std::string(1, static_cast<char>('z' - name)); });
  ASSERT_EQ(totals.size(), 3U);
  EXPECT_EQ(totals[0].route, "w");
  EXPECT_EQ(totals[2].route, "y");
}

}  // namespace
}  // namespace belay::rules
