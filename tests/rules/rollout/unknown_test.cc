#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

Rule critical(const char* then = "alert") {
  return make_rule("errors", "error rate > 5% over 1m, min 20 requests", then);
}

std::size_t pages(const EngineRig& rig) {
  std::size_t count = 0;
  for (const Notice& notice : rig.notices_of(Notice::Kind::unknown_too_long))
    count += notice.page ? 1U : 0U;
  return count;
}

std::size_t told(const EngineRig& rig) {
  return rig.notices_of(Notice::Kind::unknown_too_long).size();
}

TEST(Unknown, OfAQuietNightIsToldOnceAndPagesNobody) {
  EngineRig rig({critical()});
  rig.run(9min);
  EXPECT_EQ(told(rig), 0U);
  rig.run(1h);
  EXPECT_EQ(told(rig), 1U);
  EXPECT_EQ(pages(rig), 0U);
}

TEST(Unknown, OfADeadSourcePagesOnceForEachSpell) {
  EngineRig rig({critical()});
  rig.stream("ok", 10);
  rig.run(2min);
  rig.set_alive(EngineRig::kTail, false);
  rig.stream("ok", 0);
  rig.run(9min);
  EXPECT_EQ(pages(rig), 0U);
  rig.run(1h);
  EXPECT_EQ(pages(rig), 1U);
  EXPECT_EQ(told(rig), 1U);
  rig.set_alive(EngineRig::kTail, true);
  rig.stream("ok", 10);
  rig.run(2min);
  rig.set_alive(EngineRig::kTail, false);
  rig.stream("ok", 0);
  rig.run(12min);
  EXPECT_EQ(pages(rig), 2U);
}

TEST(Unknown, PagesWhenAQuietNightTurnsBlind) {
  EngineRig rig({critical()});
  rig.run(30min);
  EXPECT_EQ(pages(rig), 0U);
  rig.set_alive(EngineRig::kTail, false);
  rig.run(11min);
  EXPECT_EQ(pages(rig), 1U);
}

TEST(Unknown, OfASecondRuleIsToldThoughTheFirstStillIs) {
  EngineRig rig({critical(), make_rule("deep", "queue emails depth > 100")});
  rig.run(11min);
  EXPECT_EQ(pages(rig), 1U) << "the queue was never seen";
  rig.set_alive(EngineRig::kTail, false);
  rig.run(11min);
  EXPECT_EQ(pages(rig), 2U);
}

TEST(Unknown, OfALongWindowThatFillsIsNotTold) {
  EngineRig rig({make_rule("slow", "error rate > 5% over 1h, min 20 requests")});
  rig.stream("ok", 4);
  rig.run(40min);
  EXPECT_EQ(rig.rule("slow").unknown, UnknownKind::warming);
  EXPECT_EQ(told(rig), 0U);
}

TEST(Unknown, ForWantOfTrafficPagesInAGate) {
  EngineRig rig({}, {critical("pause")});
  rig.push(RolloutStarted{
      .at = rig.now(), .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = 2h});
  rig.run(1h);
  EXPECT_EQ(pages(rig), 1U);
}

}  // namespace
}  // namespace belay::rules
