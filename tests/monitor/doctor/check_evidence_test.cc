// What a running daemon has seen, as the doctor reads it.

#include "monitor/doctor/check_evidence.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "monitor/doctor/daemon_view.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;

constexpr Instant kNow = from_unix_ms(1'795'000'000'000);

Config config(Duration lateness = 5s) {
  Config config;
  config.plan.services.push_back({.name = "shop"});
  config.sources.push_back({"tail", "shop", LogConfig{}});
  config.plan.sources.push_back(
      {.name = "tail", .kind = rules::SourceKind::log, .service = "shop", .lateness = lateness});
  return config;
}

/// A log of ten requests a second, the last of which came so long ago.
Observation silent_for(Duration silent) {
  Observation observation{.lasted = 10min, .is_of_daemon = true};
  observation.snapshot.at = kNow;
  rules::ServiceStatus shop{.name = "shop", .versions = {"v1"}};
  shop.recent = {{"v1", 6000}};
  shop.recent_over = 10min;
  observation.snapshot.services.push_back(shop);
  rules::SourceStatus tail{.name = "tail", .service = "shop"};
  tail.health = rules::SourceHealth::alive;
  tail.blind = false;
  tail.last_event = kNow - silent;
  tail.events_total = tail.documents_total = tail.used_total = 6000;
  observation.snapshot.sources.push_back(tail);
  return observation;
}

/// "LEVEL ABOUT: WHAT" of each.
std::vector<std::string> lines(const Findings& findings) {
  std::vector<std::string> all;
  for (const Finding& one : findings)
    all.push_back(std::string(name_of(one.level)) + " " + one.about + ": " + one.what);
  return all;
}

TEST(CheckEvidenceTest, ALogThatStoppedIsNotFineBecauseOfWhatItGaveBefore) {
  EXPECT_THAT(lines(check_evidence(config(), silent_for(110s))),
              Contains("weak source tail: 6000 events since the daemon began, the last 1m50s ago, "
                       "where about 1100 requests were to be expected since: has the service "
                       "stopped, or is its log not written any more?"));
  EXPECT_THAT(lines(check_evidence(config(), silent_for(10s))),
              Contains("fine source tail: 6000 events since the daemon began, the last 10s ago"));
}

TEST(CheckEvidenceTest, ThePauseOfALogThatComesInBatchesIsNoSilence) {
  EXPECT_THAT(lines(check_evidence(config(5min), silent_for(4min))),
              Contains(HasSubstr("fine source tail: ")));
}

/// `told` of 6000 requests say how long they took.
Observation telling(std::uint64_t told) {
  Observation observation = silent_for(0s);
  rules::SeriesTotals series{.route = "/", .version = "v1"};
  series.requests = 6000;
  series.latency_count = told;
  observation.snapshot.services[0].series = {series};
  return observation;
}

TEST(CheckEvidenceTest, ALogWithoutDurationsIsNotFineWhereLatencyIsJudged) {
  Config judged = config();
  judged.plan.services[0].rollout.is_judged_by_default = true;
  EXPECT_THAT(lines(check_evidence(judged, telling(0))),
              Contains("weak source tail: 6000 events since the daemon began, the last 0s ago, and "
                       "none of 6000 requests of shop told how long it took: default/latency would "
                       "judge nothing, and no rollout would pass; log `wall_ms`, name your key "
                       "(`latency field`), or say `limits: { p95 latency: off }`"));
  EXPECT_THAT(lines(check_evidence(judged, telling(599))),
              Contains(HasSubstr("only 599 of 6000 requests")));
  const auto is_fine = Contains(testing::StartsWith("fine source tail: "));
  EXPECT_THAT(lines(check_evidence(judged, telling(600))), is_fine);
  EXPECT_THAT(lines(check_evidence(config(), telling(0))), is_fine) << "rules of one's own";
  judged.plan.services[0].rollout.limits.judges_latency = false;
  EXPECT_THAT(lines(check_evidence(judged, telling(0))), is_fine);
}

TEST(CheckEvidenceTest, OfASharedLogWithoutDurationsEachServiceIsTold) {
  Config shared = config();
  shared.plan.services[0].rollout.is_judged_by_default = true;
  shared.sources[0].service.clear();
  EXPECT_THAT(lines(check_evidence(shared, telling(0))),
              Contains(testing::StartsWith("weak logs: none of 6000 requests of shop told")));
}

TEST(CheckDaemonTest, TheDurationsAreReadFromWhatTheDaemonSays) {
  const nlohmann::json series = {{"version", "v1"}, {"requests", 9}, {"latency_count", 7}};
  const nlohmann::json service = {{"service", "shop"}, {"series", {series}}};
  const Observation read = observation_of({{"at_ms", unix_ms(kNow)}}, {service});
  EXPECT_EQ(read.snapshot.services.at(0).series.at(0).latency_count, 7U);
}

TEST(CheckDaemonTest, WhatWasWatchedForMomentsOnlyIsAGuess) {
  Observation young = silent_for(0s);
  young.lasted = 4s;
  EXPECT_THAT(lines(check_daemon("http://127.0.0.1:1", young, {"shop"})),
              Contains(HasSubstr("weak daemon: it has watched for 4s only")));
  EXPECT_EQ(check_daemon("http://127.0.0.1:1", silent_for(0s), {"shop"}).size(), 1U);
}

TEST(CheckDaemonTest, AServiceThatIsDisarmedIsNamed) {
  Observation disarmed = silent_for(0s);
  disarmed.snapshot.services[0].disarmed_until = kNow + 1h;
  EXPECT_THAT(lines(check_daemon("http://127.0.0.1:1", disarmed, {"shop"})),
              Contains(HasSubstr("weak daemon: disarmed until 2026-")));
  disarmed.snapshot.services[0].disarmed_until = kNow;
  EXPECT_EQ(check_daemon("http://127.0.0.1:1", disarmed, {"shop"}).size(), 1U) << "it is over";
}

TEST(CheckDaemonTest, TheDisarmIsReadFromWhatTheDaemonSays) {
  const nlohmann::json service = {{"service", "shop"}, {"disarmed_until_ms", unix_ms(kNow + 1h)}};
  EXPECT_EQ(
      observation_of({{"at_ms", unix_ms(kNow)}}, {service}).snapshot.services[0].disarmed_until,
      kNow + 1h);
}

}  // namespace
}  // namespace belay::monitor
