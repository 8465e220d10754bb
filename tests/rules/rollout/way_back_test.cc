// Which version a rollout without a named baseline goes back to, by what Belay knows of it.

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/rollout/remembered_rollout.h"

namespace belay::rules {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr Instant kAt = EngineRig::kStart;

Plan plan_of(const char* sentence) {
  Plan plan = EngineRig::plan_of({}, {make_rule("errors", sentence, "rollback")});
  plan.services[0].verify_for = 20s;
  plan.services[0].cooldown = 0s;
  return plan;
}

constexpr const char* kErrors = "error rate > 5% over 10s, min 20 requests, for 5s";

void serve(EngineRig& rig, const char* version, std::uint16_t status = 200) {
  for (const char* one : {"v1", "v2", "v3"}) rig.stream(one, 0);
  rig.stream(version, 40, {.version = version, .status = status});
}

RolloutStarted gate_of(const EngineRig& rig, const char* candidate, const char* baseline = "") {
  return {.at = rig.now(),
          .service = "shop",
          .candidate = candidate,
          .baseline = baseline,
          .lasts = 5min};
}

RolloutStatus newest(const EngineRig& rig) { return *rig.service().rollout; }

std::vector<std::string> start_of_newest(const EngineRig& rig) {
  return rig.notices_of(Notice::Kind::rollout_started).back().details;
}

/// To v1, so long ago.
Remembered rolled_back_from_v2(Duration ago) {
  Remembered remembered;
  remembered.actions = {{.at = kAt - ago,
                         .service = "shop",
                         .intent = "earlier",
                         .target = "v1",
                         .expected = "v2",
                         .phase = ActionOutcome::Phase::applied}};
  return remembered;
}

TEST(WayBack, LeadsToNoVersionThatFailedHoweverMuchTrafficItHas) {
  for (const std::string how : {"recommend", "disarmed", "rejected"})
    for (const bool is_live_known : {false, true}) {
      SCOPED_TRACE(how + (is_live_known ? ", platform" : ""));
      EngineRig rig(plan_of(kErrors));
      serve(rig, "v1");
      rig.run(10s);
      serve(rig, "v2");
      RolloutStarted first = gate_of(rig, "v2", "v1");
      if (how == "recommend") first.mode = Mode::recommend;
      if (how == "disarmed")
        rig.push(Disarmed{.at = rig.now(), .service = "shop", .until = rig.now() + 1min});
      rig.push(first);
      rig.run(12s);
      serve(rig, "v2", 500);
      rig.run(20s);
      ASSERT_THAT(rig.orders, SizeIs(how == "rejected" ? 1 : 0));
      if (how == "rejected")
        rig.push(ActionOutcome{.at = rig.now(),
                               .intent = rig.orders[0].intent,
                               .phase = ActionOutcome::Phase::rejected});
      rig.run(1min);
      serve(rig, "v3");
      if (is_live_known)
        rig.push(Deployment{.service = "shop",
                            .at = rig.now(),
                            .id = "d",
                            .versions = {{"v2", 60}, {"v3", 30}, {"v1", 10}}});
      rig.push(gate_of(rig, "v3"));
      rig.run(10s);
      EXPECT_EQ(newest(rig).baseline, "v1");
      EXPECT_THAT(start_of_newest(rig), Contains(HasSubstr("v2 failed at ")));
      EXPECT_THAT(start_of_newest(rig),
                  Contains(HasSubstr(" unless it is promoted, or named by --baseline")));
    }
}

TEST(WayBack, LeadsToNoVersionThatWasBadAsAnotherTookItsPlace) {
  for (const bool is_bad : {true, false}) {
    EngineRig rig(plan_of("error rate > 5% over 10s, min 20 requests, for 60s"));
    serve(rig, "v1");
    rig.run(5s);
    serve(rig, "v2");
    rig.push(gate_of(rig, "v2", "v1"));
    rig.run(30s);
    serve(rig, "v2", is_bad ? 500 : 200);
    rig.run(20s);
    ASSERT_EQ(newest(rig).state, RolloutState::baking);
    serve(rig, "v3");
    rig.run(1s);
    rig.push(gate_of(rig, "v3"));
    rig.run(5s);
    EXPECT_EQ(rig.service().past.at(0).state, RolloutState::superseded);
    EXPECT_EQ(rig.service().past.at(0).failing_since.has_value(), is_bad);
    EXPECT_EQ(newest(rig).baseline, is_bad ? "v1" : "v2");
    const std::vector<std::string> told = start_of_newest(rig);
    const bool is_told = std::any_of(told.begin(), told.end(), [](const std::string& line) {
      return line.starts_with("v2 was bad at ");
    });
    EXPECT_EQ(is_told, is_bad);
  }
}

TEST(WayBack, LeadsToNoVersionThatFailedBeforeTheRestart) {
  Remembered remembered;
  remembered.rollouts = {rollout_of("v2", RolloutState::failed, Outcome::fail, kAt - 5min)};
  EngineRig rig(plan_of(kErrors), remembered);
  serve(rig, "v2");
  rig.run(10s);
  serve(rig, "v3");
  rig.push(gate_of(rig, "v3"));
  rig.run(5s);
  EXPECT_EQ(newest(rig).baseline, "") << "nobody knows of another";
  const std::string why = "v2 failed at " + format_utc(kAt - 5min) + ", and is no baseline until " +
                          format_utc(kAt - 5min + 24h) +
                          " unless it is promoted, or named by --baseline";
  EXPECT_THAT(start_of_newest(rig), Contains(why));
  // For who looks at it later.
  const auto& timeline = newest(rig).timeline;
  EXPECT_TRUE(std::any_of(timeline.begin(), timeline.end(),
                          [&](const RolloutStatus::Moment& one) { return one.what == why; }));
}

TEST(WayBack, OfAVersionThatWasRolledAwayFromPromisesNothingToWhoNamesIt) {
  const Remembered remembered = rolled_back_from_v2(10min);
  for (const std::string named : {"", "v2"}) {
    EngineRig rig(plan_of(kErrors), remembered);
    serve(rig, "v2");
    rig.run(2s);
    rig.push(gate_of(rig, "v3", named.c_str()));
    rig.run(2s);
    EXPECT_THAT(start_of_newest(rig),
                Contains(named.empty()
                             ? "v2 was rolled away from, so it is no baseline unless it is promoted"
                             : "beware: v2 was rolled away from: a rollback to it would be "
                               "refused"));
  }
}

TEST(WayBack, LeadsToWhatWasPromotedSecondsAgoAndNotToTenMinutesOfWhatWasBefore) {
  EngineRig rig(plan_of(kErrors));
  serve(rig, "v1");
  rig.run(8min);
  serve(rig, "v2");
  RolloutStarted first = gate_of(rig, "v2", "v1");
  first.lasts = 30s;
  rig.push(first);
  rig.run(33s);
  ASSERT_EQ(newest(rig).state, RolloutState::promoted);
  rig.run(8s);
  serve(rig, "v3");
  rig.push(gate_of(rig, "v3"));
  rig.run(2s);
  EXPECT_EQ(newest(rig).baseline, "v2");
  EXPECT_THAT(start_of_newest(rig), Contains("baseline v2: it was promoted last"));
}

TEST(WayBack, LeadsToWhatSomeonePutThereByHandSince) {
  for (const bool is_straggling : {false, true}) {
    EngineRig rig(plan_of(kErrors));
    serve(rig, "v1");
    rig.run(1min);
    serve(rig, "v2");
    RolloutStarted first = gate_of(rig, "v2", "v1");
    first.lasts = 30s;
    rig.push(first);
    rig.run(3min);
    ASSERT_EQ(newest(rig).state, RolloutState::promoted);
    serve(rig, "v1");
    rig.run(80s);
    if (is_straggling) rig.push(rig.request({.version = "v2"}, rig.now()));
    rig.run(20s);
    serve(rig, "v3");
    rig.push(gate_of(rig, "v3"));
    rig.run(2s);
    EXPECT_EQ(newest(rig).baseline, "v1") << "v2 had more in ten minutes, and has nothing now";
  }
}

TEST(WayBack, LeadsToWhatTheJournalKnowsAsPromotedRightAfterARestart) {
  Remembered remembered;
  remembered.last_good = {{"shop", "v2"}};
  for (const bool has_another_come : {false, true}) {
    EngineRig rig(plan_of(kErrors), remembered);
    if (has_another_come) {
      serve(rig, "v1");
      rig.run(10s);
    }
    serve(rig, "v3");
    rig.run(2s);
    rig.push(gate_of(rig, "v3"));
    rig.run(1s);
    EXPECT_EQ(newest(rig).baseline, has_another_come ? "v1" : "v2")
        << "someone has deployed v1 since";
  }
}

TEST(WayBack, LeadsToWhatARollbackPutBackLast) {
  EngineRig rig(plan_of(kErrors));
  serve(rig, "v1");
  rig.run(10s);
  serve(rig, "v2");
  rig.push(gate_of(rig, "v2", "v1"));
  rig.run(12s);
  serve(rig, "v2", 500);
  rig.run(20s);
  ASSERT_THAT(rig.orders, SizeIs(1));
  rig.push(ActionOutcome{
      .at = rig.now(), .intent = rig.orders[0].intent, .phase = ActionOutcome::Phase::applied});
  serve(rig, "v1");
  rig.run(40s);
  ASSERT_EQ(newest(rig).state, RolloutState::recovered);
  serve(rig, "v3");
  rig.push(gate_of(rig, "v3"));
  rig.run(2s);
  EXPECT_EQ(newest(rig).baseline, "v1");
  EXPECT_THAT(start_of_newest(rig), Contains("baseline v1: a rollback put it back last"));
}

TEST(WayBack, LeadsToTheGoodVersionBeforeTheOneThatWasRolledAwayFrom) {
  Remembered remembered;
  remembered.last_good = {{"shop", "v2"}};
  remembered.actions = {{.at = kAt - 1h,
                         .service = "shop",
                         .intent = "i",
                         .target = "v1",
                         .expected = "v2",
                         .phase = ActionOutcome::Phase::applied},
                        {.at = kAt - 30min,
                         .service = "shop",
                         .intent = "j",
                         .target = "v4",
                         .expected = "v5",
                         .phase = ActionOutcome::Phase::applied},
                        {.at = kAt - 20min,
                         .service = "shop",
                         .intent = "k",
                         .target = "v1",
                         .expected = "v4",
                         .phase = ActionOutcome::Phase::rejected},
                        {.at = kAt - 10min,
                         .service = "shop",
                         .intent = "l",
                         .target = "v6",
                         .expected = "v4",
                         .phase = ActionOutcome::Phase::applied},
                        {.at = kAt - 5min,
                         .service = "shop",
                         .intent = "m",
                         .target = "v4",
                         .expected = "v6",
                         .phase = ActionOutcome::Phase::applied}};
  EngineRig rig(plan_of(kErrors), remembered);
  serve(rig, "v3");
  rig.push(gate_of(rig, "v3"));
  rig.run(1s);
  EXPECT_EQ(newest(rig).baseline, "v1") << "v4 and v6 were rolled away from";
}

TEST(WayBack, ThatIsForbiddenForNowIsToldAsARolloutBegins) {
  for (const bool is_disarmed : {false, true}) {
    const Remembered remembered = rolled_back_from_v2(2min);
    Plan plan = plan_of(kErrors);
    plan.services[0].cooldown = is_disarmed ? 0s : 10min;
    EngineRig rig(plan, remembered);
    if (is_disarmed) rig.push(Disarmed{.at = rig.now(), .until = rig.now() + 1h, .by = "ann"});
    serve(rig, "v3");
    rig.run(2s);
    rig.push(gate_of(rig, "v3"));
    rig.run(1s);
    EXPECT_THAT(
        start_of_newest(rig),
        Contains(HasSubstr(is_disarmed ? "beware: a rollback would not be done now: disarmed until"
                                       : "beware: a rollback would not be done now: cooldown: ")));
  }
}

TEST(WayBack, ThatARollbackHasBarredIsToldAtTheStart) {
  const Remembered remembered = rolled_back_from_v2(2h);
  EngineRig rig(plan_of(kErrors), remembered);
  serve(rig, "v1");
  rig.run(2s);
  RolloutStarted asked = gate_of(rig, "v1");
  asked.baseline = "v0";
  rig.push(asked);
  rig.run(1s);
  EXPECT_THAT(start_of_newest(rig),
              Contains(HasSubstr("beware: a rollback would not be done now: v1 was put there by a "
                                 "rollback: a rollback is never rolled back")));
}

TEST(WayBack, ToAFailedVersionThatWasNamedIsToldAndNeverCalledProofOfAnything) {
  Remembered remembered;
  remembered.rollouts = {rollout_of("v2", RolloutState::failed, Outcome::fail, kAt - 5min)};
  EngineRig rig(plan_of(kErrors), remembered);
  serve(rig, "v3");
  rig.run(2s);
  rig.push(gate_of(rig, "v3", "v2"));
  rig.run(12s);
  EXPECT_EQ(newest(rig).baseline, "v2");
  EXPECT_THAT(start_of_newest(rig), Contains(HasSubstr("beware: v2 failed at ")));
  serve(rig, "v3", 500);
  rig.run(20s);
  ASSERT_THAT(rig.orders, SizeIs(1));
  rig.push(ActionOutcome{
      .at = rig.now(), .intent = rig.orders[0].intent, .phase = ActionOutcome::Phase::applied});
  serve(rig, "v2", 500);
  rig.run(25s);
  const std::vector<Notice> told = rig.notices_of(Notice::Kind::not_recovered);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_THAT(told[0].headline, HasSubstr("v2 failed at "));
  EXPECT_THAT(told[0].headline, Not(HasSubstr("not the deploy,")));
}

}  // namespace
}  // namespace belay::rules
