// What Belay promoted is no way back once it was seen bad, or someone has replaced it by hand.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

const char* const kErrors = "error rate > 5% over 10s, min 20 requests, for 5s";

struct World {
  explicit World(std::vector<Rule> always = {},
                 std::vector<Rule> rollout = {make_rule("errors", kErrors, "rollback")},
                 Remembered remembered = {})
      : rig(plan_of(std::move(always), std::move(rollout)), std::move(remembered)) {}

  static Plan plan_of(std::vector<Rule> always, std::vector<Rule> rollout) {
    const bool is_by_default = rollout.empty();
    Plan plan = EngineRig::plan_of(std::move(always), std::move(rollout));
    plan.services[0].rollout.is_judged_by_default = is_by_default;
    plan.services[0].rollout.watch_for = 1h;
    plan.services[0].verify_for = 20s;
    plan.services[0].cooldown = 0s;
    return plan;
  }
  /// This one alone has 40 requests a second from now on.
  void serve(const char* version, std::uint16_t status = 200) {
    for (const char* one : {"v1", "v2", "v3"}) rig.stream(one, 0);
    rig.stream(version, 40, {.version = version, .status = status});
  }
  void start(const char* candidate, const char* baseline = "", Duration lasts = 5min) {
    rig.push(RolloutStarted{.at = rig.now(),
                            .service = "shop",
                            .candidate = candidate,
                            .baseline = baseline,
                            .lasts = lasts});
    rig.run(1s);
  }
  void promote_v2() {
    serve("v1");
    rig.run(1min);
    serve("v2");
    start("v2", "v1", 30s);
    rig.run(1min);
    ASSERT_EQ(rig.service().rollout->state, RolloutState::promoted);
  }
  [[nodiscard]] std::string baseline() const { return rig.service().rollout->baseline; }
  [[nodiscard]] std::vector<std::string> details() const {
    return rig.notices_of(Notice::Kind::rollout_started).back().details;
  }
  EngineRig rig;
};

TEST(WayBack, LeadsToWhatSomeonePutThereHoweverLateTheNextIsAnnouncedAndWhateverIsLeft) {
  for (const bool is_late : {false, true})
    for (const bool has_stragglers : {false, true}) {
      SCOPED_TRACE(std::string(is_late ? "late" : "at once") + (has_stragglers ? ", left" : ""));
      World world;
      world.promote_v2();
      world.serve("v1");
      if (has_stragglers) world.rig.stream("left", 1, {.version = "v2"});
      world.rig.run(100s);
      world.serve("v3");
      world.rig.run(is_late ? 3min : 3s);
      world.start("v3");
      EXPECT_EQ(world.baseline(), "v1");
      EXPECT_THAT(world.details(), Contains("baseline v1: it has taken the traffic of what was "
                                            "promoted or put back last"));
    }
}

TEST(WayBack, LeadsToThePromotedVersionBesideALoadTestOfAnotherOrAfterALongRolloutWithoutAWord) {
  for (const bool is_tested : {false, true}) {
    World world;
    world.promote_v2();
    world.rig.run(1min);
    if (is_tested) world.rig.stream("test", 300, {.version = "v4"});
    world.rig.run(40s);
    world.serve("v3");
    world.rig.run(is_tested ? 1s : 3min);
    world.start("v3");
    EXPECT_EQ(world.baseline(), "v2");
  }
}

TEST(WayBack, LeadsToWhatKeepsMostOfTheTrafficWhereTheStepsEndThere) {
  for (const std::string last : {"20%", "60%"}) {
    World world;
    world.rig.stream("v1", 32, {.version = "v1"});
    world.rig.stream("v2", 8, {.version = "v2"});
    world.rig.push(RolloutStarted{.at = world.rig.now(),
                                  .service = "shop",
                                  .candidate = "v2",
                                  .baseline = "v1",
                                  .steps = *parse_steps(last + " for 30s")});
    world.rig.run(2min);
    ASSERT_EQ(world.rig.service().rollout->state, RolloutState::promoted);
    world.rig.stream("v2", 0);
    world.rig.stream("v3", 8, {.version = "v3"});
    world.rig.run(5s);
    world.start("v3");
    EXPECT_EQ(world.baseline(), last == "20%" ? "v1" : "v2");
  }
}

TEST(WayBack, LeadsToNoVersionThatARuleFiredOnAfterItsPromotion) {
  for (const std::string by : {"rollout rule", "always", "default"}) {
    SCOPED_TRACE(by);
    std::vector<Rule> always;
    if (by == "always") always = {make_rule("errors", kErrors)};
    std::vector<Rule> rollout;
    if (by == "rollout rule") rollout = {make_rule("errors", kErrors, "rollback")};
    if (by == "always") rollout = {make_rule("slow", "p95 latency > 5s over 10s", "rollback")};
    World world(always, rollout);
    world.serve("v1");
    world.rig.run(20s);
    world.serve("v1");
    world.start("v1", "v0", 2min);
    world.rig.run(150s);
    ASSERT_EQ(world.rig.service().rollout->state, RolloutState::promoted);
    world.serve("v2");
    world.start("v2", "v1", 2min);
    world.rig.run(150s);
    ASSERT_EQ(world.rig.service().rollout->state, RolloutState::promoted);
    world.serve("v2", 500);
    world.rig.run(by == "default" ? 2min : 20s);
    const std::vector<Notice> fired = world.rig.notices_of(Notice::Kind::fired);
    ASSERT_FALSE(fired.empty());
    EXPECT_THAT(fired.front().details,
                Contains("v2 is no version to go back to until it has been fine for 10m"));
    world.serve("v3");
    world.rig.run(2s);
    world.start("v3");
    EXPECT_EQ(world.baseline(), "v1");
    EXPECT_THAT(world.details(), Not(Contains(HasSubstr("beware"))));
  }
}

TEST(WayBack, HoldsNothingAgainstAPromotedVersionThatAnotherHadTheTrafficOf) {
  World world({make_rule("errors", kErrors)},
              {make_rule("slow", "p95 latency > 5s over 10s", "rollback")});
  world.promote_v2();
  world.serve("v1");
  world.rig.run(1min);
  world.serve("v1", 500);
  world.rig.run(20s);
  ASSERT_THAT(world.rig.notices_of(Notice::Kind::fired), SizeIs(1));
  world.serve("v2");
  world.rig.run(1min);
  world.serve("v3");
  world.rig.run(2s);
  world.start("v3");
  EXPECT_EQ(world.baseline(), "v2");
}

TEST(WayBack, LeadsToAVersionAgainThatHasBeenFineForTenMinutesWithTheTraffic) {
  for (const Duration fine : {9min, 12min}) {
    World world;
    world.promote_v2();
    world.serve("v2", 500);
    world.rig.run(15s);
    ASSERT_THAT(world.rig.notices_of(Notice::Kind::fired), SizeIs(1));
    world.serve("v2");
    world.rig.run(fine);
    world.serve("v3");
    world.rig.run(2min);
    world.start("v3");
    EXPECT_EQ(world.baseline(), fine == 12min ? "v2" : "");
  }
}

TEST(WayBack, StaysAtAVersionThatTurnedBadOnceAndServesOnAndIsFine) {
  for (const bool is_live_known : {true, false}) {
    World world;
    world.promote_v2();
    world.serve("v2", 500);
    world.rig.run(15s);
    ASSERT_THAT(world.rig.notices_of(Notice::Kind::fired), SizeIs(1));
    world.serve("v2");
    world.rig.run(1min);
    world.rig.stream("v3", 4, {.version = "v3"});
    if (is_live_known)
      world.rig.push(Deployment{.service = "shop",
                                .at = world.rig.now(),
                                .id = "d",
                                .versions = {{"v2", 90}, {"v3", 10}}});
    world.rig.run(5s);
    world.start("v3");
    EXPECT_EQ(world.baseline(), "v2");
  }
}

TEST(WayBack, DoesNotLeadToWhatTookThePromotedVersionsPlaceAndWasBad) {
  for (const std::uint16_t status : {std::uint16_t{200}, std::uint16_t{500}}) {
    World world;
    world.promote_v2();
    world.serve("v1", status);
    world.rig.run(45s);
    world.serve("v3", 500);
    world.rig.run(3s);
    world.start("v3");
    EXPECT_EQ(world.baseline(), status == 200 ? "v1" : "v2");
  }
}

/// The journal's words on v2, as they were written by an engine in which it turned bad.
std::vector<std::string> against(const EngineRig& rig, JournalEntry::Kind kind) {
  std::vector<std::string> rollouts;
  for (const JournalEntry& entry : rig.journal)
    if (entry.kind == kind && entry.text.find(R"("against":"v2")") != std::string::npos)
      rollouts.push_back(entry.rollout);
  return rollouts;
}

TEST(WayBack, WhatIsHeldAgainstAPromotedVersionIsInTheJournal) {
  World world;
  world.promote_v2();
  const std::string rollout = world.rig.service().rollout->id;
  world.serve("v2", 500);
  world.rig.run(15s);
  EXPECT_THAT(against(world.rig, JournalEntry::Kind::fired), testing::ElementsAre(rollout));
  world.serve("v2");
  world.rig.run(1min);
  EXPECT_THAT(against(world.rig, JournalEntry::Kind::cleared), testing::ElementsAre(rollout));
  world.serve("v2", 500);
  world.rig.run(15s);
  world.serve("v1");
  world.rig.run(1min);
  EXPECT_THAT(against(world.rig, JournalEntry::Kind::fired), SizeIs(2));
  EXPECT_THAT(against(world.rig, JournalEntry::Kind::cleared), SizeIs(1))
      << "v1 is fine, which says nothing of v2";
}

TEST(WayBack, LeadsToNoVersionThatWasBadBeforeTheRestartAfterItsPromotion) {
  for (const bool was_bad : {false, true}) {
    Remembered remembered;
    remembered.last_good = {{"shop", "v2"}};
    remembered.rollouts = {{.started = {.at = EngineRig::kStart - 10min,
                                        .service = "shop",
                                        .candidate = "v2",
                                        .baseline = "v1",
                                        .id = "r",
                                        .steps = *parse_steps("100% for 5m")},
                            .at = EngineRig::kStart - 5min,
                            .state = RolloutState::promoted,
                            .verdict = Outcome::pass}};
    if (was_bad) remembered.rollouts[0].failing_since = EngineRig::kStart - 4min;
    World world({}, {make_rule("errors", kErrors, "rollback")}, remembered);
    EXPECT_FALSE(world.rig.service().rollout->failing_since) << "its rollout has passed";
    world.serve("v3");
    world.rig.run(3s);
    world.start("v3");
    EXPECT_EQ(world.baseline(), was_bad ? "" : "v2");
  }
}

}  // namespace
}  // namespace belay::rules
