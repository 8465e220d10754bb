// Who is the newer rollout that an older one's ladder makes way for, and what of the older one
// waits meanwhile.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using Phase = ActionOutcome::Phase;

constexpr const char* kId = "11111111-1111-4111-8111-111111111111";
constexpr SourceId kPlatform{4};
const std::vector<Then> kRunFirst = {{.kind = Then::Kind::run, .name = "fix"},
                                     {.kind = Then::Kind::rollback}};

Plan plan_of(std::vector<Then> rungs = kRunFirst) {
  Plan plan = EngineRig::plan_of(
      {}, {make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s", "rollback")});
  plan.sources.push_back(
      {.name = "platform", .kind = SourceKind::platform, .service = "shop", .interval = 10s});
  plan.services[0].verify_for = 1min;
  plan.services[0].cooldown = 0s;
  plan.services[0].on_fail = std::move(rungs);
  return plan;
}

RolloutStarted rollout_of(const EngineRig& rig, const char* candidate, Mode mode = Mode::enforce) {
  return {.at = rig.now(),
          .service = "shop",
          .candidate = candidate,
          .baseline = "v1",
          .lasts = 10min,
          .mode = mode};
}

void serve(EngineRig& rig, const char* version, std::uint16_t status = 200, int per_second = 20) {
  rig.stream(version, per_second, {.version = version, .status = status});
}

void look(EngineRig& rig, const char* version, int requests) {
  for (int i = 0; i < requests; ++i) rig.push(rig.request({.version = version}, rig.now()));
}

void say_live(EngineRig& rig, const std::vector<Deployment::Share>& versions) {
  rig.push(Deployment{.service = "shop", .at = rig.now(), .id = "d", .versions = versions});
}

void answer(EngineRig& rig, Phase phase) {
  rig.push(ActionOutcome{.at = rig.now(), .intent = rig.orders.back().intent, .phase = phase});
  rig.run(250ms);
}

/// v2 has failed, and the first that is done about it is on its way.
void fail(EngineRig& rig, int per_second = 20) {
  serve(rig, "v1", 200, per_second);
  rig.run(12s);
  rig.push(rollout_of(rig, "v2"));
  serve(rig, "v2", 500, per_second);
  rig.run(20s);
  ASSERT_THAT(rig.orders, SizeIs(1));
}

/// v2 has failed while more traffic is on its way to it.
void fail_in_move(EngineRig& rig) {
  serve(rig, "v1");
  rig.run(12s);
  RolloutStarted started = rollout_of(rig, "v2");
  started.steps = *parse_steps("10% for 20s max 60s, 100%");
  started.is_driving = true;
  rig.push(started);
  rig.run(2s);
  answer(rig, Phase::applied);
  serve(rig, "v2");
  rig.run(22s);
  ASSERT_THAT(rig.orders, SizeIs(2));
  serve(rig, "v2", 500);
  rig.run(15s);
  ASSERT_EQ(rig.service().rollout->state, RolloutState::rolling_back);
  ASSERT_THAT(rig.orders, SizeIs(2));
}

const RollBack* last_rollback(const EngineRig& rig) {
  return std::get_if<RollBack>(&rig.orders.back().action);
}

RolloutStatus older(const EngineRig& rig) { return rig.service().past.at(0); }

/// The ladder of v2 has come to its second rung.
bool has_gone_on(const EngineRig& rig) {
  return rig.orders.size() == 2 && last_rollback(rig) != nullptr &&
         last_rollback(rig)->expected == "v2";
}

bool has_given_way(const EngineRig& rig) {
  return rig.orders.size() == 1 && older(rig).state == RolloutState::inconclusive &&
         older(rig).why == "another rollout began: v3";
}

TEST(Newcomer, APersonWhoLooksAtItIsNotItsTraffic) {
  for (const int requests : {1, 2, 5}) {
    EngineRig rig(plan_of());
    fail(rig, 100);
    answer(rig, Phase::applied);
    rig.push(rollout_of(rig, "v3"));
    rig.run(15s);
    look(rig, "v3", requests);
    rig.run(45s);
    EXPECT_TRUE(has_gone_on(rig)) << requests;
  }
}

TEST(Newcomer, OfAQuietServiceTwoRequestsAreItsTrafficIfNobodyElseHasAny) {
  EngineRig rig(plan_of());
  fail(rig);
  answer(rig, Phase::applied);
  serve(rig, "v1", 200, 0);
  serve(rig, "v2", 500, 0);
  rig.push(rollout_of(rig, "v3"));
  rig.run(12s);
  look(rig, "v3", 1);
  rig.run(3s);
  EXPECT_EQ(older(rig).state, RolloutState::verifying);
  look(rig, "v3", 1);
  rig.run(2s);
  EXPECT_TRUE(has_given_way(rig)) << older(rig).why;
}

TEST(Newcomer, WhatItHadBeforeItBeganIsNotItsTraffic) {
  EngineRig rig(plan_of());
  fail(rig);
  serve(rig, "v3");
  rig.run(5s);
  serve(rig, "v3", 200, 0);
  answer(rig, Phase::applied);
  rig.push(rollout_of(rig, "v3"));
  rig.run(1min);
  EXPECT_TRUE(has_gone_on(rig));
}

TEST(Newcomer, WhoHasTheTrafficIsForThePlatformToSayWhileItCanBeRead) {
  for (const bool is_live : {false, true})
    for (const bool is_read : {false, true}) {
      SCOPED_TRACE(std::to_string(is_live) + std::to_string(is_read));
      EngineRig rig(plan_of());
      fail(rig);
      answer(rig, Phase::applied);
      rig.push(rollout_of(rig, "v3"));
      say_live(rig, is_live ? std::vector<Deployment::Share>{{"v2", 90}, {"v3", 10}}
                            : std::vector<Deployment::Share>{{"v2", 100}});
      if (!is_read) rig.say(kPlatform, SourceHealth::refused);
      // What the log calls so is something else.
      if (!is_live) serve(rig, "v3");
      rig.run(1min);
      EXPECT_EQ(has_given_way(rig), is_live == is_read);
      EXPECT_EQ(has_gone_on(rig), is_live != is_read);
    }
}

TEST(Newcomer, WhereNobodyNamesVersionsItIsBelievedAfterTenSeconds) {
  EngineRig rig(plan_of());
  rig.run(5s);
  RolloutStarted started = rollout_of(rig, "v2");
  started.id = kId;
  rig.push(started);
  rig.run(1s);
  rig.push(OperatorCommand{.kind = OperatorCommand::Kind::rollback,
                           .at = rig.now(),
                           .rollout = kId,
                           .by = "ann",
                           .reason = ""});
  rig.run(1s);
  ASSERT_THAT(rig.orders, SizeIs(1));
  answer(rig, Phase::applied);
  rig.push(rollout_of(rig, "v3"));
  rig.run(9s);
  EXPECT_EQ(older(rig).state, RolloutState::verifying);
  rig.run(3s);
  EXPECT_TRUE(has_given_way(rig)) << older(rig).why;
}

TEST(Newcomer, TheVersionThatARollbackPutsBackIsNone) {
  for (const Mode mode : {Mode::enforce, Mode::recommend, Mode::observe})
    for (const bool waits : {false, true}) {
      SCOPED_TRACE(std::string(name_of(mode)) + (waits ? ", it waits" : ", it goes on"));
      EngineRig rig(plan_of(waits ? std::vector<Then>{{.kind = Then::Kind::rollback}} : kRunFirst));
      waits ? fail_in_move(rig) : fail(rig);
      if (!waits) answer(rig, Phase::applied);
      RolloutStarted back = rollout_of(rig, "v1", mode);
      back.baseline = "v0";
      rig.push(back);
      rig.run(waits ? 15s : 45s);
      if (waits) answer(rig, Phase::applied);
      ASSERT_NE(last_rollback(rig), nullptr);
      EXPECT_EQ(last_rollback(rig)->target, "v1");
      EXPECT_EQ(last_rollback(rig)->expected, "v2");
    }
}

TEST(Newcomer, OfAnActionOutsideARolloutIsNoneThatBeganBeforeIt) {
  Plan plan = plan_of();
  plan.services[0].rules = {
      make_rule("always", "error rate > 5% over 10s, min 20 requests, for 5s", "run fix")};
  EngineRig rig(plan);
  serve(rig, "v1");
  rig.run(12s);
  RolloutStarted started = rollout_of(rig, "v2");
  started.lasts = 30s;
  rig.push(started);
  serve(rig, "v2");
  rig.run(40s);
  ASSERT_EQ(rig.service().rollout->state, RolloutState::promoted);
  serve(rig, "v2", 500);
  rig.run(20s);
  ASSERT_THAT(rig.orders, SizeIs(1));
  EXPECT_EQ(rig.orders[0].rollout, "");
  answer(rig, Phase::applied);
  serve(rig, "v2");
  rig.run(75s);
  EXPECT_THAT(rig.notices_of(Notice::Kind::inconclusive), SizeIs(0));
  EXPECT_THAT(rig.notices_of(Notice::Kind::recovered), SizeIs(1));
}

TEST(Newcomer, ThatActsAndHasTrafficEndsWhatWaitedForTheOlderOne) {
  EngineRig rig(plan_of());
  fail_in_move(rig);
  rig.push(rollout_of(rig, "v3"));
  serve(rig, "v3");
  rig.run(15s);
  rig.notices.clear();
  answer(rig, Phase::applied);
  EXPECT_THAT(rig.orders, SizeIs(2));
  EXPECT_EQ(older(rig).state, RolloutState::superseded);
  EXPECT_EQ(older(rig).why, "another rollout began: v3");
  const std::vector<Notice> told = rig.notices_of(Notice::Kind::not_acted);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_TRUE(told[0].page);
  EXPECT_EQ(told[0].candidate, "v2");
  EXPECT_EQ(told[0].headline, "shop: did not run fix, then roll back, although it has failed");
}

TEST(Newcomer, ThatOnlyWatchesIsNotTakenOutByWhatWaited) {
  EngineRig rig(plan_of({{.kind = Then::Kind::rollback}}));
  fail_in_move(rig);
  rig.push(rollout_of(rig, "v3", Mode::observe));
  serve(rig, "v3");
  rig.run(15s);
  answer(rig, Phase::applied);
  EXPECT_THAT(rig.orders, SizeIs(2));
  EXPECT_EQ(older(rig).state, RolloutState::failed);
  EXPECT_THAT(older(rig).why, HasSubstr("v3 has come since and has traffic"))
      << "people read why nothing was done";
}

TEST(Newcomer, WhatHasGivenWayIsNotGoneOnWithWhenTheOldVersionComesBack) {
  EngineRig rig(plan_of({{.kind = Then::Kind::rollback}}));
  fail(rig);
  answer(rig, Phase::unknown);
  serve(rig, "v2", 500, 0);
  rig.push(rollout_of(rig, "v3"));
  serve(rig, "v3");
  rig.run(15s);
  serve(rig, "v3", 200, 0);
  rig.push(rollout_of(rig, "v2"));
  serve(rig, "v2", 500);
  rig.run(20s);
  EXPECT_EQ(rig.service().rollout->state, RolloutState::rolling_back);
  EXPECT_THAT(rig.orders, SizeIs(1)) << "it waits for the older order";
  answer(rig, Phase::rejected);
  EXPECT_TRUE(has_gone_on(rig)) << "nobody else rolls it back";
}

}  // namespace
}  // namespace belay::rules
