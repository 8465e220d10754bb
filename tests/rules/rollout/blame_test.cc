#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

constexpr const char* kErrors = "error rate > 5% over 10s, min 20 requests, for 5s";

Rule errors(const char* then = "rollback") { return make_rule("errors", kErrors, then); }

/// 40 requests a second, of which so many fail.
void serve(EngineRig& rig, const std::string& version, int failing, int total = 40) {
  rig.stream(version + " ok", total - failing, {.version = version});
  rig.stream(version + " bad", failing, {.version = version, .status = 500});
}

void start_gate(EngineRig& rig, const char* baseline = "v1", Duration lasts = 30min) {
  rig.push(RolloutStarted{
      .at = rig.now(), .service = "shop", .candidate = "v2", .baseline = baseline, .lasts = lasts});
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

/// An EngineRig is not movable; this one is bad at 10 % before a gate without a baseline: its
/// requests name no version.
struct BadBefore {
  explicit BadBefore(int failing_after, const char* baseline = "") : rig({}, {errors()}) {
    serve(rig, baseline, 4);
    rig.run(30s);
    start_gate(rig, baseline);
    if (*baseline == '\0') serve(rig, baseline, 0, 0);
    serve(rig, "v2", failing_after);
  }
  EngineRig rig;
};

TEST(Blame, LeavesACandidateAloneThatIsNotTwiceAsBadAsItWasBefore) {
  BadBefore world(7);
  world.rig.run(2min);
  EXPECT_TRUE(world.rig.orders.empty());
  EXPECT_TRUE(world.rig.rule("errors").was_bad_before);
}

TEST(Blame, CatchesACandidateThatMakesABadServiceClearlyWorse) {
  BadBefore world(32);
  EngineRig& rig = world.rig;
  rig.run(5s);
  EXPECT_TRUE(rig.notices_of(Notice::Kind::acting).empty()) << "it must last";
  rig.push(RolloutStarted{});  // Of nobody: refused, and nothing else.
  rig.run(20s);
  EXPECT_TRUE(rig.orders.empty()) << "there is no version to go back to";
  EXPECT_EQ(decided(*rig.service().rollout), Outcome::fail);
  EXPECT_TRUE(contains(rig.service().rollout->why, "it was 10% when the gate began"))
      << rig.service().rollout->why;
}

TEST(Blame, OfACatastropheOnABadServiceOrdersTheRollbackWithBothNumbers) {
  BadBefore world(32, "v1");
  EngineRig& rig = world.rig;
  rig.run(30s);
  ASSERT_EQ(rig.orders.size(), 1U) << "80 % is not what 10 % of the baseline explains";
  ASSERT_FALSE(rig.orders[0].evidence.empty());
  EXPECT_TRUE(contains(describe(rig.orders[0].evidence[0]), "when the gate began"));
}

TEST(Blame, HoldsACandidateThatIsAsBadAsItsBaseline) {
  EngineRig rig({}, {errors()});
  serve(rig, "v1", 0);
  serve(rig, "v2", 0);
  rig.run(20s);
  start_gate(rig);
  rig.run(20s);
  serve(rig, "v1", 10);
  serve(rig, "v2", 14);
  rig.run(2min);
  EXPECT_TRUE(rig.orders.empty());
  const std::vector<Notice> held = rig.notices_of(Notice::Kind::not_acted);
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(held[0].evidence.size(), 2U) << "of both versions";
  EXPECT_TRUE(contains(held[0].evidence[1].what, "v1 error rate"));
}

/// Both versions fail, one a little more, and the baseline is fine a second before the candidate.
void outlive_shared_incident(Rule rule) {
  EngineRig rig({}, {std::move(rule)});
  serve(rig, "v1", 0);
  serve(rig, "v2", 0);
  start_gate(rig);
  rig.run(20s);
  serve(rig, "v1", 16);
  serve(rig, "v2", 30);
  rig.run(40s);
  EXPECT_EQ(rig.notices_of(Notice::Kind::not_acted).size(), 1U) << "it is held";
  serve(rig, "v1", 0);
  serve(rig, "v2", 0);
  rig.run(2min);
  EXPECT_TRUE(rig.orders.empty());
  EXPECT_FALSE(decided(*rig.service().rollout).has_value());
}

TEST(Blame, DoesNotFallOnWhoeverRecoversLastFromASharedIncident) {
  outlive_shared_incident(errors());
}

TEST(Blame, DoesNotFallOnACandidateThatIsFineAndOnlyNotClearedYet) {
  outlive_shared_incident(
      make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 15s", "rollback"));
}

TEST(Blame, OfARuleThatIsAlwaysJudgedHoldsOnASharedCauseToo) {
  EngineRig rig({errors()}, {});
  serve(rig, "v1", 0);
  serve(rig, "v2", 0);
  rig.run(20s);
  start_gate(rig);
  rig.run(20s);
  serve(rig, "v1", 10);
  serve(rig, "v2", 10);
  rig.run(1min);
  EXPECT_TRUE(rig.orders.empty());
  EXPECT_TRUE(contains(rig.notices_of(Notice::Kind::not_acted).at(0).headline, "shared cause"));
}

TEST(Blame, OfARuleThatIsAlwaysJudgedActsWhenOnlyTheCandidateIsBad) {
  EngineRig rig({errors()}, {});
  serve(rig, "v1", 0);
  serve(rig, "v2", 0);
  rig.run(20s);
  start_gate(rig);
  rig.run(20s);
  serve(rig, "v2", 10);
  rig.run(1min);
  EXPECT_EQ(rig.orders.size(), 1U);
}

TEST(Blame, NeverHoldsAFlagOfTheServiceItself) {
  EngineRig rig({errors("reset flag new-cart")}, {});
  serve(rig, "v1", 0);
  serve(rig, "v2", 0);
  rig.run(20s);
  start_gate(rig);
  rig.run(20s);
  serve(rig, "v1", 10);
  serve(rig, "v2", 10);
  rig.run(30s);
  EXPECT_EQ(rig.orders.size(), 1U);
}

TEST(Blame, DoesNotTakeOneQueueForTwoVersions) {
  EngineRig rig({}, {make_rule("deep", "queue emails depth > 100, for 5s", "rollback")});
  start_gate(rig);
  const TextId emails = rig.text(EngineRig::kQueues, "emails");
  for (int i = 0; i < 8; ++i) {
    rig.push(QueueSample{
        .source = EngineRig::kQueues, .queue = emails, .at = rig.now(), .depth = i < 3 ? 5 : 500});
    rig.run(5s);
  }
  EXPECT_EQ(rig.orders.size(), 1U) << "the baseline has no queue of its own to be as bad";
}

TEST(Blame, DoesNotTakeOneProbeForTwoVersions) {
  EngineRig rig({}, {make_rule("dead", "probe healthz fails 3 of 5", "rollback")});
  start_gate(rig);
  for (int i = 0; i < 10; ++i) {
    rig.push(Probe{.source = EngineRig::kProbe,
                   .at = rig.now(),
                   .failure = i < 5 ? ProbeFailure::none : ProbeFailure::timeout});
    rig.run(5s);
  }
  EXPECT_EQ(rig.orders.size(), 1U);
}

TEST(Blame, HoldsWhenTheProbeOfTheBaselineFailsToo) {
  EngineRig rig({}, {make_rule("dead", "probe healthz fails 3 of 5", "rollback")});
  start_gate(rig);
  for (int i = 0; i < 10; ++i) {
    for (const char* version : {"v1", "v2"})
      rig.push(Probe{.source = EngineRig::kProbe,
                     .version = rig.text(EngineRig::kProbe, version),
                     .at = rig.now(),
                     .failure = i < 5 ? ProbeFailure::none : ProbeFailure::timeout});
    rig.run(5s);
  }
  EXPECT_TRUE(rig.orders.empty());
}

TEST(Blame, CountsWhatTurnedBadUnderTheCandidateBeforeTheGateCame) {
  EngineRig rig({}, {errors()});
  serve(rig, "v1", 0);
  rig.run(30s);
  serve(rig, "v1", 0, 2);
  serve(rig, "v2", 40);
  rig.run(30s);
  start_gate(rig);
  rig.run(20s);
  EXPECT_EQ(rig.orders.size(), 1U) << "the service was fine until the candidate came";
}

TEST(Blame, IsOfOneRuleEvenIfAnotherHasItsName) {
  // The same pack for the service and for its rollouts.
  EngineRig rig({errors("alert")}, {errors()});
  serve(rig, "v1", 0);
  serve(rig, "v2", 0, 4);
  start_gate(rig);
  rig.run(20s);
  serve(rig, "v1", 10);
  serve(rig, "v2", 1, 4);
  rig.run(30s);
  EXPECT_TRUE(rig.orders.empty()) << "held";
  serve(rig, "v1", 0);
  rig.run(2min);
  EXPECT_EQ(rig.orders.size(), 1U) << "the service's rule cleared, and that of the gate did not";
}

TEST(Start, IsRefusedWithoutATimeOrACandidate) {
  EngineRig rig({make_rule("deep", "queue emails depth > 100", "rollback")}, {errors()});
  const TextId emails = rig.text(EngineRig::kQueues, "emails");
  rig.push(QueueSample{.source = EngineRig::kQueues, .queue = emails, .at = rig.now(), .depth = 5});
  rig.run(2s);
  start_gate(rig, "v1", 0s);
  rig.run(1s);
  EXPECT_EQ(decided(*rig.service().rollout), Outcome::unknown);
  start_gate(rig, "v1", -1h);
  rig.push(RolloutStarted{.at = rig.now(), .service = "shop", .lasts = 1min});
  rig.push(RolloutStarted{.at = rig.now(), .service = "nobody", .candidate = "v2", .lasts = 1min});
  rig.run(1s);
  const std::vector<Notice> ended = rig.notices_of(Notice::Kind::rollout_ended);
  EXPECT_EQ(ended.size(), 4U);
  for (const Notice& notice : ended) EXPECT_TRUE(contains(notice.headline, "unknown"));
  EXPECT_TRUE(rig.notices_of(Notice::Kind::rollout_started).empty());
}

TEST(Start, TakesTheCandidateForNoBaselineOfItself) {
  EngineRig rig({}, {errors()});
  start_gate(rig, "v2");
  rig.run(1s);
  EXPECT_EQ(rig.service().rollout->baseline, "");
  serve(rig, "v2", 40);
  rig.run(30s);
  EXPECT_EQ(decided(*rig.service().rollout), Outcome::fail) << "and not held for ever";
}

TEST(Start, CannotReachBackIntoATimeWithoutEvidence) {
  EngineRig rig({}, {make_rule("quiet", "requests rate < 1/s over 1m", "pause")});
  rig.run(10min);
  rig.push(RolloutStarted{.at = rig.now() - 9min,
                          .service = "shop",
                          .candidate = "v2",
                          .baseline = "v1",
                          .lasts = 10min});
  rig.run(10s);
  EXPECT_EQ(rig.rule("quiet").unknown, UnknownKind::warming);
  rig.run(2min);
  EXPECT_FALSE(decided(*rig.service().rollout).has_value());
}

TEST(Start, WhileOneRunsEndsItAndNeverRollsBackTwice) {
  EngineRig rig({}, {errors()});
  serve(rig, "v1", 0);
  rig.run(20s);
  start_gate(rig);
  serve(rig, "v2", 40);
  rig.run(8s);
  start_gate(rig);
  rig.run(8s);
  start_gate(rig);
  rig.run(1min);
  EXPECT_EQ(rig.orders.size(), 1U);
  EXPECT_EQ(rig.notices_of(Notice::Kind::rollout_ended).size(), 3U);
}

TEST(WorseThan, WithoutABaselineIsUnknownAndTheVerdictSaysWhy) {
  EngineRig rig({}, {make_rule("worse", "candidate worse than baseline", "rollback")});
  serve(rig, "v2", 0);
  start_gate(rig, "", 30s);
  rig.run(31s);
  EXPECT_EQ(rig.rule("worse").unknown, UnknownKind::no_baseline);
  EXPECT_TRUE(contains(describe(rig.rule("worse").evidence.at(0)), "no baseline to compare with"));
  EXPECT_EQ(decided(*rig.service().rollout), Outcome::unknown);
  EXPECT_TRUE(contains(rig.service().rollout->why, "no baseline to compare with"));
}

TEST(Blame, SaysThatACandidateMayHarmBothWhenBothTurnBadAfterAStep) {
  for (const Duration calm : {20s, 200s}) {
    EngineRig rig({}, {errors()});
    serve(rig, "v1", 0);
    rig.run(30s);
    start_gate(rig);
    serve(rig, "v2", 0);
    rig.run(calm);
    serve(rig, "v1", 20);
    serve(rig, "v2", 20);
    rig.run(30s);
    const std::vector<Notice> held = rig.notices_of(Notice::Kind::not_acted);
    ASSERT_EQ(held.size(), 1U);
    bool is_told = false;
    for (const std::string& line : held[0].details)
      is_told = is_told || contains(line, "the candidate may be harming both");
    EXPECT_EQ(is_told, calm == 20s);
  }
}

/// A second life of a gate: the first knew that the service was bad at 10 % when it began.
struct SecondLife {
  explicit SecondLife(bool is_remembered, int failing)
      : rig(EngineRig::plan_of({}, {errors()}), remembered(is_remembered)) {
    serve(rig, "v1", 0);
    serve(rig, "v2", failing);
  }
  static Remembered remembered(bool is_remembered) {
    RememberedRollout rollout;
    rollout.started = {.at = EngineRig::kStart - 1min,
                       .service = "shop",
                       .candidate = "v2",
                       .baseline = "v1",
                       .id = "11111111-1111-4111-8111-111111111111",
                       .steps = {{.bake = 30min, .bake_max = 30min, .samples_min = 0}}};
    rollout.at = rollout.step_started = EngineRig::kStart - 1min;
    rollout.state = RolloutState::baking;
    Evidence then;
    then.truth = Truth::bad;
    then.has_value = true;
    then.value = 0.1;
    then.denominator = 400;
    if (is_remembered)
      rollout.before = {
          {.rule = "errors", .sentence = kErrors, .truth = Truth::bad, .evidence = {then}}};
    Remembered remembered;
    remembered.rollouts.push_back(std::move(rollout));
    return remembered;
  }
  EngineRig rig;
};

TEST(Blame, RemembersAfterARestartWhatWasBadBeforeTheRolloutBegan) {
  SecondLife forgetful(/*is_remembered=*/false, /*failing=*/7);
  forgetful.rig.run(1min);
  EXPECT_EQ(forgetful.rig.orders.size(), 1U);
  SecondLife same(/*is_remembered=*/true, /*failing=*/7);
  same.rig.run(1min);
  EXPECT_TRUE(same.rig.orders.empty()) << "17 % is not twice 10 %";
  EXPECT_TRUE(same.rig.rule("errors").was_bad_before);
  SecondLife worse(/*is_remembered=*/true, /*failing=*/32);
  worse.rig.run(1min);
  ASSERT_EQ(worse.rig.orders.size(), 1U);
  EXPECT_TRUE(
      contains(describe(worse.rig.orders[0].evidence[0]), "it was 10% when the gate began"));
}

TEST(Blame, JournalsWhatWasBadBeforeAndThatItCountsAgain) {
  BadBefore world(0);
  world.rig.run(1s);
  const auto moves = [&] {
    std::vector<std::string> texts;
    for (const JournalEntry& entry : world.rig.journal)
      if (entry.kind == JournalEntry::Kind::rollout_moved) texts.push_back(entry.text);
    return texts;
  };
  ASSERT_EQ(moves().size(), 1U);
  EXPECT_TRUE(contains(moves()[0], R"("before":[{"rule":"errors","sentence":"error rate > 5%)"));
  EXPECT_TRUE(contains(moves()[0], R"("truth":"bad","values":[{"truth":"bad","value":0.1,)"));
  world.rig.run(20s);
  ASSERT_EQ(moves().size(), 2U) << "it has been fine";
  EXPECT_TRUE(contains(moves()[1], R"("truth":"fine","values":[])"));
}

TEST(Blame, OfARuleThatActedInOneRolloutFallsOnTheNextToo) {
  Plan plan = EngineRig::plan_of({errors()}, {});
  plan.services[0].cooldown = 0s;
  EngineRig rig(plan);
  serve(rig, "v1", 0);
  rig.run(12s);
  start_gate(rig);
  serve(rig, "v2", 10, 10);
  rig.run(20s);
  ASSERT_EQ(rig.orders.size(), 1U);
  rig.push(ActionOutcome{
      .at = rig.now(), .intent = rig.orders[0].intent, .phase = ActionOutcome::Phase::rejected});
  rig.run(5s);
  rig.push(RolloutStarted{
      .at = rig.now(), .service = "shop", .candidate = "v3", .baseline = "v1", .lasts = 30min});
  serve(rig, "v3", 100, 100);
  rig.run(60s);
  ASSERT_EQ(rig.orders.size(), 2U) << "it fires all the time, and is clearly worse now";
  EXPECT_EQ(std::get<RollBack>(rig.orders[1].action).expected, "v3");
}

}  // namespace
}  // namespace belay::rules
