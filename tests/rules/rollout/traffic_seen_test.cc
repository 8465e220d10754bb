// What the platform showed of a rollout is known after a restart: who was there when it began, and
// how much its candidate was to get.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/rules/rollout/remembered_rollout.h"
#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

constexpr const char* kId = "11111111-1111-4111-8111-111111111111";

Plan plan_of() {
  return EngineRig::plan_of(
      {}, {make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s", "rollback")});
}

void shows(EngineRig& rig, const char* deployment, std::vector<Deployment::Share> versions) {
  rig.push(Deployment{
      .service = "shop", .at = rig.now(), .id = deployment, .versions = std::move(versions)});
  rig.run(1s);
}

std::vector<std::string> moves_in(const EngineRig& rig) {
  std::vector<std::string> texts;
  for (const JournalEntry& entry : rig.journal)
    if (entry.kind == JournalEntry::Kind::rollout_moved) texts.push_back(entry.text);
  return texts;
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(TrafficSeen, IsJournaledWithEachDeploymentOnce) {
  EngineRig rig(plan_of());
  rig.run(2s);
  shows(rig, "d0", {{"v1", 100}});
  rig.push(RolloutStarted{.at = rig.now(),
                          .service = "shop",
                          .candidate = "v2",
                          .baseline = "v1",
                          .id = kId,
                          .steps = *parse_steps("10% for 15s, 50% for 15s")});
  rig.run(1s);
  const std::size_t begun = moves_in(rig).size();
  ASSERT_GE(begun, 1U);
  EXPECT_TRUE(
      says(moves_in(rig).back(),
           R"("deployment":"d0","shares":[{"version":"v1","percent":100}],"at_start":["v1"])"));
  for (int i = 0; i < 3; ++i) shows(rig, "d1", {{"v1", 90}, {"v2", 10}});
  ASSERT_EQ(moves_in(rig).size(), begun + 1);
  const std::string text = moves_in(rig).back();
  EXPECT_TRUE(says(
      text,
      R"("traffic":{"deployment":"d1","shares":[{"version":"v1","percent":90},{"version":"v2","percent":10}],"at_start":["v1"],"was_live":true})"));
  EXPECT_TRUE(says(text, R"("restated":"the platform shows v1 at 90%, v2 at 10%")")) << text;
  shows(rig, "d2", {{"v1", 50}, {"v2", 50}});
  EXPECT_EQ(moves_in(rig).size(), begun + 2) << "the step that begins with it, and no more";
  EXPECT_FALSE(says(moves_in(rig)[begun + 1], "restated")) << moves_in(rig)[begun + 1];
}

TEST(TrafficSeen, AfterTheFailTheShareIsTheOneOfTheDecision) {
  EngineRig rig(plan_of());
  shows(rig, "d1", {{"v1", 90}, {"v2", 10}});
  rig.push(RolloutStarted{.at = rig.now(),
                          .service = "shop",
                          .candidate = "v2",
                          .baseline = "v1",
                          .lasts = 1h,
                          .id = kId});
  rig.stream("v1", 20, {.version = "v1"});
  shows(rig, "d1", {{"v1", 90}, {"v2", 10}});
  rig.stream("v2", 20, {.version = "v2", .status = 500});
  rig.run(20s);
  ASSERT_EQ(rig.orders.size(), 1U);
  rig.push(ActionOutcome{
      .at = rig.now(), .intent = rig.orders[0].intent, .phase = ActionOutcome::Phase::applied});
  shows(rig, "d2", {{"v1", 100}});
  EXPECT_TRUE(says(moves_in(rig).back(),
                   R"("traffic":{"deployment":"d2","shares":[{"version":"v1","percent":90},)"))
      << moves_in(rig).back();
}

/// One that was being judged, as the journal knew it.
Remembered judged(std::vector<std::string> at_start) {
  Remembered remembered;
  RememberedRollout rollout =
      rollout_of("v2", RolloutState::baking, Outcome::unknown, EngineRig::kStart - 10s);
  rollout.traffic.at_start = std::move(at_start);
  remembered.rollouts.push_back(rollout);
  return remembered;
}

TEST(TrafficSeen, AThirdVersionThatCameWhileBelayWasDownIsAStranger) {
  for (const bool is_known : {true, false}) {
    SCOPED_TRACE(is_known);
    EngineRig rig(plan_of(), judged(is_known ? std::vector<std::string>{"v1", "v2"}
                                             : std::vector<std::string>{}));
    rig.run(1s);
    shows(rig, "d9", {{"v9", 100}});
    const RolloutStatus rollout = *rig.service().rollout;
    EXPECT_EQ(rollout.state, is_known ? RolloutState::superseded : RolloutState::baking);
    EXPECT_EQ(says(rollout.why, "someone deployed v9"), is_known) << rollout.why;
  }
}

TEST(TrafficSeen, AThirdVersionThatHasLittleIsRolledOutInItsPlace) {
  Plan plan = plan_of();
  plan.services[0].rollout.is_attached_by_itself = true;
  Remembered remembered = judged({"v1", "v2"});
  remembered.rollouts[0].traffic.shares = {{"v2", 90}, {"v1", 10}};
  EngineRig rig(plan, remembered);
  rig.run(1s);
  shows(rig, "d9", {{"v2", 90}, {"v9", 10}});
  EXPECT_EQ(rig.service().rollout->candidate, "v9");
  EXPECT_EQ(rig.service().rollout->baseline, "v2");
  ASSERT_FALSE(rig.service().past.empty());
  EXPECT_EQ(rig.service().past.back().state, RolloutState::superseded);
}

TEST(TrafficSeen, TheWayBackOfWhatCameMeanwhileIsNoneThatOnlyAnEarlierLifeHasSeen) {
  struct Case {
    std::vector<Deployment::Share> live;
    const char* good;
    const char* baseline;
  };
  for (const Case& one :
       {Case{{{"v9", 100}}, "v1", "v1"}, Case{{{"v9", 90}, {"v8", 10}}, "v1", "v8"},
        Case{{{"v9", 100}}, "", ""}}) {
    SCOPED_TRACE(one.baseline);
    Plan plan = plan_of();
    plan.services[0].rollout.is_attached_by_itself = true;
    Remembered remembered = judged({"v2"});
    remembered.rollouts[0].started.baseline = one.good;
    remembered.rollouts[0].traffic.shares = {{"v2", 100}};
    EngineRig rig(plan, remembered);
    rig.run(1s);
    shows(rig, "d9", one.live);
    EXPECT_EQ(rig.service().rollout->candidate, "v9");
    EXPECT_EQ(rig.service().rollout->baseline, one.baseline);
  }
}

TEST(TrafficSeen, ACanaryThatCameMeanwhileOverAPromotedOneIsJudged) {
  for (const bool is_attached : {true, false}) {
    SCOPED_TRACE(is_attached);
    Plan plan = plan_of();
    plan.services[0].rollout.is_attached_by_itself = is_attached;
    Remembered remembered;
    remembered.rollouts = {
        rollout_of("v2", RolloutState::promoted, Outcome::pass, EngineRig::kStart - 1min)};
    remembered.rollouts[0].rule.clear();
    remembered.rollouts[0].traffic.shares = {{"v2", 100}};
    EngineRig rig(plan, remembered);
    rig.run(1s);
    shows(rig, "d9", {{"v2", 90}, {"v9", 10}});
    EXPECT_EQ(rig.service().rollout->candidate, is_attached ? "v9" : "v2");
    EXPECT_EQ(rig.service().rollout->baseline, is_attached ? "v2" : "v1");
  }
}

TEST(TrafficSeen, ACandidateThatSomeoneTookOutMeanwhileIsGone) {
  Remembered remembered = judged({"v1"});
  remembered.rollouts[0].traffic.was_live = true;
  EngineRig rig(plan_of(), remembered);
  for (int i = 0; i < 15; ++i) shows(rig, "d2", {{"v1", 100}});
  EXPECT_EQ(rig.service().rollout->state, RolloutState::superseded);
  EXPECT_TRUE(says(rig.service().rollout->why, "someone took v2 out"));
}

TEST(TrafficSeen, WhatIsDoubtedIsNotWhatItWasToGet) {
  Remembered remembered = judged({"v1"});
  remembered.rollouts.insert(
      remembered.rollouts.begin(),
      rollout_of("v9", RolloutState::recovered, Outcome::fail, EngineRig::kStart - 1min));
  remembered.actions.push_back({.at = EngineRig::kStart - 1min,
                                .service = "shop",
                                .intent = "old",
                                .target = "v1",
                                .is_open = false,
                                .expected = "v9",
                                .phase = ActionOutcome::Phase::applied,
                                .order = std::nullopt});
  EngineRig rig(plan_of(), remembered);
  shows(rig, "d1", {{"v1", 90}, {"v2", 10}});
  const std::size_t known = moves_in(rig).size();
  shows(rig, "d2", {{"v9", 100}});
  ASSERT_EQ(rig.service().rollout->state, RolloutState::baking);
  ASSERT_EQ(moves_in(rig).size(), known + 1);
  EXPECT_TRUE(
      says(moves_in(rig).back(), R"("deployment":"d2","shares":[{"version":"v1","percent":90})"))
      << moves_in(rig).back();
}

TEST(TrafficSeen, WhoeverWasThereWhenItBeganIsNoneAfterARestartEither) {
  EngineRig rig(plan_of(), judged({"v0", "v1"}));
  rig.run(1s);
  for (int i = 0; i < 15; ++i) shows(rig, "d1", {{"v1", 50}, {"v0", 40}, {"v2", 10}});
  EXPECT_EQ(rig.service().rollout->state, RolloutState::baking);
}

TEST(TrafficSeen, OneThatWasTakenOutWithinSecondsAndComesAgainIsJudgedAgain) {
  Plan plan = plan_of();
  plan.services[0].rollout.is_attached_by_itself = true;
  EngineRig rig(plan);
  for (int i = 0; i < 5; ++i) shows(rig, "d1", {{"v1", 100}});
  shows(rig, "d2", {{"v2", 100}});
  ASSERT_TRUE(rig.service().rollout);
  for (int i = 0; i < 15; ++i) shows(rig, "d3", {{"v1", 100}});
  EXPECT_EQ(rig.service().rollout->state, RolloutState::superseded);
  EXPECT_TRUE(says(rig.service().rollout->why, "someone took v2 out"));
  shows(rig, "d4", {{"v2", 100}});
  EXPECT_EQ(rig.service().rollout->state, RolloutState::baking);
  EXPECT_EQ(rig.service().rollout->candidate, "v2");
  EXPECT_EQ(rig.service().rollout->baseline, "v1");
}

TEST(TrafficSeen, WhatIsToBeGivenTrafficLaterHasNotGoneBeforeThat) {
  EngineRig rig(plan_of());
  shows(rig, "d1", {{"v1", 50}, {"v2", 50}});
  rig.push(RolloutStarted{.at = rig.now(),
                          .service = "shop",
                          .candidate = "v2",
                          .baseline = "v1",
                          .id = kId,
                          .steps = *parse_steps("10% for 15s"),
                          .train = "r1"});
  for (int i = 0; i < 15; ++i) shows(rig, "d2", {{"v1", 100}});
  EXPECT_NE(rig.service().rollout->state, RolloutState::superseded) << rig.service().rollout->why;
}

/// Where the restart came: before the order, after that of the rollback, or after that of the flag
/// that is reset before it.
enum class Ordered : std::uint8_t { nothing, rollback, flag };
class HardlyBegun : public testing::TestWithParam<Ordered> {
 protected:
  HardlyBegun() {
    plan_.services[0].verify_for = 30s;
    plan_.services[0].rollout_rules = {
        make_rule("errors", "probe healthz fails 3 of 5", "rollback")};
    if (GetParam() == Ordered::flag)
      plan_.services[0].on_fail = {{.kind = Then::Kind::reset_flag, .name = "cart"},
                                   {.kind = Then::Kind::rollback}};
    if (GetParam() == Ordered::nothing) return;
    rollout_.intents = {"old"};
    const bool is_flag = GetParam() == Ordered::flag;
    remembered_.actions.push_back({.at = rollout_.at,
                                   .service = "shop",
                                   .intent = "old",
                                   .target = is_flag ? "" : "v1",
                                   .is_open = true,
                                   .expected = is_flag ? "" : "v2",
                                   .phase = std::nullopt,
                                   .order = is_flag ? left_order(ResetFlag{"cart"}, "of v2")
                                                    : left_order(RollBack{"v1", "v2"}, "of v2")});
  }

  /// It failed with two of 400 requests.
  void count() {
    RolloutNumbers& numbers = rollout_.numbers.emplace();
    numbers.since_start[Role::candidate].total = 2;
    numbers.since_start[Role::baseline].total = 398;
  }

  /// Rolled back, and watched to the end; `version`: that the log names, but for two requests.
  std::string end(const char* version, bool is_seen_first) {
    remembered_.rollouts = {rollout_};
    EngineRig rig(plan_, remembered_);
    rig.stream("v1", 20, {.version = version});
    rig.run(2s);
    if (GetParam() == Ordered::flag) {
      if (is_seen_first) rig.run(20s);
      rig.push(
          ActionOutcome{.at = rig.now(), .intent = "old", .phase = ActionOutcome::Phase::conflict});
      rig.run(1s);
    }
    EXPECT_EQ(rig.orders.size(), GetParam() == Ordered::rollback ? 0U : 1U);
    rig.push(ActionOutcome{.at = rig.now(),
                           .intent = rig.orders.empty() ? "old" : rig.orders[0].intent,
                           .phase = ActionOutcome::Phase::applied});
    for (int i = 0; i < 60; ++i) {
      if (*version != '\0' && (i == 10 || i == 20))
        rig.push(rig.request({.version = "v2"}, rig.now()));
      rig.push(Probe{.source = EngineRig::kProbe, .at = rig.now()});
      rig.run(1s);
    }
    return std::string(name_of(rig.service().rollout->state));
  }

  Plan plan_ = plan_of();
  Remembered remembered_;
  RememberedRollout rollout_ =
      rollout_of("v2", RolloutState::rolling_back, Outcome::fail, EngineRig::kStart - 10s);
};
INSTANTIATE_TEST_SUITE_P(TrafficSeen, HardlyBegun,
                         testing::Values(Ordered::nothing, Ordered::rollback, Ordered::flag));

TEST_P(HardlyBegun, IsNotRecoveredWhileItsRequestsComeStill) {
  count();
  EXPECT_EQ(end("v1", false), "recovered") << "nobody knows what it was to get";
  rollout_.traffic.shares = {{"v1", 99}, {"v2", 1}};
  for (const bool is_seen_first : {false, true})
    EXPECT_EQ(end("v1", is_seen_first), "inconclusive") << is_seen_first;
}

TEST_P(HardlyBegun, IsNotRecoveredByALogThatNamesNobody) {
  // What this life sees for a while before the rollback shows that it never does.
  const bool is_seen = GetParam() == Ordered::flag;
  EXPECT_EQ(end("", false), is_seen ? "recovered" : "inconclusive") << "nobody knows about before";
  count();
  for (const bool is_seen_first : {false, true})
    EXPECT_EQ(end("", is_seen_first), "inconclusive") << "it did before: " << is_seen_first;
}

}  // namespace
}  // namespace belay::rules
