#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

Plan plan_of() {
  return EngineRig::plan_of(
      {make_rule("flag", "error rate > 5% over 10s, min 20 requests", "reset flag cart"),
       make_rule("other", "error rate > 5% over 10s, min 20 requests", "alert")},
      {});
}

TEST(Silence, KeepsQuietAboutOneRuleAndActsAllTheSame) {
  EngineRig rig(plan_of());
  rig.push(Silenced{
      .at = rig.now(), .service = "", .rule = "flag", .until = rig.now() + 1min, .by = "ann"});
  rig.stream("bad", 20, {.status = 500});
  rig.run(20s);
  for (const Notice& notice : rig.notices_of(Notice::Kind::fired)) EXPECT_EQ(notice.rule, "other");
  EXPECT_EQ(rig.orders.size(), 1U);
  EXPECT_EQ(rig.notices_of(Notice::Kind::acting).size(), 1U) << "what is done is always told";
  ASSERT_EQ(rig.service().silenced.size(), 1U);
  EXPECT_EQ(rig.service().silenced[0].by, "ann");
}

TEST(Silence, EndsInTimeAndIsRemembered) {
  Remembered remembered;
  remembered.silenced.push_back({.at = EngineRig::kStart - 1h,
                                 .service = "shop",
                                 .rule = "flag",
                                 .until = EngineRig::kStart + 15s});
  EngineRig rig(plan_of(), remembered);
  rig.stream("bad", 20, {.status = 500});
  rig.run(14s);
  EXPECT_EQ(rig.notices_of(Notice::Kind::fired).size(), 1U) << "of the other rule";
  rig.stream("bad", 20);
  rig.run(20s);
  EXPECT_EQ(rig.notices_of(Notice::Kind::cleared).size(), 2U) << "it is over";
  EXPECT_TRUE(rig.service().silenced.empty());
}

}  // namespace
}  // namespace belay::rules
