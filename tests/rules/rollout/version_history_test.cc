// What Belay has found of a version decides whether there is a way back to it.

#include "rules/rollout/version_history.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr Instant kAt = EngineRig::kStart;

std::string good_of(const VersionHistory& known, Instant now) {
  const std::optional<VersionHistory::Good> good = known.last_good(now);
  return good ? good->version : "";
}

TEST(VersionHistory, AFailIsHeldAgainstAVersionUntilItPassesOrADayIsOver) {
  VersionHistory known;
  known.promoted("v1", kAt);
  known.promoted("v2", kAt + 1min);
  EXPECT_EQ(good_of(known, kAt + 2min), "v2");
  known.failed("v2", kAt + 2min);
  EXPECT_EQ(known.failure_of("v2", kAt + 3min), "v2 failed at " + format_utc(kAt + 2min));
  EXPECT_EQ(good_of(known, kAt + 3min), "v1");
  EXPECT_EQ(known.failure_of("v2", kAt + 25h), std::nullopt);
  known.put_back("v2", kAt + 4min);
  EXPECT_EQ(good_of(known, kAt + 5min), "v1") << "it was put back by somebody who named it";
  known.recovered("v2", kAt + 5min);
  EXPECT_EQ(good_of(known, kAt + 6min), "v2");
  known.left_bad("v2", kAt + 6min);
  EXPECT_EQ(known.failure_of("v2", kAt + 6min), "v2 was bad at " + format_utc(kAt + 6min));
  known.promoted("v2", kAt + 7min);
  EXPECT_EQ(good_of(known, kAt + 8min), "v2");
  known.withdraw("v2");
  EXPECT_EQ(good_of(known, kAt + 8min), "v1");
}

TEST(VersionHistory, WhatTurnedBadAfterItsPromotionIsHeldAgainstItUntilItHasBeenFineForLong) {
  VersionHistory known;
  known.promoted("v1", kAt);
  known.promoted("v2", kAt + 1min);
  EXPECT_FALSE(known.is_suspect());
  known.served_badly("v2", kAt + 2min);
  EXPECT_TRUE(known.is_suspect());
  EXPECT_EQ(known.promoted_last(), "v2");
  EXPECT_EQ(good_of(known, kAt + 3min), "v1");
  Instant now = kAt + 3min;
  const auto look = [&](Truth truth, bool has_traffic, Duration span) {
    for (const Instant until = now + span; now < until; now += 1s)
      known.look(truth, has_traffic, now);
  };
  look(Truth::fine, true, 9min);
  look(Truth::bad, true, 1s);
  EXPECT_EQ(known.failure_of("v2", now), "v2 was bad at " + format_utc(now - 1s));
  look(Truth::fine, true, 9min);
  look(Truth::fine, false, 1s);
  look(Truth::fine, true, 9min);
  EXPECT_EQ(good_of(known, now), "v1") << "others were fine meanwhile";
  look(Truth::unknown, true, 10min);
  EXPECT_EQ(good_of(known, now), "v1") << "nobody says that it is fine";
  look(Truth::fine, true, 1s);
  EXPECT_EQ(good_of(known, now), "v2");
  known.served_badly("v2", now);
  known.put_back("v1", now);
  EXPECT_EQ(known.promoted_last(), "");
  EXPECT_FALSE(known.is_suspect());
  EXPECT_TRUE(known.failure_of("v2", now));
}

RememberedRollout rollout_of(const char* candidate, RolloutState state, Outcome verdict,
                             Instant at) {
  RememberedRollout rollout;
  rollout.started = {.at = at - 1min,
                     .service = "shop",
                     .candidate = candidate,
                     .baseline = "v1",
                     .id = std::string("of ") + candidate,
                     .steps = *parse_steps("100% for 5m")};
  rollout.at = at;
  rollout.state = state;
  rollout.verdict = verdict;
  rollout.rule = "errors";
  return rollout;
}

TEST(VersionHistory, IsBuiltAgainFromTheJournalInTheOrderOfTime) {
  Remembered remembered;
  remembered.last_good = {{"shop", "v0"}};
  remembered.rollouts = {rollout_of("v2", RolloutState::failed, Outcome::fail, kAt),
                         rollout_of("v3", RolloutState::superseded, Outcome::unknown, kAt + 1min),
                         rollout_of("v4", RolloutState::superseded, Outcome::unknown, kAt + 2min),
                         rollout_of("v5", RolloutState::failed, Outcome::fail, kAt + 3min),
                         rollout_of("v6", RolloutState::promoted, Outcome::pass, kAt + 6min),
                         rollout_of("v7", RolloutState::failed, Outcome::fail, kAt + 7min),
                         rollout_of("v5", RolloutState::promoted, Outcome::pass, kAt + 5min)};
  remembered.rollouts[2].failing_since = kAt + 1min;
  remembered.rollouts[5].rule = "train";
  const VersionHistory known(remembered, "shop");
  const Instant now = kAt + 10min;
  EXPECT_TRUE(known.failure_of("v2", now));
  EXPECT_FALSE(known.failure_of("v3", now)) << "nothing was bad about it";
  EXPECT_TRUE(known.failure_of("v4", now));
  EXPECT_FALSE(known.failure_of("v5", now)) << "it passed since";
  EXPECT_FALSE(known.failure_of("v7", now)) << "its train failed";
  EXPECT_EQ(good_of(known, now), "v6");
  EXPECT_EQ(good_of(VersionHistory(remembered, "cart"), now), "");
  remembered.rollouts[4].failing_since = kAt + 8min;
  EXPECT_EQ(good_of(VersionHistory(remembered, "shop"), now), "v5") << "v6 was bad since";
  remembered.rollouts.clear();
  EXPECT_EQ(good_of(VersionHistory(remembered, "shop"), now), "v0");
  remembered.actions = {{.at = kAt, .service = "shop", .intent = "i", .target = "v1"}};
  for (const auto phase : {ActionOutcome::Phase::rejected, ActionOutcome::Phase::applied}) {
    remembered.actions[0].phase = phase;
    EXPECT_EQ(good_of(VersionHistory(remembered, "shop"), now),
              phase == ActionOutcome::Phase::applied ? "v1" : "v0");
  }
}

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
  Remembered remembered;
  remembered.actions = {{.at = kAt - 10min,
                         .service = "shop",
                         .intent = "i",
                         .target = "v1",
                         .expected = "v2",
                         .phase = ActionOutcome::Phase::applied}};
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
  EXPECT_THAT(told[0].headline, Not(HasSubstr("not the deploy")));
}

}  // namespace
}  // namespace belay::rules
