// What of an order shows only its effect: a command with a `verify`, a flag.

#include <gtest/gtest.h>

#include "monitor/attempt.h"
#include "tests/monitor/acting/fake_platform.h"
#include "tests/monitor/acting/story.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using test::Behaviour;
using test::FakePlatform;
using test::ReadBehaviour;
using test::Story;
using Phase = rules::ActionOutcome::Phase;

class AttemptEffectTest : public test::AttemptFixture {
 protected:
  AttemptEffectTest() { platform_.trace_ = Trace::effect; }
};

TEST_F(AttemptEffectTest, WhereNobodyCanLookForTenMinutesNothingWasSent) {
  platform_.read_script_.assign(1000, ReadBehaviour::unreachable);
  const Story story = live();
  EXPECT_EQ(story.end(), Phase::rejected);
  EXPECT_EQ(story.told.back().detail.rfind("nothing was sent: no route; by hand: ", 0), 0U)
      << story.told.back().detail;
  EXPECT_GE(story.took, options_.give_up_after);
  EXPECT_EQ(platform_.applies(), 0);
}

TEST_F(AttemptEffectTest, WhatIsRecalledIsLookedForNoMoreOftenThanElse) {
  for (const Trace trace : {Trace::effect, Trace::id}) {
    FakePlatform platform{clock_};
    platform.trace_ = trace;
    platform.script_ = {Behaviour::accepted_in_vain};
    platform.read_script_.assign(1000, ReadBehaviour::unreachable);
    platform.read_script_[0] = ReadBehaviour::clean;
    platform.read_script_[1] = ReadBehaviour::clean;
    bool is_recalled = false;
    const auto recalled = [&]() -> std::optional<std::string> {
      return is_recalled ? std::optional<std::string>("v3 has taken its place") : std::nullopt;
    };
    Attempt attempt(
        order_, platform, clock_, options_, [] { return 0.5; }, false, recalled);
    const Instant began = clock_.now();
    EXPECT_FALSE(attempt.step({}));
    is_recalled = true;
    int steps = 0;
    while (!attempt.is_over() && clock_.now() - began < 75s && steps < 1000) {
      attempt.hasten();
      clock_.advance_to(attempt.due());
      static_cast<void>(attempt.step({}));
      ++steps;
    }
    EXPECT_LT(steps, 20);
  }
}

TEST_F(AttemptEffectTest, WhatShowsOnlyItsEffectIsDoneOnceSomebodyCanLook) {
  platform_.read_script_.assign(4, ReadBehaviour::unreachable);
  EXPECT_EQ(live().end(), Phase::applied);
  EXPECT_EQ(platform_.applies(), 1);
}

TEST_F(AttemptEffectTest, WhatMayHaveBeenSentBeforeTheRestartIsWaitedForWhereNobodyCanLook) {
  platform_.read_script_.assign(1000, ReadBehaviour::unreachable);
  const Story story = test::live(platform_, clock_, order_, options_, /*resumed=*/true);
  EXPECT_EQ(story.end(), Phase::abandoned);
  EXPECT_GE(story.took, options_.give_up_after);
}

TEST_F(AttemptEffectTest, WhatIsAcceptedInVainIsSentOnceAndGivenUpAMinuteLater) {
  platform_.script_ = {Behaviour::accepted_in_vain};
  const Story story = live();
  EXPECT_EQ(story.end(), Phase::abandoned) << "it may come all the same";
  EXPECT_NE(story.told.back().detail.find("accepted, and is not done 1m later: bad is live"),
            std::string::npos)
      << story.told.back().detail;
  EXPECT_EQ(story.told.front().phase, Phase::unknown) << "people hear of it before";
  EXPECT_GE(story.took, options_.shown_within);
  EXPECT_LE(story.took, options_.shown_within + 2s);
  EXPECT_EQ(platform_.applies(), 1);
}

TEST_F(AttemptEffectTest, WhatIsAcceptedIsNotDoneOnlyWhenTwoLooksSaySo) {
  platform_.script_ = {Behaviour::accepted_in_vain};
  platform_.read_script_.assign(9, ReadBehaviour::unreachable);  // More than a minute of it.
  platform_.read_script_[0] = ReadBehaviour::clean;
  std::optional<Instant> sent;
  platform_.on_apply_ = [&] { sent = clock_.now(); };
  const Story story = live();
  EXPECT_EQ(story.end(), Phase::abandoned);
  ASSERT_TRUE(sent);
  EXPECT_GT(story.told.back().at - *sent, options_.shown_within + options_.settle);
}

TEST_F(AttemptEffectTest, WhatAPlatformWithIdsAcceptedIsWaitedFor) {
  platform_.trace_ = Trace::id;
  platform_.script_ = {Behaviour::accepted_in_vain};
  EXPECT_EQ(live().end(), Phase::abandoned);
  EXPECT_EQ(platform_.applies(), 1);
}

TEST_F(AttemptEffectTest, WhatIsRecalledAfterItWasAcceptedInVainIsWaitedForOnlyUntilItHasSettled) {
  platform_.script_ = {Behaviour::accepted_in_vain};
  Instant recalled_at = Instant::max();
  const auto recalled = [&]() -> std::optional<std::string> {
    if (clock_.now() < recalled_at) return std::nullopt;
    return "v3 has taken its place";
  };
  Attempt attempt(
      order_, platform_, clock_, options_, [] { return 0.5; }, false, recalled);
  const Instant began = clock_.now();
  EXPECT_FALSE(attempt.step({}));
  recalled_at = clock_.now();
  attempt.hasten();
  std::optional<rules::ActionOutcome> outcome;
  while (!attempt.is_over()) {
    clock_.advance_to(attempt.due());
    if (auto told = attempt.step({})) outcome = told;
  }
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->phase, Phase::abandoned);
  EXPECT_NE(outcome->detail.find("v3 has taken its place"), std::string::npos) << outcome->detail;
  EXPECT_GE(outcome->at - began, options_.settle);
  EXPECT_LE(outcome->at - began, options_.settle + 2s);
  EXPECT_EQ(platform_.applies(), 1);
}

}  // namespace
}  // namespace belay::monitor
