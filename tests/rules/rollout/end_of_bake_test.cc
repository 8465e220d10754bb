// A rollout that the default judgement decides passes only by what the end of its bake shows.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;

Plan plan_of(Duration lateness = 5s) {
  Plan plan = EngineRig::plan_of({}, {});
  plan.services[0].rollout.is_judged_by_default = true;
  plan.sources[0].lateness = lateness;
  return plan;
}

RolloutStarted gate(Instant at, Duration lasts) {
  return {.at = at, .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = lasts};
}

void traffic(EngineRig& rig) {
  rig.stream("v1", 40, {.version = "v1"});
  rig.stream("v2", 10, {.version = "v2"});
}

RolloutStatus rollout(const EngineRig& rig) { return *rig.service().rollout; }

TEST(EndOfBake, PassesNothingAfterWhichItsLogsFellSilent) {
  EngineRig rig(plan_of());
  traffic(rig);
  rig.push(gate(rig.now(), 2min));
  rig.run(60s);
  rig.stream("v1", 0);
  rig.stream("v2", 0);
  rig.run(70s);
  EXPECT_EQ(decided(rollout(rig)), Outcome::unknown);
  EXPECT_THAT(rollout(rig).why, HasSubstr("no request of either version was seen in the last"));
}

TEST(EndOfBake, PassesNoCandidateThatFellSilentInAGateShorterThanASilence) {
  for (const Duration silent : {2s, 10s}) {
    EngineRig rig(plan_of());
    traffic(rig);
    rig.push(gate(rig.now(), 30s));
    rig.run(30s - silent);
    rig.stream("v2", 0);
    rig.run(silent + 1s);
    EXPECT_EQ(decided(rollout(rig)), silent == 2s ? Outcome::pass : Outcome::unknown);
    const bool says_so =
        rollout(rig).why.find("no request of the candidate was seen") != std::string::npos;
    EXPECT_EQ(says_so, silent == 10s) << rollout(rig).why;
  }
}

TEST(EndOfBake, PassesNoCandidateOfWhichOnlyAStragglerIsLeft) {
  for (const bool is_taken_out : {false, true}) {
    EngineRig rig(plan_of());
    rig.stream("v1", 15, {.version = "v1"});
    rig.stream("v2", 15, {.version = "v2"});
    rig.push(gate(rig.now(), 90s));
    rig.run(30s);
    if (is_taken_out) {
      rig.stream("v1", 30, {.version = "v1"});
      rig.stream("v2", 0);
    }
    for (int i = 0; i < 13; ++i) {
      rig.push(rig.request({.version = "v2"}, rig.now()));
      rig.run(5s);
    }
    EXPECT_EQ(decided(rollout(rig)), is_taken_out ? Outcome::unknown : Outcome::pass);
    const bool says_so = rollout(rig).why.find(
                             "of about 540 requests of the candidate came in the last fifth of "
                             "1m30s, beside 540 of the baseline") != std::string::npos;
    EXPECT_EQ(says_so, is_taken_out) << rollout(rig).why;
  }
}

TEST(EndOfBake, PassesACandidateThatNeverHadTheShareThatWasOrdered) {
  EngineRig rig(plan_of());
  rig.push(
      Deployment{.service = "shop",
                 .at = rig.now(),
                 .versions = {{.version = "v1", .percent = 50}, {.version = "v2", .percent = 50}}});
  rig.stream("v1", 60, {.version = "v1"});
  rig.stream("v2", 2, {.version = "v2"});
  rig.push(gate(rig.now(), 90s));
  rig.run(91s);
  EXPECT_EQ(decided(rollout(rig)), Outcome::pass) << rollout(rig).why;
}

/// `per_second` requests of each version, every second, that come `lag` after they ended.
void run_late(EngineRig& rig, Duration span, Duration lag, int of_baseline, int of_candidate) {
  for (const Instant until = rig.now() + span; rig.now() < until; rig.run(1s)) {
    for (int i = 0; i < of_baseline; ++i) rig.push(rig.request({.version = "v1"}, rig.now() - lag));
    for (int i = 0; i < of_candidate; ++i)
      rig.push(rig.request({.version = "v2"}, rig.now() - lag));
  }
}

TEST(EndOfBake, PassesWhatALogThatIsAlwaysLateShows) {
  for (const Duration lag : {15s, 40s}) {
    EngineRig rig(plan_of(60s));
    run_late(rig, 50s, lag, 15, 15);
    rig.push(gate(rig.now(), 60s));
    run_late(rig, 62s, lag, 15, 15);
    EXPECT_EQ(decided(rollout(rig)), lag == 15s ? Outcome::pass : Outcome::unknown)
        << rollout(rig).why;
    const bool says_so =
        rollout(rig).why.find(" behind: too little of the last 1m was seen") != std::string::npos;
    EXPECT_EQ(says_so, lag == 40s) << rollout(rig).why;
  }
}

TEST(EndOfBake, FindsTheCandidateSilentInALogThatIsAlwaysLate) {
  EngineRig rig(plan_of(60s));
  run_late(rig, 20s, 15s, 15, 15);
  rig.push(gate(rig.now(), 60s));
  run_late(rig, 45s, 15s, 15, 15);
  run_late(rig, 17s, 15s, 30, 0);
  EXPECT_EQ(decided(rollout(rig)), Outcome::unknown) << rollout(rig).why;
  EXPECT_THAT(
      rollout(rig).why,
      HasSubstr(
          "no request of the candidate was seen in the last fifth of 1m: nobody knows how it is"));
}

}  // namespace
}  // namespace belay::rules
