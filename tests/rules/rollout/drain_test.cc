// Whether the version that was rolled back from has really lost its requests.

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;

/// Of each version, in every ten seconds of a log that comes `lag` late.
struct Traffic {
  int of_baseline = 0;
  int of_candidate = 0;
  std::uint16_t status = 200;  ///< Of the candidate's.
  Duration lag{};
};

void run(EngineRig& rig, Duration span, const Traffic& traffic) {
  for (const Instant until = rig.now() + span; rig.now() < until; rig.run(1s)) {
    const auto tick = static_cast<int>(rig.elapsed() / 1s);
    const auto send = [&](int per_ten, const char* version, std::uint16_t status) {
      const int count = (tick + 1) * per_ten / 10 - tick * per_ten / 10;
      for (int i = 0; i < count; ++i)
        rig.push(rig.request({.version = version, .status = status}, rig.now() - traffic.lag));
    };
    send(traffic.of_baseline, "v1", 200);
    send(traffic.of_candidate, "v2", traffic.status);
  }
}

void start(EngineRig& rig) {
  rig.push(RolloutStarted{
      .at = rig.now(), .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = 10min});
}

EngineRig rig_of(const char* sentence, Duration verify_for) {
  Plan plan = EngineRig::plan_of({}, {make_rule("errors", sentence, "rollback")});
  plan.services[0].verify_for = verify_for;
  plan.sources[0].lateness = 60s;
  return EngineRig(plan);
}

/// Until something is ordered; then the platform says that it is done.
void fail(EngineRig& rig, const Traffic& traffic) {
  for (int i = 0; i < 200 && rig.orders.empty(); ++i) run(rig, 1s, traffic);
  ASSERT_EQ(rig.orders.size(), 1U);
  rig.push(ActionOutcome{
      .at = rig.now(), .intent = rig.orders.back().intent, .phase = ActionOutcome::Phase::applied});
}

std::string told(const EngineRig& rig, Notice::Kind kind) {
  const std::vector<Notice> notices = rig.notices_of(kind);
  return notices.size() == 1 ? notices[0].details.at(0) : std::to_string(notices.size());
}

TEST(Drain, OfAStepThatHadJustBegunIsSeenByWhatCameSinceThen) {
  struct Case {
    int of_baseline;
    int left;
    const char* doubt;
  };
  for (const Case& one : {Case{900, 0, ""}, Case{900, 40, "may not have been taken back"},
                          Case{20, 0, "too few to see whether it was taken back"}}) {
    EngineRig rig = rig_of("error rate > 5% over 5s, min 4 requests", 7s);
    run(rig, 60s, {.of_baseline = one.of_baseline});
    start(rig);
    fail(rig, {.of_baseline = one.of_baseline, .of_candidate = 40, .status = 500});
    run(rig, 9s, {.of_baseline = one.of_baseline, .of_candidate = one.left});
    const bool is_seen = *one.doubt == '\0';
    EXPECT_EQ(rig.notices_of(Notice::Kind::recovered).size(), is_seen ? 1U : 0U)
        << told(rig, Notice::Kind::inconclusive);
    EXPECT_TRUE(is_seen ||
                told(rig, Notice::Kind::inconclusive).find(one.doubt) != std::string::npos);
  }
}

TEST(Drain, OfOneThatHadHardlyBegunIsSeenByTheShareThatItWasToGet) {
  const std::vector<std::pair<int, const char*>> doubts = {
      {0, ""}, {1, "too few to see"}, {20, "may not have been taken back"}};
  for (const double given : {3., 50.})
    for (const auto& [still, doubt] : doubts) {
      EngineRig rig = rig_of("error rate > 5% over 5s, min 1 requests", 30s);
      run(rig, 20s, {.of_baseline = 100});
      rig.push(Deployment{.service = "shop",
                          .at = rig.now(),
                          .id = "d",
                          .versions = {{"v1", 100 - given}, {"v2", given}}});
      start(rig);
      fail(rig, {.of_baseline = 100, .of_candidate = 10, .status = 500});
      run(rig, 32s, {.of_baseline = 30, .of_candidate = still});
      EXPECT_EQ(rig.notices_of(Notice::Kind::recovered).size(), still == 0 ? 1U : 0U);
      EXPECT_TRUE(still == 0 ||
                  told(rig, Notice::Kind::inconclusive).find(doubt) != std::string::npos);
    }
}

TEST(Drain, OfAStepThatBeganLongAgoIsSeenByWhatCameLately) {
  EngineRig rig = rig_of("error rate > 5% over 5s, min 2 requests", 7s);
  start(rig);
  run(rig, 60s, {.of_baseline = 300, .of_candidate = 300});
  // Somebody takes it down to one in a hundred, and the step goes on.
  run(rig, 66s, {.of_baseline = 590, .of_candidate = 6});
  fail(rig, {.of_baseline = 590, .of_candidate = 6, .status = 500});
  run(rig, 9s, {.of_baseline = 590});
  EXPECT_THAT(told(rig, Notice::Kind::inconclusive),
              HasSubstr("too few to see whether it was taken back"));
}

TEST(Drain, LooksAtWhatALateLogShows) {
  EngineRig rig = rig_of("error rate > 5% over 20s, min 10 requests", 30s);
  run(rig, 20s, {.of_baseline = 100, .of_candidate = 100, .lag = 8s});
  start(rig);
  const Traffic sick{.of_baseline = 100, .of_candidate = 100, .status = 500, .lag = 8s};
  fail(rig, sick);
  run(rig, 32s, sick);
  EXPECT_THAT(told(rig, Notice::Kind::inconclusive),
              HasSubstr("requests, so it may not have been taken back"));
}

void probe(EngineRig& rig, bool passed) {
  rig.push(Probe{.source = EngineRig::kProbe,
                 .at = rig.now(),
                 .failure = passed ? ProbeFailure::none : ProbeFailure::timeout});
}

/// A probe has failed v2, which had half of the requests, and its rollback is next.
EngineRig rig_failed_by_probe() {
  Plan plan = EngineRig::plan_of({}, {make_rule("down", "probe healthz fails 3 of 5", "rollback")});
  plan.services[0].verify_for = 40s;
  EngineRig rig(plan);
  const Traffic both{.of_baseline = 100, .of_candidate = 100};
  for (int i = 0; i < 5; ++i) probe(rig, true), run(rig, 2s, both);
  start(rig);
  for (int i = 0; i < 5; ++i) probe(rig, true), run(rig, 2s, both);
  for (int i = 0; i < 10 && rig.orders.empty(); ++i) probe(rig, false), run(rig, 2s, both);
  return rig;
}

TEST(Drain, TrustsALogThatIsSampledAndNoneThatWasAwayForHalfOfTheWatch) {
  for (const bool is_away : {false, true}) {
    EngineRig rig = rig_failed_by_probe();
    if (is_away) {
      rig.set_alive(EngineRig::kTail, false);
    } else {
      rig.say(EngineRig::kTail, SourceHealth::sampled);
    }
    fail(rig, {});
    const Traffic restored{.of_baseline = 200};
    for (int i = 0; i < 27; ++i) {
      if (is_away && i == 12) rig.set_alive(EngineRig::kTail, true);
      if (!is_away) rig.say(EngineRig::kTail, SourceHealth::sampled);
      probe(rig, true);
      run(rig, 2s, is_away && i < 12 ? Traffic{} : restored);
    }
    if (is_away) {
      EXPECT_THAT(told(rig, Notice::Kind::inconclusive), HasSubstr("nobody saw whether v2 still"));
    } else {
      EXPECT_EQ(told(rig, Notice::Kind::recovered), "down is fine");
    }
  }
}

TEST(Drain, SaysSoWhenNobodySawIt) {
  for (const bool is_source_dead : {false, true}) {
    EngineRig rig = rig_failed_by_probe();
    if (is_source_dead) rig.set_alive(EngineRig::kTail, false);
    fail(rig, {});
    for (int i = 0; i < 26; ++i) probe(rig, true), rig.run(2s);
    EXPECT_THAT(told(rig, Notice::Kind::inconclusive),
                HasSubstr("nobody saw whether v2 still gets requests; down is fine"));
  }
}

TEST(Drain, WhatNamesNoVersionIsNotHeldAgainstARollbackThatHasHardlyTakenEffect) {
  for (const Duration takes : {6s, 18s}) {
    Plan plan =
        EngineRig::plan_of({}, {make_rule("down", "probe healthz fails 3 of 5", "rollback")});
    plan.services[0].verify_for = 40s;
    EngineRig rig(plan);
    const Traffic both{.of_baseline = 100, .of_candidate = 100};
    for (int i = 0; i < 5; ++i) probe(rig, true), run(rig, 2s, both);
    start(rig);
    for (int i = 0; i < 10 && rig.orders.empty(); ++i) probe(rig, false), run(rig, 2s, both);
    fail(rig, both);
    for (Duration past{}; past < 52s; past += 2s)
      probe(rig, past >= takes), run(rig, 2s, past < takes ? both : Traffic{.of_baseline = 200});
    EXPECT_EQ(rig.notices_of(Notice::Kind::not_recovered).size(), takes == 18s ? 1U : 0U);
    EXPECT_EQ(rig.notices_of(Notice::Kind::recovered).size(), takes == 6s ? 1U : 0U);
  }
}

TEST(Drain, IsNoQuestionWhereTheLogNamesNoVersions) {
  Plan plan = EngineRig::plan_of({}, {make_rule("down", "probe healthz fails 3 of 5", "rollback")});
  plan.services[0].verify_for = 40s;
  EngineRig rig(plan);
  rig.stream("nameless", 10);
  for (int i = 0; i < 5; ++i) probe(rig, true), rig.run(2s);
  start(rig);
  for (int i = 0; i < 5; ++i) probe(rig, true), rig.run(2s);
  for (int i = 0; i < 10 && rig.orders.empty(); ++i) probe(rig, false), rig.run(2s);
  rig.stream("nameless", 0);
  fail(rig, {});
  for (int i = 0; i < 26; ++i) probe(rig, true), rig.run(2s);
  EXPECT_EQ(rig.notices_of(Notice::Kind::recovered).size(), 1U);
}

TEST(Drain, LooksFurtherBackWhereTheLastFifthHoldsLittle) {
  EngineRig rig = rig_of("error rate > 5% over 60s, min 3 requests", 50s);
  run(rig, 60s, {.of_baseline = 9, .of_candidate = 1});
  start(rig);
  const Traffic sick{.of_baseline = 9, .of_candidate = 1, .status = 500};
  fail(rig, sick);
  run(rig, 51s, sick);
  EXPECT_THAT(told(rig, Notice::Kind::inconclusive), HasSubstr("v2 still gets 4 of 40 requests"));
}

TEST(Drain, MeasuresByTheShareRightBeforeTheRollback) {
  EngineRig rig = rig_of("error rate > 5% over 10s, min 10 requests", 30s);
  start(rig);
  run(rig, 60s, {.of_baseline = 40, .of_candidate = 160});
  run(rig, 20s, {.of_baseline = 170, .of_candidate = 30});
  fail(rig, {.of_baseline = 170, .of_candidate = 30, .status = 500});
  run(rig, 32s, {.of_baseline = 170, .of_candidate = 30});
  EXPECT_THAT(told(rig, Notice::Kind::inconclusive), HasSubstr("v2 still gets 1"));
}

TEST(Drain, IsNotOverWhileWhatIsLeftIsBad) {
  for (const std::uint16_t status : {std::uint16_t{200}, std::uint16_t{500}}) {
    EngineRig rig = rig_of("error rate > 5% over 10s, min 10 requests", 30s);
    run(rig, 20s, {.of_candidate = 200});
    start(rig);
    fail(rig, {.of_candidate = 200, .status = 500});
    run(rig, 32s, {.of_baseline = 110, .of_candidate = 90, .status = status});
    const bool is_bad = status == 500;
    EXPECT_THAT(told(rig, is_bad ? Notice::Kind::inconclusive : Notice::Kind::recovered),
                is_bad ? testing::ContainsRegex("^v2 still gets .* requests, and errors is bad on")
                       : testing::ContainsRegex("errors is fine; v2 still gets .* requests$"));
  }
}

TEST(Drain, IsNotOverWhileTheLittleThatIsLeftIsBadThroughout) {
  for (const std::uint16_t status : {std::uint16_t{200}, std::uint16_t{500}}) {
    EngineRig rig = rig_of("error rate > 5% over 30s, min 50 requests", 60s);
    run(rig, 40s, {.of_baseline = 380, .of_candidate = 20});
    start(rig);
    fail(rig, {.of_baseline = 380, .of_candidate = 20, .status = 500});
    run(rig, 62s, {.of_baseline = 391, .of_candidate = 9, .status = status});
    const bool is_bad = status == 500;
    EXPECT_THAT(
        told(rig, is_bad ? Notice::Kind::inconclusive : Notice::Kind::recovered),
        is_bad ? testing::ContainsRegex("^v2 still gets .* requests, and 2. of 2. requests are bad "
                                        "by errors, which asks for 50")
               : testing::ContainsRegex("errors is fine; v2 still gets .* requests$"));
  }
}

TEST(Drain, IsOverWhenAHandfulIsLeft) {
  EngineRig rig = rig_of("error rate > 5% over 30s, min 10 requests", 300s);
  run(rig, 60s, {.of_baseline = 30});
  start(rig);
  run(rig, 10s, {.of_baseline = 30, .of_candidate = 40});
  fail(rig, {.of_baseline = 30, .of_candidate = 40, .status = 500});
  run(rig, 302s, {.of_baseline = 70, .of_candidate = 1, .status = 500});
  EXPECT_THAT(told(rig, Notice::Kind::recovered), HasSubstr("errors is fine; v2 still gets 6 of "));
}

TEST(Drain, LooksFurtherBackWhereTheVersionHadLittle) {
  EngineRig rig = rig_of("error rate > 5% over 60s, min 10 requests", 60s);
  run(rig, 60s, {.of_baseline = 38, .of_candidate = 2});
  start(rig);
  const Traffic sick{.of_baseline = 38, .of_candidate = 2, .status = 500};
  fail(rig, sick);
  // It goes on as before, but not evenly.
  run(rig, 30s, sick);
  for (int i = 0; i < 8; ++i) rig.push(rig.request({.version = "v2"}, rig.now()));
  run(rig, 32s, {.of_baseline = 42});
  EXPECT_THAT(told(rig, Notice::Kind::inconclusive), HasSubstr(", so it may not have been taken"));
}

TEST(Drain, SeesACanaryOfLessThanOneInAHundred) {
  EngineRig rig = rig_of("error rate > 5% over 60s, min 5 requests", 60s);
  run(rig, 60s, {.of_baseline = 500, .of_candidate = 4});
  start(rig);
  const Traffic sick{.of_baseline = 500, .of_candidate = 4, .status = 500};
  fail(rig, sick);
  run(rig, 62s, sick);
  EXPECT_THAT(told(rig, Notice::Kind::inconclusive), HasSubstr(", so it may not have been taken"));
}

TEST(Drain, DoesNotMissWhatHadHardlyBegun) {
  EngineRig rig = rig_of("error rate > 5% over 30s, min 10 requests", 30s);
  run(rig, 60s, {.of_baseline = 400});
  start(rig);
  run(rig, 1s, {.of_baseline = 400, .of_candidate = 10});
  const std::string id = rig.service().rollout->id;
  rig.push(OperatorCommand{
      .kind = OperatorCommand::Kind::rollback, .at = rig.now(), .rollout = id, .by = "ann"});
  rig.run(1s);
  fail(rig, {});
  run(rig, 32s, {.of_baseline = 400});
  EXPECT_EQ(rig.notices_of(Notice::Kind::recovered).size(), 1U);
}

TEST(Drain, SaysSoWhereTooLittleCame) {
  for (const int of_baseline : {20, 100}) {
    EngineRig rig = rig_of("error rate > 5% over 30s, min 3 requests", 30s);
    run(rig, 60s, {.of_baseline = of_baseline, .of_candidate = of_baseline / 10});
    start(rig);
    fail(rig, {.of_baseline = of_baseline, .of_candidate = of_baseline / 10, .status = 500});
    run(rig, 32s, {.of_baseline = of_baseline});
    if (of_baseline == 20) {
      EXPECT_THAT(told(rig, Notice::Kind::inconclusive),
                  testing::ContainsRegex("v2 still gets 0 of 4[0-9] requests: too few to see "
                                         "whether it was taken back; errors is fine"));
    } else {
      EXPECT_EQ(told(rig, Notice::Kind::recovered), "errors is fine");
    }
  }
}

TEST(Drain, TrustsNoLogThatNamesNeitherVersion) {
  for (const bool is_named_so : {false, true}) {
    Plan plan =
        EngineRig::plan_of({}, {make_rule("down", "probe healthz fails 3 of 5", "rollback")});
    plan.services[0].verify_for = 40s;
    EngineRig rig(plan);
    rig.stream("log", 10, {.version = is_named_so ? "v1" : "9fceb02"});
    for (int i = 0; i < 5; ++i) probe(rig, true), rig.run(2s);
    start(rig);
    for (int i = 0; i < 5; ++i) probe(rig, true), rig.run(2s);
    for (int i = 0; i < 10 && rig.orders.empty(); ++i) probe(rig, false), rig.run(2s);
    fail(rig, {});
    for (int i = 0; i < 26; ++i) probe(rig, true), rig.run(2s);
    if (is_named_so) {
      EXPECT_EQ(told(rig, Notice::Kind::recovered), "down is fine");
    } else {
      EXPECT_THAT(told(rig, Notice::Kind::inconclusive), HasSubstr("nobody saw whether v2 still"));
    }
  }
}

TEST(Drain, IsNotOverWhereAnotherVersionTookItsShare) {
  for (const char* other : {"v3", ""}) {
    EngineRig rig = rig_of("error rate > 5% over 10s, min 10 requests", 30s);
    run(rig, 20s, {.of_baseline = 100, .of_candidate = 100});
    start(rig);
    fail(rig, {.of_baseline = 100, .of_candidate = 100, .status = 500});
    rig.stream("other", 10, {.version = other});
    run(rig, 32s, {.of_baseline = 100});
    EXPECT_THAT(
        told(rig, Notice::Kind::inconclusive),
        testing::ContainsRegex(
            std::string(*other == 0 ? "^requests without a version are "
                                    : "^other versions than v1 get ") +
            ".* requests, so it may not be v1 that has what was taken from v2; errors is fine"));
  }
}

TEST(Drain, IsNotOverWhileOtherVersionsAreBad) {
  for (const std::uint16_t status : {std::uint16_t{200}, std::uint16_t{500}}) {
    EngineRig rig = rig_of("error rate > 5% over 10s, min 10 requests", 30s);
    // More than half of what v2 had: it was theirs before.
    rig.stream("other", 15, {.version = "v0", .status = status});
    run(rig, 20s, {.of_baseline = 100, .of_candidate = 100});
    start(rig);
    fail(rig, {.of_baseline = 100, .of_candidate = 100, .status = 500});
    run(rig, 32s, {.of_baseline = 200});
    if (status == 200) {
      EXPECT_EQ(told(rig, Notice::Kind::recovered), "errors is fine");
    } else {
      EXPECT_THAT(told(rig, Notice::Kind::inconclusive),
                  testing::ContainsRegex("other versions than v1 get .*, and errors is bad on the "
                                         "service as a whole"));
    }
  }
}

TEST(Drain, AsksRulesThatCompareWithTheBaselineOfWhatIsLeft) {
  for (const std::uint16_t status : {std::uint16_t{200}, std::uint16_t{500}}) {
    EngineRig rig = rig_of(
        "candidate error rate > baseline error rate + 5 points over 10s, min 10 requests", 30s);
    run(rig, 20s, {.of_baseline = 100, .of_candidate = 100});
    start(rig);
    fail(rig, {.of_baseline = 100, .of_candidate = 100, .status = 500});
    run(rig, 32s, {.of_baseline = 160, .of_candidate = 40, .status = status});
    const bool is_bad = status == 500;
    EXPECT_THAT(told(rig, is_bad ? Notice::Kind::inconclusive : Notice::Kind::recovered),
                HasSubstr(is_bad ? ", and errors is bad on it" : "errors is fine; v2 still gets "));
  }
}

}  // namespace
}  // namespace belay::rules
