// A rule that compares with the baseline finds nothing wrong with the baseline itself: what is
// asked besides of what was put back.

#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;

constexpr const char* kWorse =
    "candidate error rate > baseline error rate + 2 points over 10s, min 20 requests, for 5s";

/// v2 is put back for what `kWorse`, or `rule`, finds.
class Restored {
 public:
  explicit Restored(const char* rule = kWorse, bool is_judged_by_default = false)
      : rig(plan_of(rule, is_judged_by_default)) {}

  void serve_v1(int bad, Duration latency = 10ms, int all = 20) {
    rig.stream("v1", all - bad, {.version = "v1", .latency = latency});
    rig.stream("bad v1", bad, {.version = "v1", .status = 500});
  }
  void begin() {
    rig.stream("v2", 20, {.version = "v2"});
    rig.run(15s);
    rig.push(RolloutStarted{
        .at = rig.now(), .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = 5min});
    rig.run(2s);
  }
  void roll_back_by_hand() {
    rig.push(OperatorCommand{.kind = OperatorCommand::Kind::rollback,
                             .at = rig.now(),
                             .rollout = rig.service().rollout->id,
                             .by = "ann",
                             .reason = ""});
    rig.run(1s);
  }
  void fail(Alike alike) {
    alike.version = "v2";
    rig.stream("v2", 20, alike);
    for (int i = 0; i < 60 && rig.orders.empty(); ++i) rig.run(1s);
  }
  void put_back() {
    ASSERT_THAT(rig.orders, SizeIs(1));
    rig.push(ActionOutcome{
        .at = rig.now(), .intent = rig.orders[0].intent, .phase = ActionOutcome::Phase::applied});
    rig.stream("v2", 0);
  }
  /// Of a rollback of v2 that fails so, where v1 fails so many of 20 requests since.
  [[nodiscard]] Notice told_after(Alike failing, int bad_since, Duration latency_since = 10ms) {
    fail(std::move(failing));
    put_back();
    serve_v1(bad_since, latency_since);
    return told();
  }
  [[nodiscard]] Notice told() {
    rig.run(3min);
    for (const Notice::Kind kind :
         {Notice::Kind::recovered, Notice::Kind::inconclusive, Notice::Kind::not_recovered})
      if (const auto told = rig.notices_of(kind); !told.empty()) return told.front();
    return {};
  }

  EngineRig rig;

 private:
  static Plan plan_of(const char* rule, bool is_judged_by_default) {
    Plan plan = EngineRig::plan_of({}, {make_rule("worse", rule, "rollback")});
    plan.services[0].verify_for = 30s;
    plan.services[0].rollout.is_judged_by_default = is_judged_by_default;
    return plan;
  }
};

/// What is told of the rollback of v2, where v1 fails such a share of its requests since.
Notice told_after(int bad_before, int bad_since) {
  Restored world;
  world.serve_v1(bad_before);
  world.begin();
  return world.told_after({.status = 500}, bad_since);
}

TEST(RestoredErrors, AreNoRecovery) {
  const Notice told = told_after(0, 8);
  EXPECT_EQ(told.kind, Notice::Kind::not_recovered) << told.headline;
  ASSERT_THAT(told.evidence, SizeIs(1));
  EXPECT_EQ(told.evidence[0].value, 0.4);
}

TEST(RestoredErrors, AreNotAskedForWhereTheBaselineHadThem) {
  EXPECT_EQ(told_after(4, 4).kind, Notice::Kind::recovered);
}

TEST(RestoredErrors, AreToldAsThoseOfWhatWasPutBack) {
  const Notice told = told_after(0, 0);
  EXPECT_EQ(told.kind, Notice::Kind::recovered) << told.headline;
  ASSERT_THAT(told.evidence, SizeIs(1));
  EXPECT_THAT(told.evidence[0].what, HasSubstr("v1 error rate"));
}

TEST(RestoredErrors, OfBeforeAreInTheJournalUntilTheRollbackIsVerified) {
  Restored world;
  world.serve_v1(0);
  world.begin();
  world.fail({.status = 500});
  for (const JournalEntry& entry : world.rig.journal)
    if (entry.text.find(R"("state":"rolling_back")") != std::string::npos) {
      EXPECT_THAT(entry.text, HasSubstr(R"("before":[{"rule":"worse")"));
      return;
    }
  FAIL() << "it was rolled back";
}

TEST(RestoredErrors, AreAskedForAfterARollbackByHand) {
  Restored world;
  world.serve_v1(0);
  world.begin();
  world.roll_back_by_hand();
  world.put_back();
  world.serve_v1(10);
  EXPECT_EQ(world.told().kind, Notice::Kind::not_recovered);
}

TEST(RestoredErrors, AreAskedForBesideARuleThatLooksAtSomethingElse) {
  Restored world("p95 latency > 250ms over 10s, min 20 requests, for 5s", true);
  world.serve_v1(0);
  world.begin();
  EXPECT_EQ(world.told_after({.latency = 900ms}, 10).kind, Notice::Kind::not_recovered);
}

TEST(RestoredErrors, AreNotAskedForBesideARuleThatLimitsThem) {
  Restored world("error rate > 20% over 10s, min 20 requests", true);
  world.serve_v1(0);
  world.begin();
  EXPECT_EQ(world.told_after({.status = 500}, 3).kind, Notice::Kind::recovered);
}

TEST(RestoredErrors, AreAskedForBesideALimitForSomeOfThemOnly) {
  for (const auto& [rule, status] : std::initializer_list<std::pair<const char*, std::uint16_t>>{
           {"4xx rate > 20% over 10s, min 20 requests", 404},
           {"503 rate > 20% over 10s, min 20 requests", 503},
           {R"(5xx rate{status="503"} > 20% over 10s, min 20 requests)", 503},
           {"error rate > 90% over 10s and 503 rate > 20% over 10s, min 20 requests", 503}}) {
    Restored world(rule, true);
    world.serve_v1(0);
    world.begin();
    EXPECT_EQ(world.told_after({.status = status}, 10).kind, Notice::Kind::not_recovered) << rule;
  }
}

TEST(RestoredErrors, AreNotAskedForWhereOneOfTwoLimitsThem) {
  Restored world("error rate > 20% over 10s or p95 latency > 5s over 10s, min 20 requests", true);
  world.serve_v1(0);
  world.begin();
  EXPECT_EQ(world.told_after({.status = 500}, 3).kind, Notice::Kind::recovered);
}

TEST(RestoredErrors, OfABaselineThatNobodySawBeforeAreInconclusive) {
  Restored world;
  world.begin();
  world.roll_back_by_hand();
  world.put_back();
  world.serve_v1(2);
  EXPECT_EQ(world.told().kind, Notice::Kind::inconclusive);
}

TEST(RestoredErrors, ThatAreTooFewToSayMakeARollbackByHandInconclusive) {
  Restored world("candidate p95 latency > 3 x baseline p95 latency over 20s, min 5 requests");
  world.serve_v1(0, 10ms, 1);
  world.begin();
  world.roll_back_by_hand();
  world.put_back();
  // Fewer than the errors ask for, and enough for the rule.
  world.rig.run(15s);
  world.serve_v1(0, 10ms, 0);
  world.rig.run(5s);
  world.serve_v1(0, 10ms, 1);
  const Notice told = world.told();
  EXPECT_EQ(told.kind, Notice::Kind::inconclusive) << told.headline;
  EXPECT_THAT(told.details, Contains(HasSubstr("nothing else is known of v1")));
}

/// The same of a rule that compares latencies: 10 ms of v1 and 500 ms of v2 before.
Notice told_of_latency(Duration since) {
  Restored world("candidate p95 latency > 2 x baseline p95 latency over 10s, min 20 requests");
  world.serve_v1(0);
  world.begin();
  return world.told_after({.latency = 500ms}, 0, since);
}

TEST(RestoredLatency, AsThatOfTheCandidateIsNoRecovery) {
  const Notice told = told_of_latency(450ms);
  EXPECT_EQ(told.kind, Notice::Kind::inconclusive) << told.headline;
  EXPECT_THAT(told.details, Contains(HasSubstr("v1 is as the candidate was: ")));
}

TEST(RestoredLatency, MayBeSomewhatMoreThanWasAllowed) {
  EXPECT_EQ(told_of_latency(30ms).kind, Notice::Kind::recovered);
}

/// Without the default judgement the rule alone decides on a version that stays.
TEST(RestoredErrors, AreNotAskedOfACandidateThatARungLeaves) {
  Plan plan = EngineRig::plan_of({}, {make_rule("worse", kWorse, "rollback")});
  plan.services[0].verify_for = 30s;
  plan.services[0].on_fail = {{.kind = Then::Kind::reset_flag, .name = "new-cart"},
                              {.kind = Then::Kind::rollback}};
  EngineRig rig(plan);
  const auto serve = [&rig](const std::string& version, int bad) {
    rig.stream(version, 100 - bad, {.version = version});
    rig.stream("bad " + version, bad, {.version = version, .status = 500});
  };
  serve("v1", 5);
  serve("v2", 5);
  rig.run(15s);
  rig.push(RolloutStarted{
      .at = rig.now(), .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = 5min});
  rig.run(2s);
  serve("v2", 20);
  for (int i = 0; i < 60 && rig.orders.empty(); ++i) rig.run(1s);
  ASSERT_THAT(rig.orders, SizeIs(1));
  rig.push(ActionOutcome{
      .at = rig.now(), .intent = rig.orders[0].intent, .phase = ActionOutcome::Phase::applied});
  serve("v2", 6);
  rig.run(3min);
  EXPECT_THAT(rig.orders, SizeIs(1)) << "it is no more than a point worse";
  EXPECT_THAT(rig.notices_of(Notice::Kind::recovered), SizeIs(1));
}

}  // namespace
}  // namespace belay::rules
