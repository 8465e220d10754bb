// A promotion by hand is no proof that anyone ever asked that version: it may be a typo.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/rollout/remembered_rollout.h"

namespace belay::rules {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const char* const kErrors = "error rate > 5% over 10s, min 20 requests, for 5s";

Plan plan_of(const char* sentence = kErrors) {
  Plan plan = EngineRig::plan_of({}, {make_rule("errors", sentence, "rollback")});
  plan.services[0].rollout.watch_for = 1h;
  plan.services[0].cooldown = 0s;
  return plan;
}

/// `share` of 40 requests a second is this one's, the rest v1's.
void serve(EngineRig& rig, const char* version, int share = 40, std::uint16_t status = 200) {
  for (const char* one : {"v1", "v2", "v12", "v77"}) rig.stream(one, 0);
  if (share < 40) rig.stream("v1", 40 - share, {.version = "v1"});
  rig.stream(version, share, {.version = version, .status = status});
}

void say_live(EngineRig& rig, std::vector<Deployment::Share> versions) {
  rig.push(
      Deployment{.service = "shop", .at = rig.now(), .id = "d", .versions = std::move(versions)});
}

void start(EngineRig& rig, const char* candidate, const char* baseline = "") {
  rig.push(RolloutStarted{.at = rig.now(),
                          .service = "shop",
                          .candidate = candidate,
                          .baseline = baseline,
                          .lasts = 5min});
  rig.run(1s);
}

RolloutStatus newest(const EngineRig& rig) { return *rig.service().rollout; }

void promote(EngineRig& rig, const char* candidate) {
  start(rig, candidate);
  rig.push(OperatorCommand{
      .kind = OperatorCommand::Kind::promote, .at = rig.now(), .rollout = newest(rig).id});
  rig.run(1s);
  ASSERT_EQ(newest(rig).state, RolloutState::promoted) << newest(rig).why;
}

std::vector<std::string> details(const EngineRig& rig, Notice::Kind kind) {
  const std::vector<Notice> told = rig.notices_of(kind);
  return told.empty() ? std::vector<std::string>{} : told.back().details;
}

const auto kPromotedLast = Contains("baseline v77: it was promoted last");
const auto kBeware = Contains(HasSubstr("beware: Belay has seen nothing of v77"));

TEST(Unproven, ATypoThatWasPromotedIsNoBaselineWhileAnotherVersionHasTheTraffic) {
  for (const char* how : {"at once", "later", "at 90%", "typo twice"}) {
    SCOPED_TRACE(how);
    EngineRig rig(plan_of());
    serve(rig, "v1");
    rig.run(1min);
    promote(rig, "v77");
    if (how == std::string("typo twice")) promote(rig, "v78");
    if (how == std::string("at 90%")) {
      serve(rig, "v12", 36);
      rig.run(12min);
    } else if (how == std::string("later")) {
      serve(rig, "v12");
      rig.run(5min);
    } else {
      serve(rig, "v12", 4);
    }
    start(rig, "v12");
    EXPECT_EQ(newest(rig).baseline, "v1");
    EXPECT_THAT(details(rig, Notice::Kind::rollout_started),
                Contains(HasSubstr(how == std::string("typo twice")
                                       ? "v78 was promoted last, but Belay has seen nothing of it"
                                       : "v77 was promoted last, but Belay has seen nothing of "
                                         "it")));
    EXPECT_THAT(details(rig, Notice::Kind::rollout_started), Not(Contains(HasSubstr("beware"))));
    serve(rig, "v12", 20, 500);
    rig.run(20s);
    ASSERT_THAT(rig.orders, SizeIs(1));
    EXPECT_EQ(std::get<RollBack>(rig.orders[0].action).target, "v1");
  }
}

TEST(Unproven, TheWayBackThenLeadsToWhatWasPromotedBeforeItAndHasServed) {
  EngineRig rig(plan_of());
  serve(rig, "v1");
  rig.run(20s);
  promote(rig, "v1");
  promote(rig, "v77");
  serve(rig, "v12");
  rig.run(15min);
  start(rig, "v12");
  EXPECT_EQ(newest(rig).baseline, "v1") << "its requests are longer ago than ten minutes";
}

TEST(Unproven, AnOldVersionWithoutRequestsSinceItsRolloutBeganIsNoBaselineEither) {
  for (const bool has_come_back : {false, true}) {
    EngineRig rig(plan_of());
    serve(rig, "v77");
    rig.run(1min);
    serve(rig, "v1");
    rig.run(5min);
    if (has_come_back) serve(rig, "v77");
    promote(rig, "v77");
    serve(rig, "v12", has_come_back ? 40 : 4);
    start(rig, "v12");
    EXPECT_EQ(newest(rig).baseline, has_come_back ? "v77" : "v1");
  }
}

TEST(Unproven, AVersionWhoseLogHasNotComeAsFarAsItsRolloutIsTheBaselineAllTheSame) {
  EngineRig rig(plan_of());
  serve(rig, "v1");
  rig.run(1min);
  serve(rig, "v77");
  rig.run(1min);
  rig.stream("v77", 0);
  rig.run(5s);
  promote(rig, "v77");
  start(rig, "v12");
  EXPECT_EQ(newest(rig).baseline, "v77");
}

TEST(Unproven, ATypoIsNoBaselineHoweverManyRolloutsFollow) {
  EngineRig rig(plan_of());
  serve(rig, "v1");
  rig.run(20s);
  promote(rig, "v77");
  for (int i = 100; i < 125; ++i)
    rig.push(RolloutStarted{
        .at = rig.now(), .service = "shop", .candidate = "v" + std::to_string(i), .lasts = 5min});
  start(rig, "v12");
  EXPECT_EQ(newest(rig).baseline, "v1");
}

TEST(Unproven, ATypoIsNoBaselineWhereAllThatHasTheTrafficHasFailedEither) {
  Remembered remembered;
  remembered.rollouts = {
      rollout_of("v2", RolloutState::failed, Outcome::fail, EngineRig::kStart - 5min)};
  EngineRig rig(plan_of(), remembered);
  serve(rig, "v2");
  rig.run(20s);
  promote(rig, "v77");
  serve(rig, "v12");
  start(rig, "v12");
  EXPECT_EQ(newest(rig).baseline, "");
  EXPECT_THAT(details(rig, Notice::Kind::rollout_started),
              Contains(HasSubstr("v77 was promoted last, but Belay has seen nothing of it")));
  start(rig, "v12", "v77");
  EXPECT_EQ(newest(rig).baseline, "v77") << "it was named";
  EXPECT_THAT(details(rig, Notice::Kind::rollout_started), kBeware);
}

TEST(Unproven, WithoutAnotherVersionItIsTheBaselineAndWhereLogsNameTheCandidateThatIsTold) {
  for (const char* logs : {"none", "nameless", "candidate", "probed"}) {
    SCOPED_TRACE(logs);
    EngineRig rig(plan_of());
    if (logs == std::string("nameless")) rig.stream("all", 40, {});
    rig.run(20s);
    promote(rig, "v77");
    if (logs == std::string("probed"))
      rig.push(Probe{.source = EngineRig::kProbe,
                     .version = rig.text(EngineRig::kProbe, "v77"),
                     .at = rig.now()});
    const bool has_logs = logs == std::string("candidate") || logs == std::string("probed");
    if (has_logs) serve(rig, "v12");
    rig.run(5s);
    start(rig, "v12");
    EXPECT_EQ(newest(rig).baseline, "v77");
    EXPECT_THAT(details(rig, Notice::Kind::rollout_started), kPromotedLast);
    const bool is_told = logs == std::string("candidate");
    if (!is_told) {
      EXPECT_THAT(details(rig, Notice::Kind::rollout_started), Not(kBeware));
      continue;
    }
    EXPECT_THAT(details(rig, Notice::Kind::rollout_started),
                Contains("beware: Belay has seen nothing of v77, the logs name v12 alone; a "
                         "rollback would go to it all the same"));
    serve(rig, "v12", 40, 500);
    rig.run(20s);
    ASSERT_THAT(rig.orders, SizeIs(1));
    EXPECT_THAT(details(rig, Notice::Kind::acting),
                Contains("beware: Belay has seen nothing of v77, the logs name v12 alone"));
  }
}

TEST(Unproven, WhatPassedByItselfIsTheBaselineThoughNoLogNamesVersions) {
  Remembered remembered;
  remembered.last_good = {{"shop", "v1"}};
  EngineRig rig(
      EngineRig::plan_of({}, {make_rule("probe", "probe healthz fails 3 of 5", "rollback")}),
      remembered);
  const auto probe = [&](Duration lasts) {
    for (Duration passed{}; passed < lasts; passed += 1s) {
      rig.push(Probe{.source = EngineRig::kProbe, .at = rig.now()});
      rig.run(1s);
    }
  };
  probe(20s);
  start(rig, "v2");
  ASSERT_EQ(newest(rig).baseline, "v1");
  probe(6min);
  ASSERT_EQ(newest(rig).state, RolloutState::promoted) << newest(rig).why;
  probe(30min);
  start(rig, "v3");
  EXPECT_EQ(newest(rig).baseline, "v2");
}

TEST(Unproven, WithoutLogsTheNewestPromotionCountsWhateverWasPromotedBefore) {
  for (const bool is_remembered : {false, true}) {
    Remembered remembered;
    remembered.last_good = {{"shop", "v1"}};
    if (is_remembered)
      remembered.rollouts = {
          rollout_of("v1", RolloutState::promoted, Outcome::pass, EngineRig::kStart - 5min)};
    EngineRig rig(plan_of(), remembered);
    rig.run(20s);
    for (const char* version : {"v2", "v3"}) promote(rig, version);
    rig.run(2h);
    start(rig, "v12");
    EXPECT_EQ(newest(rig).baseline, "v3");
    EXPECT_THAT(details(rig, Notice::Kind::rollout_started), Not(Contains(HasSubstr("beware"))));
  }
}

TEST(Unproven, WhatThePlatformShowedLiveWasNoTypoHoweverLongAgo) {
  for (const bool was_live_before : {false, true}) {
    Remembered remembered;
    remembered.last_good = {{"shop", "v1"}};
    EngineRig rig(plan_of(), remembered);
    say_live(rig, {{"v1", 100}});
    rig.run(20s);
    if (was_live_before) say_live(rig, {{"v1", 50}, {"v77", 50}});
    rig.run(1s);
    promote(rig, "v77");
    if (!was_live_before) say_live(rig, {{"v77", 100}});
    rig.run(1min);
    say_live(rig, {{"v12", 100}});
    serve(rig, "v12");
    rig.run(5s);
    start(rig, "v12");
    EXPECT_EQ(newest(rig).baseline, "v77");
    EXPECT_THAT(details(rig, Notice::Kind::rollout_started), kPromotedLast);
    EXPECT_THAT(details(rig, Notice::Kind::rollout_started), Not(kBeware));
  }
}

TEST(Unproven, WhatBelayGaveTheTrafficMayHaveItsFirstRequestsStillOnTheirWay) {
  EngineRig rig(plan_of("p95 latency > 5s over 10s"));
  serve(rig, "v1");
  rig.run(20s);
  rig.push(RolloutStarted{.at = rig.now(),
                          .service = "shop",
                          .candidate = "v77",
                          .baseline = "v1",
                          .steps = *parse_steps("100% for 5m"),
                          .is_driving = true});
  rig.run(2s);
  ASSERT_THAT(rig.orders, SizeIs(1));
  rig.push(ActionOutcome{
      .at = rig.now(), .intent = rig.orders[0].intent, .phase = ActionOutcome::Phase::applied});
  rig.run(1s);
  rig.push(OperatorCommand{
      .kind = OperatorCommand::Kind::promote, .at = rig.now(), .rollout = newest(rig).id});
  rig.run(1s);
  ASSERT_EQ(newest(rig).state, RolloutState::promoted) << newest(rig).why;
  start(rig, "v12");
  EXPECT_EQ(newest(rig).baseline, "v77");
}

TEST(Unproven, WhatTheJournalKnowsAsPromotedIsTrustedRightAfterARestart) {
  Remembered remembered;
  remembered.last_good = {{"shop", "v77"}};
  remembered.rollouts = {
      rollout_of("v77", RolloutState::promoted, Outcome::pass, EngineRig::kStart - 5min)};
  EngineRig rig(plan_of(), remembered);
  serve(rig, "v12", 39);
  rig.run(3s);
  start(rig, "v12");
  EXPECT_EQ(newest(rig).baseline, "v77") << "a few requests of v1 are stragglers";
  EXPECT_THAT(details(rig, Notice::Kind::rollout_started), kPromotedLast);
  EXPECT_THAT(details(rig, Notice::Kind::rollout_started), Not(kBeware));
}

}  // namespace
}  // namespace belay::rules
