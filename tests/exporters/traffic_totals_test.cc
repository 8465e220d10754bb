// Goal: counters labelled by role never go back, whatever the engine's series do. Method: snapshots
// by hand, and a random walk of roles and forgotten versions.

#include "exporters/traffic_totals.h"

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

namespace belay::exporters {
namespace {

rules::SeriesTotals series(std::string route, std::string version, std::uint64_t requests,
                           std::uint64_t errors = 0) {
  rules::SeriesTotals totals{.route = std::move(route), .version = std::move(version)};
  totals.requests = requests;
  totals.errors = errors;
  totals.by_status_class[2] = requests - errors;
  totals.by_status_class[5] = errors;
  totals.latency_buckets[3] = requests;
  totals.latency_sum_seconds = static_cast<double>(requests) / 10;
  return totals;
}

rules::Snapshot shop(std::vector<rules::SeriesTotals> series,
                     std::optional<rules::RolloutStatus> gate = std::nullopt) {
  std::sort(series.begin(), series.end(), [](const auto& left, const auto& right) {
    return std::tie(left.route, left.version) < std::tie(right.route, right.version);
  });
  rules::Snapshot snapshot;
  snapshot.services.push_back(
      {.name = "shop", .series = std::move(series), .rollout = std::move(gate)});
  return snapshot;
}

const RoleTotals& role(const TrafficTotals& totals, Role role) {
  return totals.by_service().at("shop").roles[static_cast<std::size_t>(role)];
}

TEST(TrafficTotals, BooksWhatComesOnTheRoleThatTheVersionHasThen) {
  TrafficTotals totals;
  totals.add(shop({series("/", "v1", 100)}));
  totals.add(shop({series("/", "v1", 140), series("/", "v2", 10, 4)},
                  rules::RolloutStatus{.candidate = "v2", .baseline = "v1"}));
  totals.add(shop({series("/", "v1", 150), series("/", "v2", 30, 5)},
                  rules::RolloutStatus{.candidate = "v3", .baseline = "v2"}));
  EXPECT_EQ(role(totals, Role::other).requests, 110U);
  EXPECT_EQ(role(totals, Role::candidate).requests, 10U);
  EXPECT_EQ(role(totals, Role::candidate).errors, 4U);
  EXPECT_EQ(role(totals, Role::baseline).requests, 60U);
  EXPECT_EQ(role(totals, Role::baseline).errors, 1U);
  EXPECT_EQ(role(totals, Role::baseline).by_status_class[5], 1U);
  EXPECT_EQ(role(totals, Role::baseline).latency_buckets[3], 60U);
  EXPECT_DOUBLE_EQ(role(totals, Role::baseline).latency_sum_seconds, 6.0);
}

TEST(TrafficTotals, AddsUpTheVersionsOfARoute) {
  TrafficTotals totals;
  totals.add(shop({series("/a", "v1", 5, 1), series("/a", "v2", 7), series("/b", "v1", 1)}));
  const auto& routes = totals.by_service().at("shop").routes;
  EXPECT_EQ(routes.at("/a").requests, 12U);
  EXPECT_EQ(routes.at("/a").errors, 1U);
  EXPECT_EQ(routes.at("/b").requests, 1U);
}

TEST(TrafficTotals, CountsRoutesOverTheCapAsOther) {
  TrafficTotals totals;
  std::vector<rules::SeriesTotals> many;
  for (std::size_t i = 0; i < TrafficTotals::kRoutesMax + 10; ++i) {
    many.push_back(series("/" + std::to_string(i), "v1", 1));
  }
  totals.add(shop(many));
  const auto& routes = totals.by_service().at("shop").routes;
  EXPECT_EQ(routes.size(), TrafficTotals::kRoutesMax);
  EXPECT_EQ(routes.at("other").requests, 11U);
}

TEST(TrafficTotals, NeverGoesBackWhenTheEngineForgetsAVersionOrARoleMoves) {
  std::mt19937 random(7);
  TrafficTotals totals;
  const std::array<std::string, 3> versions = {"v1", "v2", "v3"};
  std::array<std::uint64_t, 3> counts{};
  std::array<std::uint64_t, 3> before{};
  std::uint64_t route_before = 0;
  std::uint64_t all = 0;
  for (int turn = 0; turn < 500; ++turn) {
    std::vector<rules::SeriesTotals> now;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (random() % 10 == 0) counts[i] = 0;  // Forgotten; absent until it is seen again.
      const std::uint64_t more = random() % 5;
      counts[i] += more;
      all += more;
      if (counts[i] > 0) now.push_back(series("/", versions[i], counts[i]));
    }
    totals.add(shop(now, rules::RolloutStatus{.candidate = versions[random() % 3],
                                              .baseline = versions[random() % 3]}));
    std::uint64_t sum = 0;
    for (const Role each : kRoles) {
      const std::uint64_t requests = role(totals, each).requests;
      EXPECT_GE(requests, before[static_cast<std::size_t>(each)]);
      before[static_cast<std::size_t>(each)] = requests;
      sum += requests;
    }
    const auto& routes = totals.by_service().at("shop").routes;
    const std::uint64_t route = routes.empty() ? 0 : routes.at("/").requests;
    EXPECT_GE(route, route_before);
    route_before = route;
    EXPECT_EQ(sum, route);
    EXPECT_LE(sum, all);
  }
  EXPECT_GT(before[0], 0U);
}

}  // namespace
}  // namespace belay::exporters
