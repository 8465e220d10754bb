// When a candidate came: what turned bad after that, and before the gate, did so under it.

#include <gtest/gtest.h>

#include "rules/service.h"
#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

Plan plan_of() {
  Plan plan = EngineRig::plan_of(
      {}, {make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s", "rollback")});
  plan.services[0].mode = Mode::enforce;
  return plan;
}

void serve(EngineRig& rig, const std::string& version, int failing, int total) {
  rig.stream(version + " ok", total - failing, {.version = version});
  rig.stream(version + " bad", failing, {.version = version, .status = 500});
}

void start_gate(EngineRig& rig) {
  rig.push(RolloutStarted{
      .at = rig.now(), .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = 40s});
}

TEST(Coming, OfAVersionThatWasThereBeforeIsItsLatestOne) {
  for (const Duration away : {Duration{20s}, Duration{10min}}) {
    EngineRig rig(plan_of());
    serve(rig, "v2", 12, 40);  // When the daemon starts.
    rig.run(20s);
    serve(rig, "v2", 0, 0);
    serve(rig, "v1", 0, 40);
    rig.run(away);
    serve(rig, "v1", 0, 0);
    serve(rig, "v2", 12, 40);
    rig.run(15s);
    start_gate(rig);
    rig.run(20s);
    EXPECT_EQ(rig.orders.size(), 1U) << rig.service().rollout->why;
    EXPECT_FALSE(rig.rule("errors").was_bad_before);
  }
}

TEST(Coming, ExcusesACandidateThatComesBackToAServiceThatIsBad) {
  EngineRig rig(plan_of());
  serve(rig, "v2", 0, 4);
  serve(rig, "v1", 0, 40);
  rig.run(20s);
  serve(rig, "v2", 0, 0);
  serve(rig, "v1", 12, 40);
  rig.run(1min);
  serve(rig, "v2", 12, 40);
  rig.run(15s);
  start_gate(rig);
  rig.run(20s);
  EXPECT_TRUE(rig.orders.empty()) << "it was bad without it";
  EXPECT_TRUE(rig.rule("errors").was_bad_before);
  EXPECT_NE(
      rig.service().rollout->why.find("errors was bad before the gate began (error rate 30% ("),
      std::string::npos)
      << rig.service().rollout->why;
}

/// A request of version 7.
void see_at(Service& service, Duration after) {
  const Instant at = EngineRig::kStart + after;
  service.see_version(service.version_slot(7, 10, {}, TimeBuckets(at)), at, 1, TimeBuckets(at),
                      TimeBuckets(at));
}

TEST(Coming, IsNotEachRequestWhereFewCome) {
  EngineRig rig({}, {make_rule("dead", "probe healthz fails 3 of 5", "rollback")});
  for (int i = 0; i < 30; ++i) {
    const bool is_deployed = i >= 12;
    rig.push(Probe{.source = EngineRig::kProbe,
                   .at = rig.now(),
                   .failure = is_deployed ? ProbeFailure::timeout : ProbeFailure::none});
    if (i % 2 == 0) rig.push(rig.request({.version = is_deployed ? "v2" : "v1"}, rig.now()));
    if (i == 22) start_gate(rig);
    rig.run(5s);
  }
  EXPECT_EQ(rig.orders.size(), 1U) << "it has failed since v2 came, and not since its last request";
}

TEST(Coming, IsFoundByTheTimeWithoutARequestBeforeIt) {
  const Instant start = EngineRig::kStart;
  Service service(ServicePlan{.name = "shop"}, 10, start);
  const auto see = [&service](Duration after) { see_at(service, after); };
  EXPECT_FALSE(service.came(7, 10s));
  see(10s);
  EXPECT_EQ(service.came(7, 24h), start + 10s) << "before the first one it was never there";
  see(12s);
  EXPECT_EQ(service.came(7, 1s), start + 10s) << "no more than a pause";
  see(112s);
  see(142s);
  EXPECT_EQ(service.came(7, 10s), start + 142s);
  EXPECT_EQ(service.came(7, 60s), start + 112s);
  EXPECT_EQ(service.came(7, 101s), start + 10s);
  see(140s);
  EXPECT_EQ(service.came(7, 10s), start + 140s) << "a late one, of the same coming";
  see(120s);
  EXPECT_EQ(service.came(7, 20s), start + 140s);
  EXPECT_EQ(service.came(7, 21s), start + 112s) << "a late one, from the time without";
  see(342s);
  EXPECT_EQ(service.came(7, 150s), start + 342s);
  EXPECT_EQ(service.came(7, 10s), start + 342s);
}

TEST(Coming, IsTwoWhereALateRequestFallsIntoTheMiddleOfTheTimeWithout) {
  const Instant start = EngineRig::kStart;
  Service service(ServicePlan{.name = "shop"}, 10, start);
  const auto see = [&service](Duration after) { see_at(service, after); };
  see(112s);
  see(212s);
  see(200s);
  EXPECT_EQ(service.came(7, 10s), start + 212s);
  EXPECT_EQ(service.came(7, 50s), start + 200s);
  EXPECT_EQ(service.came(7, 90s), start + 112s) << "it was away for 88 s";
  see(90s);
  EXPECT_EQ(service.came(7, 24h), start + 112s) << "of an earlier time without, it changes nothing";
  EXPECT_EQ(service.came(7, 50s), start + 200s);
  see(300s);
  see(304s);
  EXPECT_EQ(service.came(7, 60s), start + 300s);
  see(308s);
  see(316s);
  see(312s);
  EXPECT_EQ(service.came(7, 3s), start + 300s) << "8 s in two halves are two pauses";
}

TEST(Coming, OfTheFirstRequestAndALateOneFromLongBeforeItAreTwo) {
  const Instant start = EngineRig::kStart;
  Service service(ServicePlan{.name = "shop"}, 10, start);
  const auto see = [&service](Duration after) { see_at(service, after); };
  see(100s);
  see(98s);
  EXPECT_EQ(service.came(7, 1s), start + 98s);
  see(40s);
  EXPECT_EQ(service.came(7, 24h), start + 40s);
  EXPECT_EQ(service.came(7, 50s), start + 98s);
}

}  // namespace
}  // namespace belay::rules
