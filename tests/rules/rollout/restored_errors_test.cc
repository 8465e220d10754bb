// A rule that compares with the baseline finds nothing wrong with the baseline itself: what was put
// back is asked for its errors as well.

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

/// What is told of the rollback of v2, where v1 fails such a share of its requests since.
Notice told_after(int bad_before, int bad_since) {
  Plan plan = EngineRig::plan_of(
      {}, {make_rule("errors",
                     "candidate error rate > baseline error rate + 2 points over 10s, min 20 "
                     "requests, for 5s",
                     "rollback")});
  plan.services[0].verify_for = 30s;
  EngineRig rig(plan);
  const auto serve_v1 = [&rig](int bad) {
    rig.stream("v1", 20 - bad, {.version = "v1"});
    rig.stream("bad v1", bad, {.version = "v1", .status = 500});
  };
  serve_v1(bad_before);
  rig.stream("v2", 20, {.version = "v2"});
  rig.run(15s);
  rig.push(RolloutStarted{
      .at = rig.now(), .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = 5min});
  rig.run(2s);
  rig.stream("v2", 20, {.version = "v2", .status = 500});
  for (int i = 0; i < 60 && rig.orders.empty(); ++i) rig.run(1s);
  EXPECT_THAT(rig.orders, SizeIs(1));
  rig.push(ActionOutcome{
      .at = rig.now(), .intent = rig.orders.at(0).intent, .phase = ActionOutcome::Phase::applied});
  rig.stream("v2", 0);
  serve_v1(bad_since);
  rig.run(3min);
  for (const Notice::Kind kind :
       {Notice::Kind::recovered, Notice::Kind::inconclusive, Notice::Kind::not_recovered})
    if (const auto told = rig.notices_of(kind); !told.empty()) return told.front();
  return {};
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

}  // namespace
}  // namespace belay::rules
