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
    rig.run(silent + 6s);
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
                             "of about 540 requests of the candidate came in the last 18s, beside "
                             "540 of the baseline") != std::string::npos;
    EXPECT_EQ(says_so, is_taken_out) << rollout(rig).why;
  }
}

TEST(EndOfBake, PassesNothingOfWhichBothVersionsAreGoneButForAStraggler) {
  for (const bool is_alone : {true, false}) {
    EngineRig rig(plan_of());
    rig.stream("v1", is_alone ? 0 : 20, {.version = "v1"});
    rig.stream("v2", 20, {.version = "v2"});
    rig.push(gate(rig.now(), 2min));
    rig.run(60s);
    rig.stream("v1", 0);
    rig.stream("v2", 0);
    for (int i = 0; i < 13; ++i) {
      rig.push(rig.request({.version = "v2"}, rig.now()));
      rig.run(5s);
    }
    EXPECT_EQ(decided(rollout(rig)), Outcome::unknown);
    EXPECT_THAT(rollout(rig).why,
                HasSubstr(" requests of the candidate came in the last 24s: nobody"));
  }
}

TEST(EndOfBake, PassesNoSmallCanaryOfWhichAStragglerOrTwoAreLeft) {
  for (const int stragglers : {2, 4}) {
    EngineRig rig(plan_of());
    rig.stream("v1", 20, {.version = "v1"});
    rig.stream("v2", 1, {.version = "v2"});
    rig.push(gate(rig.now(), 2min));
    rig.run(95s);
    rig.stream("v2", 0);
    for (int i = 0; i < 26; ++i) {
      if (i % (26 / stragglers) == 4) rig.push(rig.request({.version = "v2"}, rig.now()));
      rig.run(1s);
    }
    EXPECT_EQ(decided(rollout(rig)), stragglers == 2 ? Outcome::unknown : Outcome::pass)
        << rollout(rig).why;
  }
}

TEST(EndOfBake, PassesNoneThatFellSilentForLessThanTheFifth) {
  for (const Duration silent : {3s, 14s, 22s})
    for (const bool is_alone : {true, false}) {
      EngineRig rig(plan_of());
      rig.stream("v1", is_alone ? 0 : 20, {.version = "v1"});
      rig.stream("v2", 20, {.version = "v2"});
      rig.push(gate(rig.now(), 2min));
      rig.run(2min - silent);
      rig.stream("v1", 0);
      rig.stream("v2", 0);
      rig.run(silent + 1s);
      EXPECT_EQ(decided(rollout(rig)), silent == 3s ? Outcome::pass : Outcome::unknown)
          << rollout(rig).why;
    }
}

TEST(EndOfBake, TakesNoSmokeTestOfBeforeItsTrafficForALogInBatches) {
  for (const bool is_alone : {true, false}) {
    EngineRig rig(plan_of());
    rig.stream("v1", 20, {.version = "v1"});
    rig.push(gate(rig.now(), 150s));
    for (int i = 0; i < 2; ++i) {
      rig.run(35s);
      rig.push(rig.request({.version = "v2"}, rig.now()));
    }
    rig.run(2s);
    rig.stream("v2", 20, {.version = "v2"});
    rig.run(46s);
    rig.stream("v2", 0);
    if (is_alone) rig.stream("v1", 0);
    rig.run(48s);
    EXPECT_EQ(decided(rollout(rig)), Outcome::unknown) << rollout(rig).why;
  }
}

TEST(EndOfBake, TakesNoHiccupsOfTheLogForBatchesWhereTheBaselineGoesOn) {
  EngineRig rig(plan_of(40s));
  const auto hiccup = [&rig](Duration span) {
    std::vector<Event> kept;
    for (const char* version : {"v1", "v2"}) rig.stream(version, 0);
    for (Duration passed{}; passed < span; passed += 50ms)
      for (const char* version : {"v1", "v2"})
        kept.push_back(rig.request({.version = version}, rig.now() + passed));
    rig.run(span);
    for (Event& one : kept) rig.push(std::move(one));
    for (const char* version : {"v1", "v2"}) rig.stream(version, 20, {.version = version});
  };
  for (const char* version : {"v1", "v2"}) rig.stream(version, 20, {.version = version});
  rig.push(gate(rig.now(), 150s));
  rig.run(8s);
  hiccup(25s);
  rig.run(6s);
  hiccup(25s);
  rig.run(63s);
  rig.stream("v2", 0);
  rig.run(40s);
  EXPECT_EQ(decided(rollout(rig)), Outcome::unknown) << rollout(rig).why;
}

TEST(EndOfBake, LooksOnceMoreAtWhatMayBeAPauseOfTheLog) {
  for (const bool comes_back : {true, false}) {
    EngineRig rig(plan_of());
    rig.stream("v2", 40, {.version = "v2"});
    rig.push(gate(rig.now(), 2min));
    rig.run(2min - 8s);
    rig.stream("v2", 0);
    rig.run(11s);
    EXPECT_TRUE(is_judged(rollout(rig).state)) << "nobody knows yet";
    if (comes_back) rig.stream("v2", 40, {.version = "v2"});
    rig.run(8s);
    EXPECT_EQ(decided(rollout(rig)), comes_back ? Outcome::pass : Outcome::unknown)
        << rollout(rig).why;
  }
}

TEST(EndOfBake, PassesWhatIsAsSilentAsItOftenIs) {
  EngineRig rig(plan_of());
  rig.push(gate(rig.now(), 2min));
  for (int burst = 0; burst < 10; ++burst) {
    rig.stream("v2", 30, {.version = "v2"});
    rig.run(4s);
    rig.stream("v2", 0);
    rig.run(8s);
  }
  rig.run(1s);
  EXPECT_EQ(decided(rollout(rig)), Outcome::pass) << rollout(rig).why;
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
          "no request of the candidate was seen in the last 12s: nobody knows how it is now"));
}

/// One request of each version in so many seconds.
void run_sparse(EngineRig& rig, Duration span, int of_baseline, int of_candidate) {
  for (const Instant until = rig.now() + span; rig.now() < until; rig.run(1s)) {
    const auto tick = static_cast<int>(rig.elapsed() / 1s);
    if (of_baseline > 0 && tick % of_baseline == 0)
      rig.push(rig.request({.version = "v1"}, rig.now()));
    if (of_candidate > 0 && tick % of_candidate == 0)
      rig.push(rig.request({.version = "v2"}, rig.now()));
  }
}

TEST(EndOfBake, OfALongBakePassesACandidateThatHasFewRequests) {
  EngineRig rig(plan_of());
  rig.push(gate(rig.now(), 1h));
  run_sparse(rig, 57min + 30s, 60, 45);
  // More than the two minutes that are looked at, and no wonder.
  run_sparse(rig, 2min + 31s, 0, 0);
  EXPECT_EQ(decided(rollout(rig)), Outcome::pass) << rollout(rig).why;
}

TEST(EndOfBake, OfALongBakePassesNoCandidateThatFellSilentLongAgo) {
  EngineRig rig(EngineRig::plan_of(
      {}, {make_rule("errors", "error rate > 5% over 50m, min 10 requests", "rollback")}));
  rig.push(gate(rig.now(), 1h));
  run_sparse(rig, 40min, 20, 30);
  run_sparse(rig, 20min + 1s, 20, 0);
  EXPECT_EQ(decided(rollout(rig)), Outcome::unknown);
  EXPECT_THAT(rollout(rig).why,
              testing::ContainsRegex("no request of the candidate was seen for 20m.*, beside 6[01] "
                                     "of the baseline"));
}

TEST(EndOfBake, SaysHowLongIsLookedAt) {
  EngineRig rig(plan_of());
  traffic(rig);
  rig.push(gate(rig.now(), 20min));
  rig.run(17min);
  rig.stream("v1", 0);
  rig.stream("v2", 0);
  rig.run(3min + 1s);
  EXPECT_EQ(decided(rollout(rig)), Outcome::unknown);
  EXPECT_THAT(rollout(rig).why, HasSubstr("no request of either version was seen in the last 2m:"));
}

/// What is pushed every ten seconds.
void run_batches(EngineRig& rig, Duration span, bool has_candidate) {
  for (const Instant until = rig.now() + span; rig.now() < until; rig.run(1s)) {
    if ((rig.elapsed() / 1s) % 10 != 0) continue;
    for (Duration ago = 9s; ago >= 0s; ago -= 1s)
      for (int i = 0; i < 3; ++i) {
        rig.push(rig.request({.version = "v1"}, rig.now() - ago));
        if (has_candidate) rig.push(rig.request({.version = "v2"}, rig.now() - ago));
      }
  }
}

TEST(EndOfBake, OfALogInBatchesWaitsForTheNext) {
  for (const bool has_died : {false, true}) {
    EngineRig rig(plan_of(15s));
    rig.run(2s);
    run_batches(rig, 17s, true);
    rig.push(gate(rig.now(), 30s));
    run_batches(rig, 12s, true);
    run_batches(rig, 19s, !has_died);
    EXPECT_EQ(decided(rollout(rig)), has_died ? Outcome::unknown : Outcome::pass)
        << rollout(rig).why;
  }
}

TEST(EndOfBake, GoesOnOverAChangeOfTheSplit) {
  const auto live = [](EngineRig& rig, double percent) {
    rig.push(Deployment{.service = "shop",
                        .at = rig.now(),
                        .versions = {{.version = "v1", .percent = 100 - percent},
                                     {.version = "v2", .percent = percent}}});
  };
  EngineRig rig(plan_of());
  live(rig, 20);
  traffic(rig);
  rig.push(gate(rig.now(), 2min));
  rig.run(60s);
  rig.stream("v2", 0);
  rig.run(55s);
  live(rig, 22);
  rig.run(6s);
  EXPECT_EQ(decided(rollout(rig)), Outcome::unknown);
  EXPECT_THAT(rollout(rig).why, HasSubstr("no request of the candidate was seen in the last 24s"));
}

TEST(EndOfBake, IsLookedAtWhereRulesOfOnesOwnReadTheRequests) {
  const Rule errors = make_rule("errors", "error rate > 5% over 60s, min 10 requests", "rollback");
  const Rule alert = make_rule("errors", "error rate > 5% over 60s, min 10 requests");
  const Rule down = make_rule("down", "probe healthz fails 3 of 5", "rollback");
  struct Rules {
    std::vector<Rule> always;
    std::vector<Rule> of_rollout;
    bool read_requests;
  };
  for (const auto& [always, of_rollout, reads_requests] :
       {Rules{{}, {errors}, true}, Rules{{}, {down}, false}, Rules{{errors}, {down}, true},
        Rules{{alert}, {down}, false}})
    for (const bool has_baseline : {false, true}) {
      EngineRig rig(EngineRig::plan_of(always, of_rollout));
      if (has_baseline) rig.stream("v1", 10, {.version = "v1"});
      rig.stream("v2", 10, {.version = "v2"});
      RolloutStarted started = gate(rig.now(), 70s);
      if (!has_baseline) started.baseline.clear();
      rig.push(started);
      for (int i = 0; i < 71; ++i) {
        if (i == 40) rig.stream("v2", 0);
        rig.push(Probe{.source = EngineRig::kProbe, .at = rig.now()});
        rig.run(1s);
      }
      EXPECT_EQ(decided(rollout(rig)), reads_requests ? Outcome::unknown : Outcome::pass);
      if (!reads_requests) continue;
      EXPECT_THAT(
          rollout(rig).why,
          HasSubstr(has_baseline ? "no request of the candidate was seen in the last 14s"
                                 : "no request of either version was seen in the last 14s"));
    }
}

}  // namespace
}  // namespace belay::rules
