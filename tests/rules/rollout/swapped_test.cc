// Whoever names candidate and baseline the wrong way round has the healthy one judged.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/rollout/remembered_rollout.h"

namespace belay::rules {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const auto kSwapped = Contains(HasSubstr("are candidate and baseline swapped?"));
const char* const kWords = "beware: v1 was there before v4: are candidate and baseline swapped?";

struct World {
  explicit World(const Remembered& remembered = {})
      : rig(EngineRig::plan_of(
                {}, {make_rule("errors", "error rate > 5% over 10s, min 20 requests, for 5s",
                               "rollback")}),
            remembered) {}
  void split(int of_v1, int of_v4, Duration lasts, std::uint16_t status = 200) {
    rig.stream("v1", of_v1, {.version = "v1"});
    rig.stream("v4", of_v4, {.version = "v4", .status = status});
    rig.run(lasts);
  }
  void gate(const char* candidate, const char* baseline) {
    rig.push(RolloutStarted{.at = rig.now(),
                            .service = "shop",
                            .candidate = candidate,
                            .baseline = baseline,
                            .lasts = 30s});
    rig.run(1s);
  }
  [[nodiscard]] std::vector<std::string> told(
      Notice::Kind kind = Notice::Kind::rollout_started) const {
    return rig.notices_of(kind).back().details;
  }
  EngineRig rig;
};

TEST(Swapped, ACandidateThatWasThereBeforeItsBaselineIsToldOfAsItBeginsAndAsItPasses) {
  for (const Duration since : {Duration{5s}, Duration{15s}, Duration{3min}, Duration{15min}}) {
    SCOPED_TRACE(format_duration(since));
    World world;
    world.split(40, 0, 2min);
    world.split(32, 8, since, 500);
    world.gate("v1", "v4");
    EXPECT_THAT(world.told(), Contains(kWords));
    world.rig.run(40s);
    EXPECT_EQ(world.rig.service().rollout->state, RolloutState::promoted) << "a warning only";
    EXPECT_THAT(world.told(Notice::Kind::rollout_ended), Contains(kWords));
    World right;
    right.split(40, 0, 2min);
    right.split(32, 8, since);
    right.gate("v4", "v1");
    EXPECT_THAT(right.told(), Not(kSwapped));
    right.rig.run(40s);
    EXPECT_EQ(right.rig.service().rollout->state, RolloutState::promoted);
    EXPECT_THAT(right.told(Notice::Kind::rollout_ended), Not(kSwapped));
  }
}

TEST(Swapped, AnOldVersionThatIsPutForwardAgainIsNot) {
  for (const int stragglers : {0, 1})
    for (const Duration gone : {2min, 5min, 15min})
      for (const int percent : {10, 90}) {
        SCOPED_TRACE(format_duration(gone) + (stragglers > 0 ? ", stragglers" : ""));
        World world;
        world.split(40, 0, 2min);
        world.split(stragglers, 60, gone);
        world.split(percent, 100 - percent, 20s);
        world.gate("v1", "v4");
        EXPECT_THAT(world.told(), Not(kSwapped));
      }
}

TEST(Swapped, ABaselineThatIsSeldomAskedIsNotNewBecauseItsFirstRequestCameLater) {
  for (const bool is_seldom_asked : {true, false}) {
    World world;
    world.split(40, 0, 12s);
    world.split(40, is_seldom_asked ? 0 : 4, 10s);
    if (is_seldom_asked) world.rig.push(world.rig.request({.version = "v4"}, world.rig.now()));
    world.split(40, is_seldom_asked ? 0 : 4, 5s);
    world.gate("v1", "v4");
    EXPECT_EQ(testing::Value(world.told(), kSwapped), !is_seldom_asked);
  }
}

TEST(Swapped, ABaselineThatIsQuietForAWhileIsNotNew) {
  World world;
  world.split(10, 40, 1min);
  world.split(10, 0, 3min);
  world.split(10, 40, 20s);
  world.gate("v1", "v4");
  EXPECT_THAT(world.told(), Not(kSwapped));
}

TEST(Swapped, AVersionThatWasPromotedIsNoCandidateForWhatNobodyKnows) {
  for (const char* known : {"nothing", "v1", "both", "judged"}) {
    SCOPED_TRACE(known);
    Remembered remembered;
    if (known != std::string("nothing"))
      remembered.rollouts.push_back(
          rollout_of("v1", RolloutState::promoted, Outcome::pass, EngineRig::kStart - 2h));
    if (known == std::string("both"))
      remembered.rollouts.push_back(
          rollout_of("v4", RolloutState::promoted, Outcome::pass, EngineRig::kStart - 1h));
    for (RememberedRollout& one : remembered.rollouts)
      one.started.baseline = known == std::string("judged") ? "v4" : "v0";
    World world(remembered);
    world.split(32, 8, 20s);
    world.gate("v1", "v4");
    EXPECT_EQ(testing::Value(world.told(), kSwapped), known == std::string("v1"));
    World later(remembered);
    later.split(0, 40, 2min);
    later.split(32, 8, 12min);
    later.gate("v1", "v4");
    EXPECT_THAT(later.told(), Not(kSwapped)) << "by the traffic v4 was first";
    World less(remembered);
    less.split(8, 32, 20s);
    less.gate("v1", "v4");
    EXPECT_THAT(less.told(), Not(kSwapped)) << "it is put forward again";
  }
}

TEST(Swapped, ABaselineOfWhichNothingWasSeenIsToldOfInstead) {
  World world;
  world.split(2, 40, 1min);
  world.gate("v4", "v1");
  world.rig.push(OperatorCommand{.kind = OperatorCommand::Kind::promote,
                                 .at = world.rig.now(),
                                 .rollout = world.rig.service().rollout->id});
  world.rig.run(1min);
  world.gate("v4", "vv1");
  EXPECT_THAT(world.told(), Contains(HasSubstr("beware: Belay has seen nothing of vv1")));
  EXPECT_THAT(world.told(), Contains(HasSubstr("did you mean v1?")));
  EXPECT_THAT(world.told(), Not(kSwapped));
  world.rig.run(40s);
  EXPECT_EQ(world.rig.service().rollout->state, RolloutState::promoted);
  EXPECT_THAT(world.told(Notice::Kind::rollout_ended), Not(kSwapped));
}

TEST(Swapped, NothingIsSaidOfABaselineThatNobodyNamed) {
  World world;
  world.split(40, 0, 2min);
  world.split(32, 8, 20s);
  world.gate("v1", "");
  EXPECT_THAT(world.told(), Not(kSwapped));
}

}  // namespace
}  // namespace belay::rules
