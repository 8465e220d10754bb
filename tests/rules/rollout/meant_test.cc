// A baseline that was named and that nobody has ever seen, beside a version of nearly its name.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/rollout/default_rollout.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;

struct Named {
  const char* baseline;
  int of_v1 = 40;  ///< Requests a second; v2 has ten, and fails them.
  bool is_probed = false;
  std::vector<Deployment::Share> live = {};
  bool by_hand = false;
};

using Targets = std::vector<std::string>;

/// v2 fails over it; the targets of what is ordered, and what is told of an action that is not.
Targets targets(const Named& named, std::string* not_acted = nullptr) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  rig.run(20s);
  rig.stream("v1", named.of_v1, {.version = "v1"});
  rig.run(61s);
  if (named.is_probed)
    rig.push(Probe{.source = EngineRig::kProbe,
                   .version = rig.text(EngineRig::kProbe, named.baseline),
                   .at = rig.now()});
  if (!named.live.empty())
    rig.push(Deployment{.service = "shop", .at = rig.now(), .id = "d", .versions = named.live});
  RolloutStarted started = gate(rig.now());
  started.baseline = named.baseline;
  rig.push(started);
  rig.run(1s);
  if (named.by_hand)
    rig.push(OperatorCommand{
        .kind = OperatorCommand::Kind::rollback, .at = rig.now(), .rollout = kId, .by = "ann"});
  rig.stream("v2", 10, {.version = "v2", .status = 500});
  rig.run(1min);
  if (not_acted != nullptr) {
    EXPECT_EQ(rollout(rig).state, RolloutState::failed);
    for (const Notice& notice : rig.notices_of(Notice::Kind::not_acted))
      *not_acted += notice.headline;
  }
  Targets found;
  for (const Order& order : rig.orders) found.push_back(std::get<RollBack>(order.action).target);
  return found;
}

TEST(MeantBaseline, NothingIsRolledBackToATypo) {
  std::string told;
  EXPECT_EQ(targets({.baseline = "vv1"}, &told), Targets{});
  EXPECT_THAT(told, HasSubstr("nobody has ever seen vv1, while v1 serves"));
}

TEST(MeantBaseline, OneWithoutTrafficIsGoneBackTo) {
  EXPECT_EQ(targets({.baseline = "v1"}), Targets{"v1"});
  EXPECT_EQ(targets({.baseline = "v1", .of_v1 = 0}), Targets{"v1"}) << "seen before";
  EXPECT_EQ(targets({.baseline = "vv1", .of_v1 = 1}), Targets{"vv1"}) << "it hardly serves";
  EXPECT_EQ(targets({.baseline = "green"}), Targets{"green"}) << "v1 may be a label";
  EXPECT_EQ(targets({.baseline = "vv1", .is_probed = true}), Targets{"vv1"});
  EXPECT_EQ(targets({.baseline = "vv1", .live = {{"v1", 80}, {"v2", 20}}}), Targets{"vv1"})
      << "the platform refuses what it does not know";
  EXPECT_EQ(targets({.baseline = "vv1", .by_hand = true}), Targets{"vv1"});
}

}  // namespace
}  // namespace belay::rules
