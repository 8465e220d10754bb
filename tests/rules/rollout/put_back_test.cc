// What a person is told to type at the platform, where Belay does not put a version back itself.

#include <string>

#include <gtest/gtest.h>

#include "tests/rules/rollout/remembered_rollout.h"
#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

constexpr const char* kId = "11111111-1111-4111-8111-111111111111";
constexpr const char* kLine = "by hand: wrangler versions deploy v1@100% -y --name shop";

Plan plan_of(Mode mode = Mode::enforce) {
  Plan plan = EngineRig::plan_of(
      {}, {make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s", "rollback")});
  plan.services[0].mode = mode;
  plan.services[0].put_back = "wrangler versions deploy {version}@100% -y --name shop";
  return plan;
}

RolloutStarted rollout(const EngineRig& rig) {
  return {.at = rig.now(),
          .service = "shop",
          .candidate = "v2",
          .baseline = "v1",
          .id = kId,
          .steps = *parse_steps("100% for 10m")};
}

/// v2 fails over v1.
void fail(EngineRig& rig, const RolloutStarted& started) {
  rig.stream("v1", 20, {.version = "v1"});
  rig.run(12s);
  rig.push(started);
  rig.stream("v2", 20, {.version = "v2", .status = 500});
  rig.run(20s);
}

std::string told(const EngineRig& rig, Notice::Kind kind) {
  std::string text;
  for (const Notice& notice : rig.notices_of(kind)) {
    text += notice.headline + "\n";
    for (const std::string& line : notice.details) text += line + "\n";
  }
  return text;
}

bool says(const std::string& text) { return text.find(kLine) != std::string::npos; }

void disarm(EngineRig& rig) {
  rig.push(Disarmed{.at = rig.now(), .service = "shop", .until = rig.now() + 1h, .by = "ann"});
}

TEST(PutBack, IsToldWhereTheServiceIsDisarmed) {
  EngineRig rig(plan_of());
  disarm(rig);
  fail(rig, rollout(rig));
  const std::string page = told(rig, Notice::Kind::not_acted);
  EXPECT_TRUE(says(page)) << page;
}

TEST(PutBack, IsToldInModeRecommend) {
  EngineRig rig(plan_of(Mode::recommend));
  fail(rig, rollout(rig));
  const std::string page = told(rig, Notice::Kind::would_act);
  EXPECT_TRUE(says(page)) << page;
}

TEST(PutBack, IsToldWhoeverWasRefusedARollback) {
  EngineRig rig(plan_of());
  rig.stream("v1", 20, {.version = "v1"});
  rig.stream("v2", 20, {.version = "v2"});
  rig.run(12s);
  rig.push(rollout(rig));
  rig.run(5s);
  disarm(rig);
  rig.push(OperatorCommand{
      .kind = OperatorCommand::Kind::rollback, .at = rig.now(), .rollout = kId, .by = "ann"});
  rig.run(1s);
  const std::string notice = told(rig, Notice::Kind::not_acted);
  EXPECT_TRUE(says(notice)) << notice;
}

TEST(PutBack, IsNotToldOfAVersionThatWasRolledAwayFrom) {
  Remembered remembered;
  remembered.actions.push_back({.at = EngineRig::kStart - 3h,
                                .service = "shop",
                                .intent = "old",
                                .target = "v0",
                                .is_open = false,
                                .expected = "v1",
                                .phase = ActionOutcome::Phase::applied,
                                .order = std::nullopt});
  EngineRig rig(plan_of(), remembered);
  fail(rig, rollout(rig));
  const std::string page = told(rig, Notice::Kind::not_acted);
  EXPECT_NE(page.find("v1 was rolled away from before"), std::string::npos) << page;
  EXPECT_FALSE(says(page)) << page;
}

TEST(PutBack, IsNotToldOfWhatIsIrreversible) {
  EngineRig rig(plan_of(Mode::recommend));
  RolloutStarted started = rollout(rig);
  started.is_irreversible = true;
  fail(rig, started);
  for (const Notice& notice : rig.notices)
    for (const std::string& line : notice.details)
      EXPECT_FALSE(says(line)) << notice.headline << ": " << line;
  EXPECT_FALSE(rig.notices.empty());
}

void show(EngineRig& rig, std::vector<Deployment::Share> versions) {
  rig.push(
      Deployment{.service = "shop", .at = rig.now(), .id = "d2", .versions = std::move(versions)});
  rig.run(2s);
}

TEST(PutBack, SaysWhereNobodyKnowsWhetherTheCandidateIsLive) {
  for (const bool is_known : {true, false}) {
    SCOPED_TRACE(is_known);
    EngineRig rig(plan_of());
    disarm(rig);
    rig.stream("v1", 20, {.version = "v1"});
    rig.run(12s);
    rig.push(rollout(rig));
    rig.stream("v2", 20, {.version = "v2", .status = 500});
    for (int i = 0; i < 8; ++i) {
      if (is_known) show(rig, {{"v2", 100}});
      if (!is_known) rig.run(2s);
    }
    const std::string page = told(rig, Notice::Kind::not_acted);
    EXPECT_TRUE(says(page)) << page;
    EXPECT_EQ(page.find(std::string(kLine) + " # if v2 is still live") != std::string::npos,
              !is_known)
        << page;
  }
}

TEST(PutBack, IsNotToldWhereTheCandidateHasGone) {
  EngineRig rig(plan_of());
  disarm(rig);
  rig.stream("v1", 20, {.version = "v1"});
  rig.run(12s);
  rig.push(rollout(rig));
  for (int i = 0; i < 18; ++i) show(rig, {{"v1", 100}});
  rig.stream("v2", 20, {.version = "v2", .status = 500});
  for (int i = 0; i < 10; ++i) show(rig, {{"v1", 100}});
  const std::string page = told(rig, Notice::Kind::not_acted);
  EXPECT_NE(page.find("live now: v1 at 100%"), std::string::npos) << page;
  EXPECT_FALSE(says(page)) << page;
}

/// v2 was to be rolled back, for a rule that is no more.
RememberedRollout without_its_rule() {
  RememberedRollout left =
      rollout_of("v2", RolloutState::rolling_back, Outcome::fail, EngineRig::kStart - 10s);
  left.rule = "gone";
  return left;
}

TEST(PutBack, IsToldOfARollbackThatTheRestartCameBefore) {
  Remembered remembered;
  remembered.rollouts = {without_its_rule()};
  EngineRig rig(plan_of(), remembered);
  rig.run(1s);
  const std::string page = told(rig, Notice::Kind::inconclusive);
  EXPECT_NE(page.find("the rule that failed it is gone"), std::string::npos) << page;
  EXPECT_TRUE(says(page)) << page;
}

TEST(PutBack, IsToldWhereTheModeWasLoweredSince) {
  Remembered remembered;
  remembered.rollouts.push_back(
      rollout_of("v2", RolloutState::rolling_back, Outcome::fail, EngineRig::kStart - 10s));
  EngineRig rig(plan_of(Mode::recommend), remembered);
  rig.run(1s);
  const std::string page = told(rig, Notice::Kind::would_act);
  EXPECT_TRUE(says(page)) << page;
}

TEST(PutBack, IsNotToldBesideARollbackThatIsOnItsWay) {
  EngineRig rig(plan_of());
  fail(rig, rollout(rig));
  ASSERT_EQ(rig.orders.size(), 1U);
  rig.push(OperatorCommand{
      .kind = OperatorCommand::Kind::rollback, .at = rig.now(), .rollout = kId, .by = "ann"});
  rig.run(1s);
  const std::string notice = told(rig, Notice::Kind::not_acted);
  EXPECT_NE(notice.find("did not roll back v2"), std::string::npos) << notice;
  EXPECT_FALSE(says(notice)) << notice;
}

TEST(PutBack, IsNotToldOfWhatWasDoneByBelay) {
  EngineRig rig(plan_of());
  fail(rig, rollout(rig));
  ASSERT_EQ(rig.orders.size(), 1U);
  rig.push(ActionOutcome{
      .at = rig.now(), .intent = rig.orders[0].intent, .phase = ActionOutcome::Phase::applied});
  rig.run(8min);
  ASSERT_TRUE(is_final(rig.service().rollout->state)) << rig.service().rollout->why;
  for (const Notice& notice : rig.notices)
    for (const std::string& line : notice.details)
      EXPECT_FALSE(says(line)) << notice.headline << ": " << line;
}

TEST(PutBack, IsToldOfARollbackThatWasRecalledBeforeItWasSent) {
  EngineRig rig(plan_of());
  fail(rig, rollout(rig));
  ASSERT_EQ(rig.orders.size(), 1U);
  rig.push(ActionOutcome{.at = rig.now(),
                         .intent = rig.orders[0].intent,
                         .phase = ActionOutcome::Phase::rejected,
                         .detail = "recalled before it was sent: disarmed"});
  rig.run(2s);
  const std::string pages = told(rig, Notice::Kind::not_acted);
  EXPECT_TRUE(says(pages)) << pages;
}

TEST(PutBack, IsNotToldWhereSomethingElseMayHaveHelped) {
  Plan plan = plan_of();
  plan.services[0].verify_for = 30s;
  plan.services[0].on_fail = {{.kind = Then::Kind::reset_flag, .name = "cart"},
                              {.kind = Then::Kind::rollback}};
  EngineRig rig(plan);
  fail(rig, rollout(rig));
  ASSERT_EQ(rig.orders.size(), 1U);
  rig.push(ActionOutcome{
      .at = rig.now(), .intent = rig.orders[0].intent, .phase = ActionOutcome::Phase::abandoned});
  rig.stream("v2", 20, {.version = "v2"});
  rig.run(3min);
  ASSERT_EQ(rig.orders.size(), 1U) << "all is fine";
  const std::string page = told(rig, Notice::Kind::inconclusive);
  EXPECT_NE(page, "");
  EXPECT_FALSE(says(page)) << page;
}

TEST(PutBack, IsNotToldBeforeTheFirstReadingWhereAnotherRolloutHasBegunSince) {
  Remembered remembered;
  remembered.rollouts = {without_its_rule(), rollout_of("v3", RolloutState::baking,
                                                        Outcome::unknown, EngineRig::kStart - 5s)};
  remembered.rollouts.back().step_started = EngineRig::kStart - 5s;
  EngineRig rig(plan_of(), remembered);
  rig.run(1s);
  const std::string page = told(rig, Notice::Kind::inconclusive);
  EXPECT_NE(page.find("the rule that failed it is gone"), std::string::npos) << page;
  EXPECT_FALSE(says(page)) << page;
}

}  // namespace
}  // namespace belay::rules
