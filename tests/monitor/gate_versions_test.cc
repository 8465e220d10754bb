#include "monitor/gate_versions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace belay::monitor {
namespace {

using rules::RolloutState;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> asked_in(RolloutState state, const char* done) {
  rules::ServiceStatus shop;
  shop.name = "shop";
  shop.rollout.emplace();
  shop.rollout->state = state;
  shop.rollout->candidate = "v2";
  shop.rollout->baseline = "v1";
  if (*done != '\0') {
    shop.rollout->intents = {"an older one", "the last one"};
    shop.actions = {{.intent = "an older one", .kind = "run"},
                    {.intent = "the last one", .kind = done}};
  }
  rules::Snapshot snapshot;
  snapshot.services = {shop};
  GateVersions versions;
  versions.publish(snapshot);
  EXPECT_THAT(versions.of("pier"), IsEmpty());
  return versions.of("shop");
}

TEST(GateVersions, AreTheTwoThatAreJudged) {
  for (const RolloutState state : {RolloutState::baking, RolloutState::held})
    EXPECT_THAT(asked_in(state, ""), ElementsAre("v2", "v1"));
  EXPECT_THAT(asked_in(RolloutState::promoted, ""), IsEmpty());
}

TEST(GateVersions, AreAskedOnWhileWhatIsDoneLeavesTheCandidateItsTraffic) {
  for (const RolloutState state : {RolloutState::rolling_back, RolloutState::verifying}) {
    EXPECT_THAT(asked_in(state, "reset_flag"), ElementsAre("v2", "v1"));
    EXPECT_THAT(asked_in(state, "rollback"), IsEmpty());
    EXPECT_THAT(asked_in(state, ""), IsEmpty());
  }
  EXPECT_THAT(asked_in(RolloutState::recovered, "reset_flag"), IsEmpty());
}

}  // namespace
}  // namespace belay::monitor
