// What a rollout is compared with, and goes back to, when nobody says it.

#include "rules/rollout/baseline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/rollout/default_rollout.h"
#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

using From = Baseline::From;

Deployment live(std::vector<Deployment::Share> versions) {
  return {.service = "shop", .at = EngineRig::kStart, .id = "d", .versions = std::move(versions)};
}

TEST(Baseline, IsWhatTheUserSays) {
  const Baseline chosen = choose_baseline("v3", "v1", live({{"v2", 90}, {"v3", 10}}), {{"v2", 9}});
  EXPECT_EQ(chosen.version, "v1");
  EXPECT_EQ(chosen.from, From::asked);
}

TEST(Baseline, TheCandidateItselfIsNone) {
  const Baseline chosen = choose_baseline("v3", "v3", live({{"v2", 90}, {"v3", 10}}), {{"v2", 9}});
  EXPECT_EQ(chosen.version, "") << "who names it wrongly is told, and nothing is guessed";
  EXPECT_EQ(chosen.from, From::nobody);
}

TEST(Baseline, IsElseTheLargestOtherShareOfWhatIsLive) {
  const Baseline chosen =
      choose_baseline("v3", "", live({{"v1", 20}, {"v2", 30}, {"v3", 50}, {"v0", 0}}), {{"v1", 9}});
  EXPECT_EQ(chosen.version, "v2");
  EXPECT_EQ(chosen.from, From::live);
}

TEST(Baseline, IsElseTheVersionWithMostRequests) {
  const std::vector<VersionRequests> recent = {{"", 99}, {"v1", 7}, {"v2", 5}, {"v3", 50}};
  for (const auto& known : {std::optional<Deployment>{}, std::optional(live({{"v3", 100}}))}) {
    const Baseline chosen = choose_baseline("v3", "", known, recent);
    EXPECT_EQ(chosen.version, "v1");
    EXPECT_EQ(chosen.from, From::traffic);
  }
  EXPECT_EQ(choose_baseline("v3", "", std::nullopt, {{"", 9}, {"v3", 9}}).from, From::nobody);
  EXPECT_EQ(choose_baseline("v3", "", std::nullopt, {{"other", 9}, {"v3", 9}}).from, From::nobody)
      << "that is all versions that a source cannot keep apart any more";
  EXPECT_EQ(choose_baseline("v3", "", std::nullopt, {{"other", 9}, {"v1", 3}}).from, From::nobody);
  EXPECT_EQ(choose_baseline("v3", "", std::nullopt, {{"other", 3}, {"v1", 9}}).version, "v1");
  EXPECT_EQ(
      choose_baseline("v3", "", std::nullopt, {}, {.good = "v1", .replaced_by = "other"}).from,
      From::nobody);
}

/// Ten seconds each, newest first.
std::string replacement(std::vector<TrafficSlice> since, const std::string& candidate = "v3") {
  return replacement_of("v2", since,
                        [&](const std::string& version) { return version != candidate; });
}

TEST(Baseline, IsReplacedByWhoeverClearlyHadTheTrafficLastBeforeTheCandidate) {
  const TrafficSlice by_hand = {{"v1", 300}, {"v2", 6}};
  const TrafficSlice candidate = {{"v2", 6}, {"v3", 300}};
  const TrafficSlice promoted = {{"v2", 300}};
  EXPECT_EQ(replacement({by_hand, by_hand, by_hand, promoted}), "v1");
  EXPECT_EQ(replacement({candidate, candidate, candidate, by_hand, by_hand, by_hand}), "v1")
      << "however long the candidate has had it";
  EXPECT_EQ(replacement({candidate, promoted, by_hand, by_hand, by_hand}), "")
      << "the promoted one came back";
  EXPECT_EQ(replacement({candidate, promoted}), "");
  EXPECT_EQ(replacement({candidate, candidate}), "") << "what is left of it is no sign of another";
  EXPECT_EQ(replacement({}), "");
  EXPECT_EQ(replacement({{{"", 300}}, {{"v1", 2}}}), "") << "a person looked at it";
}

TEST(Baseline, IsNotReplacedByWhatHasTrafficBesideIt) {
  const TrafficSlice load_test = {{"v2", 100}, {"v4", 800}};
  EXPECT_EQ(replacement({load_test, load_test, load_test}), "");
  const TrafficSlice smoke = {{"v4", 5}};
  const TrafficSlice quiet = {{"v2", 1}};
  EXPECT_EQ(replacement({smoke, {}, quiet, {}, quiet, {}, quiet}), "");
}

struct World {
  World() { rig.stream("v1", 20, {.version = "v1"}); }
  void gate(const std::string& candidate = "v2") {
    rig.push(
        RolloutStarted{.at = rig.now(), .service = "shop", .candidate = candidate, .lasts = 5min});
    rig.run(1s);
  }
  std::string baseline() { return rig.service().rollout->baseline; }
  EngineRig rig{EngineRig::plan_of(
      {}, {make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s", "rollback")})};
};

TEST(Baseline, OfAGateIsTakenFromWhatIsLiveAndFrozen) {
  World world;
  world.rig.run(5s);
  world.rig.push(live({{"v0", 80}, {"v2", 20}}));
  world.gate();
  EXPECT_EQ(world.baseline(), "v0");
  world.rig.push(live({{"v1", 80}, {"v2", 20}}));
  world.rig.run(5s);
  EXPECT_EQ(world.rig.service().rollout->baseline, "v0");
  const auto told = world.rig.notices_of(Notice::Kind::rollout_started);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(std::find(told[0].details.begin(), told[0].details.end(),
                      "baseline v0: the largest other share of what is live"),
            told[0].details.end());
}

TEST(Baseline, OfAGateIsTakenFromTheTrafficOfTheLastTenMinutes) {
  World world;
  world.rig.stream("old", 200, {.version = "v0"});
  world.rig.run(2s);
  world.rig.stream("old", 0);
  world.rig.run(9min);
  world.gate("v9");
  EXPECT_EQ(world.baseline(), "v1");
  world.rig.stream("v1", 0);
  world.rig.run(10min + 20s);
  world.gate();
  EXPECT_EQ(world.baseline(), "") << "nothing came lately";
}

TEST(Baseline, IsNeverTakenFromTheTrafficOfWhatWasRolledAwayFrom) {
  World world;
  world.rig.stream("v2", 60, {.version = "v2"});
  world.rig.run(15s);
  world.gate();
  EXPECT_EQ(world.baseline(), "v1");
  world.rig.stream("v2", 60, {.version = "v2", .status = 500});
  world.rig.run(20s);
  ASSERT_EQ(world.rig.orders.size(), 1U);
  world.rig.push(ActionOutcome{.at = world.rig.now(),
                               .intent = world.rig.orders[0].intent,
                               .phase = ActionOutcome::Phase::applied});
  world.rig.run(5s);
  world.gate("v3");
  EXPECT_EQ(world.baseline(), "v1") << "v2 had three times as many";
}

TEST(Baseline, IsNotTakenFromAPlatformThatCannotBeRead) {
  Plan plan = EngineRig::plan_of({}, {});
  plan.sources.push_back(
      {.name = "platform", .kind = SourceKind::platform, .service = "shop", .interval = 10s});
  const SourceId platform{static_cast<std::uint32_t>(plan.sources.size() - 1)};
  EngineRig rig(plan);
  rig.stream("v1", 20, {.version = "v1"});
  rig.push(SourceState{.source = platform, .at = rig.now(), .health = SourceHealth::alive});
  rig.push(live({{"v0", 80}, {"v2", 20}}));
  rig.run(5s);
  rig.push(SourceState{.source = platform, .at = rig.now(), .health = SourceHealth::refused});
  rig.push(RolloutStarted{.at = rig.now(), .service = "shop", .candidate = "v2", .lasts = 5min});
  rig.run(1s);
  EXPECT_EQ(rig.service().rollout->baseline, "v1") << "who knows what is live by now";
}

TEST(Baseline, WhatCameLatelyIsShown) {
  World world;
  world.rig.run(10s);
  const ServiceStatus status = world.rig.service();
  ASSERT_EQ(status.recent.size(), 1U);
  EXPECT_EQ(status.recent[0].version, "v1");
  EXPECT_EQ(status.recent[0].requests, 200U);
  EXPECT_EQ(status.recent_over, 10s);
}

/// What is told of vv1, the baseline of v2, which fails: as that begins, and as it is rolled back.
std::vector<std::string> told_of(const char* baseline, bool is_probed = false,
                                 const char* beside = "v1") {
  EngineRig rig({}, {make_rule("errors", "error rate > 5% over 10s, min 20 requests", "rollback")});
  rig.stream("v1", 20, {.version = beside});
  rig.run(12s);
  if (is_probed)
    rig.push(Probe{.source = EngineRig::kProbe,
                   .version = rig.text(EngineRig::kProbe, baseline),
                   .at = rig.now()});
  rig.push(RolloutStarted{
      .at = rig.now(), .service = "shop", .candidate = "v2", .baseline = baseline, .lasts = 1min});
  rig.stream("v2", 20, {.version = "v2", .status = 500});
  rig.run(20s);
  EXPECT_EQ(rig.orders.size(), 1U) << "it may just have no traffic";
  std::vector<std::string> told;
  for (const Notice::Kind kind : {Notice::Kind::rollout_started, Notice::Kind::acting})
    for (const Notice& notice : rig.notices_of(kind))
      for (const std::string& line : notice.details)
        if (line.starts_with("beware")) told.push_back(line);
  return told;
}

TEST(Baseline, OneThatIsNamedAndThatNobodyKnowsIsToldTwice) {
  using Lines = std::vector<std::string>;
  const std::string beware = "beware: Belay has seen nothing of vv1, the logs name v1";
  EXPECT_EQ(told_of("v1"), Lines{});
  EXPECT_EQ(told_of("v1", false, "v2"), Lines{}) << "the candidate has all of the traffic";
  EXPECT_EQ(told_of("vv1", /*is_probed=*/true), Lines{}) << "it has answered a probe";
  const Lines told = told_of("vv1");
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0], beware + " (did you mean v1?); a rollback would go to it all the same");
  EXPECT_EQ(told[1], beware + " (did you mean v1?)");
  EXPECT_EQ(told_of("green").at(0),
            "beware: Belay has seen nothing of green, the logs name v1; a "
            "rollback would go to it all the same");
}

TEST(Baseline, OneThatNobodySawLetsNothingPassBesideAnother) {
  const auto ended = [](const std::string& baseline, int of_v1) {
    EngineRig rig(plan_by_default());
    rig.stream("v1", of_v1, {.version = "v1"});
    rig.stream("v2", 20, {.version = "v2"});
    rig.run(12s);
    if (of_v1 == 1) rig.stream("v1", 0);
    rig.push(RolloutStarted{.at = rig.now(),
                            .service = "shop",
                            .candidate = "v2",
                            .baseline = baseline,
                            .lasts = 3min});
    for (int second = 0; second < 200; ++second) {
      if (of_v1 == 1 && second % 12 == 0) rig.push(rig.request({.version = "v1"}, rig.now()));
      rig.run(1s);
    }
    return rollout(rig);
  };
  const RolloutStatus mistyped = ended("vv1", 20);
  EXPECT_EQ(mistyped.state, RolloutState::inconclusive);
  EXPECT_THAT(mistyped.why, testing::HasSubstr("v2 was compared with nothing; beware: Belay has "
                                               "seen nothing of vv1, the logs name v1 (did you"));
  EXPECT_EQ(ended("v1", 20).state, RolloutState::promoted);
  EXPECT_EQ(ended("vv1", 0).state, RolloutState::promoted) << "nobody is beside it";
  EXPECT_EQ(ended("vv1", 1).state, RolloutState::promoted) << "but for stragglers";
}

TEST(Baseline, OneThatHasLessThanHalfOfAnothersIsToldOf) {
  const auto told = [](int of_v1, int of_v6) {
    EngineRig rig({}, {make_rule("errors", "error rate > 5% over 10s", "rollback")});
    rig.stream("v1", of_v1, {.version = "v1"});
    rig.stream("v6", of_v6, {.version = "v6"});
    rig.stream("v2", 90, {.version = "v2"});
    rig.run(12s);
    rig.push(RolloutStarted{
        .at = rig.now(), .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = 1min});
    rig.run(1s);
    return rig.notices_of(Notice::Kind::rollout_started).at(0).details;
  };
  const auto beware = testing::Contains(testing::HasSubstr("requests in the last 2m, v1 "));
  EXPECT_THAT(told(10, 30), beware);
  EXPECT_THAT(told(10, 18), testing::Not(beware));
  EXPECT_THAT(told(10, 0), testing::Not(beware)) << "the candidate is no other";
}

}  // namespace
}  // namespace belay::rules
