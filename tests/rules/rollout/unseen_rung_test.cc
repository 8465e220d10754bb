// A rung of which nobody saw whether it helped has not helped.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;
using Phase = ActionOutcome::Phase;

Plan plan_of() {
  Plan plan = EngineRig::plan_of(
      {}, {make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s", "rollback")});
  plan.services[0].verify_for = 30s;
  plan.services[0].on_fail = {{.kind = Then::Kind::run, .name = "note"},
                              {.kind = Then::Kind::rollback}};
  return plan;
}

void serve(EngineRig& rig, const char* version, std::uint16_t status, int per_second) {
  rig.stream(version, per_second, {.version = version, .status = status});
}

void answer(EngineRig& rig, Phase phase) {
  rig.push(ActionOutcome{.at = rig.now(), .intent = rig.orders.back().intent, .phase = phase});
  rig.run(250ms);
}

/// v2 has failed, `note` was run, and v2 gets too little to be judged by.
void fail_and_fall_silent(EngineRig& rig, Phase phase = Phase::applied) {
  serve(rig, "v1", 200, 20);
  serve(rig, "v2", 200, 20);
  rig.run(12s);
  rig.push(RolloutStarted{
      .at = rig.now(), .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = 10min});
  rig.run(2s);
  serve(rig, "v2", 500, 20);
  rig.run(20s);
  ASSERT_THAT(rig.orders, SizeIs(1));
  answer(rig, phase);
  serve(rig, "v2", 500, 1);
}

/// v2 has failed, and there is no version to go back to.
void fail_without_baseline(EngineRig& rig) {
  serve(rig, "v2", 200, 20);
  rig.run(12s);
  rig.push(RolloutStarted{
      .at = rig.now(), .service = "shop", .candidate = "v2", .baseline = "", .lasts = 10min});
  rig.run(2s);
  serve(rig, "v2", 500, 20);
  rig.run(20s);
}

RolloutStatus rollout(const EngineRig& rig) { return *rig.service().rollout; }

TEST(UnseenRung, IsFollowedByTheNextOne) {
  for (const Phase phase : {Phase::applied, Phase::abandoned}) {
    EngineRig rig(plan_of());
    fail_and_fall_silent(rig, phase);
    rig.run(45s);
    const std::vector<Notice> told = rig.notices_of(Notice::Kind::inconclusive);
    ASSERT_THAT(told, SizeIs(1));
    EXPECT_EQ(told[0].headline, "shop: cannot say whether it helped: run note; going on");
    ASSERT_THAT(rig.orders, SizeIs(2));
    EXPECT_TRUE(std::holds_alternative<RollBack>(rig.orders[1].action));
    EXPECT_EQ(rollout(rig).state, RolloutState::rolling_back);
    answer(rig, Phase::applied);
    serve(rig, "v2", 500, 0);
    rig.run(45s);
    EXPECT_EQ(rollout(rig).state, RolloutState::recovered);
  }
}

TEST(UnseenRung, IsNoRollbackThatIsKnownToBeDone) {
  for (const Phase phase : {Phase::applied, Phase::already, Phase::abandoned}) {
    Plan plan = plan_of();
    std::reverse(plan.services[0].on_fail.begin(), plan.services[0].on_fail.end());
    EngineRig rig(plan);
    fail_and_fall_silent(rig, phase);
    serve(rig, "v1", 200, 0);
    serve(rig, "v2", 200, 0);
    rig.run(1min);
    const bool goes_on = phase == Phase::abandoned;
    EXPECT_THAT(rig.orders, SizeIs(goes_on ? 2 : 1));
    EXPECT_EQ(rollout(rig).state,
              goes_on ? RolloutState::rolling_back : RolloutState::inconclusive);
  }
}

TEST(UnseenRung, IsNotOneBehindARollbackThatWasDone) {
  Plan plan = plan_of();
  std::reverse(plan.services[0].on_fail.begin(), plan.services[0].on_fail.end());
  EngineRig rig(plan);
  fail_and_fall_silent(rig);
  serve(rig, "v1", 500, 20);
  serve(rig, "v2", 200, 0);
  rig.run(45s);
  ASSERT_THAT(rig.orders, SizeIs(2)) << "v1 is bad as well";
  answer(rig, Phase::applied);
  serve(rig, "v1", 200, 20);
  rig.run(45s);
  EXPECT_EQ(rollout(rig).state, RolloutState::recovered) << rollout(rig).why;
}

TEST(UnseenRung, IsNoneWhereAllIsKnownToBeFine) {
  EngineRig rig(plan_of());
  fail_and_fall_silent(rig, Phase::abandoned);
  serve(rig, "v2", 200, 20);
  rig.run(45s);
  EXPECT_THAT(rig.orders, SizeIs(1)) << "nobody knows by what, but it is fine";
  EXPECT_EQ(rollout(rig).state, RolloutState::inconclusive);
}

TEST(UnseenRung, IsTheLastOneWhereAnOperatorForbidsTheNext) {
  EngineRig rig(plan_of());
  fail_and_fall_silent(rig);
  rig.push(Disarmed{.at = rig.now(), .service = "shop", .until = rig.now() + 1h});
  rig.run(45s);
  EXPECT_THAT(rig.orders, SizeIs(1));
  EXPECT_EQ(rollout(rig).state, RolloutState::inconclusive);
  EXPECT_THAT(rollout(rig).why, HasSubstr("disarmed until"));
}

TEST(UnseenRung, IsNoRollbackThatHasNowhereToGo) {
  Plan plan = plan_of();
  std::reverse(plan.services[0].on_fail.begin(), plan.services[0].on_fail.end());
  EngineRig rig(plan);
  fail_without_baseline(rig);
  EXPECT_THAT(rig.notices_of(Notice::Kind::not_acted).front().headline,
              HasSubstr("no version to go back to is known"));
  ASSERT_THAT(rig.orders, SizeIs(1));
  EXPECT_TRUE(std::holds_alternative<RunCommand>(rig.orders[0].action));
  EXPECT_EQ(rollout(rig).state, RolloutState::rolling_back);
  answer(rig, Phase::applied);
  EXPECT_EQ(rollout(rig).state, RolloutState::verifying);
}

TEST(UnseenRung, LetsARollbackPassWhileNobodyCanTellWhetherItCanBeDone) {
  for (const bool has_rollback : {true, false}) {
    Plan plan = plan_of();
    if (!has_rollback) plan.services[0].on_fail[1] = {.kind = Then::Kind::run, .name = "page"};
    EngineRig rig(plan);
    fail_and_fall_silent(rig, Phase::unknown);
    rig.run(1s);
    ASSERT_THAT(rig.recalls, SizeIs(has_rollback ? 1 : 0));
    if (!has_rollback) continue;
    answer(rig, Phase::rejected);
    ASSERT_THAT(rig.orders, SizeIs(2));
    answer(rig, Phase::unknown);
    rig.run(1min);
    EXPECT_THAT(rig.recalls, SizeIs(1)) << "a rollback is tried to its end";
  }
}

TEST(UnseenRung, ThatMayHaveBeenDoneIsFollowedByTheRollbackAndThePageSaysSo) {
  EngineRig rig(plan_of());
  fail_and_fall_silent(rig, Phase::unknown);
  serve(rig, "v2", 500, 20);
  rig.run(30s);
  rig.push(ActionOutcome{.at = rig.now(),
                         .intent = rig.orders.back().intent,
                         .phase = Phase::abandoned,
                         .detail = "not waited for"});
  rig.run(1s);
  const std::vector<Notice> told = rig.notices_of(Notice::Kind::not_acted);
  ASSERT_FALSE(told.empty());
  EXPECT_TRUE(told.back().page);
  EXPECT_EQ(told.back().headline, "shop: cannot tell whether it was done: run note");
  EXPECT_THAT(told.back().details,
              Contains(HasSubstr("nobody could find out: not waited for; it may have been done, "
                                 "and is not sent again: unless it is seen to have helped, what "
                                 "follows is to roll back")));
  rig.run(20s);
  ASSERT_THAT(rig.orders, SizeIs(2));
  EXPECT_TRUE(std::holds_alternative<RollBack>(rig.orders[1].action));
  answer(rig, Phase::abandoned);
  EXPECT_THAT(rig.notices_of(Notice::Kind::not_acted).back().details,
              Contains("why not: nobody could find out"))
      << "the last rung";
}

TEST(UnseenRung, IsNotGivenUpForARollbackThatMayNotBe) {
  EngineRig rig(plan_of());
  fail_without_baseline(rig);
  ASSERT_THAT(rig.orders, SizeIs(1));
  answer(rig, Phase::unknown);
  rig.run(1min);
  EXPECT_THAT(rig.recalls, SizeIs(0));
}

TEST(UnseenRung, MayHaveHelpedWhereTheNextIsRefusedByThePlatform) {
  for (const bool is_unseen : {true, false}) {
    EngineRig rig(plan_of());
    fail_and_fall_silent(rig);
    if (!is_unseen) serve(rig, "v2", 500, 20);
    rig.run(45s);
    ASSERT_THAT(rig.orders, SizeIs(2));
    answer(rig, Phase::rejected);
    EXPECT_EQ(rollout(rig).state,
              is_unseen ? RolloutState::inconclusive : RolloutState::not_recovered);
  }
}

TEST(UnseenRung, IsTheLastOneWhereAnotherRolloutHasCome) {
  EngineRig rig(plan_of());
  fail_and_fall_silent(rig);
  rig.run(5s);
  rig.push(RolloutStarted{
      .at = rig.now(), .service = "shop", .candidate = "v3", .baseline = "v1", .lasts = 10min});
  serve(rig, "v3", 200, 20);
  rig.run(1min);
  EXPECT_THAT(rig.orders, SizeIs(1));
  EXPECT_EQ(rig.service().past.at(0).state, RolloutState::inconclusive);
}

TEST(UnseenRung, HoldsWhileWhatItWouldGoBackToIsBad) {
  for (const bool gets_well : {true, false}) {
    EngineRig rig(plan_of());
    fail_and_fall_silent(rig);
    serve(rig, "v1", 500, 20);
    rig.run(1min);
    EXPECT_THAT(rig.orders, SizeIs(1));
    const std::vector<Notice> told = rig.notices_of(Notice::Kind::not_acted);
    ASSERT_THAT(told, SizeIs(1));
    EXPECT_THAT(told[0].headline, HasSubstr("errors is bad on v1, and not known of v2"));
    if (gets_well) serve(rig, "v1", 200, 20);
    rig.run(11min);
    EXPECT_THAT(rig.orders, SizeIs(gets_well ? 2 : 1));
    EXPECT_EQ(rollout(rig).state == RolloutState::inconclusive, !gets_well);
  }
}

TEST(UnseenRung, DoesNotHoldForABaselineThatWasBadOnceAndIsNotKnownNow) {
  EngineRig rig(plan_of());
  fail_and_fall_silent(rig);
  rig.run(2s);
  serve(rig, "v1", 500, 20);
  rig.run(8s);
  serve(rig, "v1", 200, 0);
  rig.run(2min);
  EXPECT_THAT(rig.orders, SizeIs(2));
}

TEST(UnseenRung, OfTheLastEndsItAndSaysWhatIsLiveAndWhatAPersonCanDo) {
  for (const bool is_live_known : {false, true}) {
    EngineRig rig(plan_of());
    fail_and_fall_silent(rig);
    rig.run(45s);
    ASSERT_THAT(rig.orders, SizeIs(2));
    answer(rig, Phase::applied);
    serve(rig, "v2", 500, 20);
    if (is_live_known)
      rig.push(Deployment{
          .service = "shop", .at = rig.now(), .id = "d", .versions = {{"v1", 90}, {"v2", 10}}});
    rig.run(45s);
    ASSERT_EQ(rollout(rig).state, RolloutState::inconclusive);
    const std::vector<std::string> details =
        rig.notices_of(Notice::Kind::inconclusive).back().details;
    if (is_live_known) {
      EXPECT_THAT(details, Contains("live now: v1 at 90%, v2 at 10%"));
    } else {
      EXPECT_THAT(details, Contains(HasSubstr("requests of the last 30s: v1 ")));
    }
    EXPECT_THAT(details, Contains(HasSubstr("belay rollout start --service shop --candidate v2 "
                                            "--baseline v1 --for 10m")));
    EXPECT_THAT(details, Contains(HasSubstr("now it would be refused: cooldown: the last action")));
  }
}

TEST(UnseenRung, OfTheLastSaysWhenTheCapForbidsWhatAPersonCanDo) {
  Plan plan = plan_of();
  plan.services[0].actions_per_hour_max = 1;
  plan.services[0].rollout.steps = *parse_steps("50% for 10m, 100% for 10m");
  EngineRig rig(plan);
  fail_and_fall_silent(rig);
  rig.run(45s);
  ASSERT_THAT(rig.orders, SizeIs(2));
  answer(rig, Phase::applied);
  serve(rig, "v2", 500, 20);
  rig.run(45s);
  const std::vector<std::string> details =
      rig.notices_of(Notice::Kind::inconclusive).back().details;
  EXPECT_THAT(details, Contains(HasSubstr("now it would be refused: cap: 1 action within")));
  EXPECT_THAT(details, Contains(HasSubstr("--baseline v1 --for 10m"))) << "it moves no traffic";
}

}  // namespace
}  // namespace belay::rules
