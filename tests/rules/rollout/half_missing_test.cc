// A step that passes with less than half of the requests that its share makes expected.

#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

TEST(HalfMissing, IsToldWhereTheShareWasOneInAllOfTheStep) {
  struct Case {
    int of_ten;  ///< A fifth of five hundred was ordered.
    bool is_ramped;
    bool is_told;
  };
  for (const Case& one : {Case{10, false, false}, Case{4, false, true}, Case{4, true, false}}) {
    Plan plan = EngineRig::plan_of({}, {});
    plan.services[0].rollout.is_judged_by_default = true;
    EngineRig rig(plan);
    rig.stream("v1", 40, {.version = "v1"});
    rig.stream("v2", one.of_ten, {.version = "v2"});
    const auto split = [&rig](double percent) {
      rig.push(Deployment{.service = "shop",
                          .at = rig.now(),
                          .id = "d",
                          .versions = {{"v1", 100 - percent}, {"v2", percent}}});
    };
    split(one.is_ramped ? 8 : 20);
    rig.push(RolloutStarted{
        .at = rig.now(), .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = 2min});
    rig.run(60s);
    split(20);
    rig.run(65s);
    ASSERT_EQ(decided(*rig.service().rollout), Outcome::pass) << rig.service().rollout->why;
    std::string told;
    for (const Notice& notice : rig.notices_of(Notice::Kind::rollout_moved))
      told += notice.headline + "\n";
    EXPECT_EQ(told.find("beware: only 48") != std::string::npos, one.is_told) << told;
  }
}

TEST(HalfMissing, IsToldOnceOfAStepThatWaitsForItsTraffic) {
  Plan plan = EngineRig::plan_of({}, {});
  plan.services[0].rollout.is_judged_by_default = true;
  EngineRig rig(plan);
  rig.stream("v1", 40, {.version = "v1"});
  rig.stream("v2", 4, {.version = "v2"});
  rig.push(Deployment{
      .service = "shop", .at = rig.now(), .id = "d", .versions = {{"v1", 80}, {"v2", 20}}});
  rig.push(RolloutStarted{.at = rig.now(),
                          .service = "shop",
                          .candidate = "v2",
                          .baseline = "v1",
                          .steps = *parse_steps("20% for 1m, 100%")});
  rig.run(3min);
  std::size_t told = 0;
  for (const Notice& notice : rig.notices_of(Notice::Kind::rollout_moved))
    told += notice.headline.find("beware: only ") != std::string::npos ? 1U : 0U;
  EXPECT_EQ(told, 1U);
}

}  // namespace
}  // namespace belay::rules
