// A platform that refuses an order, or to be read: for good, or for a moment.

#include <optional>
#include <string>

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

class AttemptRefusedTest : public test::AttemptFixture {};

TEST_F(AttemptRefusedTest, ARefusalIsFinalAfterTenSeconds) {
  platform_.script_.assign(1000, Behaviour::refused);
  const Story story = live();
  EXPECT_EQ(story.end(), Phase::rejected);
  EXPECT_EQ(story.told.back().detail, "secrets changed");
  EXPECT_EQ(story.told.back().by_hand, "by hand");
  EXPECT_GE(story.took, 10s);
  EXPECT_LE(story.took, 12s);
  EXPECT_LE(platform_.applies(), 8);
}

TEST_F(AttemptRefusedTest, ARefusalOfAMomentLosesNoRollback) {
  platform_.script_ = {Behaviour::refused, Behaviour::refused};
  EXPECT_EQ(live().end(), Phase::applied);
  EXPECT_EQ(platform_.applies(), 3);
  EXPECT_EQ(platform_.deployments_of(order_.intent), 1);
}

TEST_F(AttemptRefusedTest, RefusalsCountInARow) {
  for (const Behaviour between :
       {Behaviour::not_applied_and_500, Behaviour::throttled, Behaviour::unreachable}) {
    FakePlatform other(clock_);
    other.script_ = {Behaviour::refused, between, Behaviour::refused, Behaviour::refused};
    EXPECT_EQ(test::live(other, clock_, order_, options_).end(), Phase::applied);
    EXPECT_EQ(other.deployments_of(order_.intent), 1);
  }
}

TEST_F(AttemptRefusedTest, AfterAnOutageARefusalIsAskedAgainSoon) {
  platform_.script_.assign(8, Behaviour::unreachable);
  platform_.script_.resize(10, Behaviour::refused);
  const Instant began = clock_.now();
  std::optional<Instant> refused;
  platform_.on_apply_ = [&] {
    if (platform_.applies() == 9) refused = clock_.now();
  };
  EXPECT_EQ(live().end(), Phase::applied);
  ASSERT_TRUE(refused);
  EXPECT_GT(*refused - began, 30s) << "the retries have become rare by then";
  EXPECT_LT(clock_.now() - *refused, 5s);
}

TEST_F(AttemptRefusedTest, WhatWasRefusedAndIsRecalledIsSaidToHaveBeenSent) {
  platform_.script_ = {Behaviour::refused};
  std::optional<std::string> recalled;
  Attempt attempt(
      order_, platform_, clock_, options_, [] { return 0.5; }, false, [&] { return recalled; });
  EXPECT_FALSE(attempt.step({}));
  recalled = "disarmed";
  attempt.hasten();
  const auto outcome = attempt.step({});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->phase, Phase::rejected);
  EXPECT_EQ(outcome->detail, "secrets changed; recalled, and not sent again: disarmed");
  EXPECT_EQ(platform_.applies(), 1);
}

TEST_F(AttemptRefusedTest, ARefusalOfWhatShowsNoIdIsFinalAtOnce) {
  for (const Trace trace : {Trace::effect, Trace::none}) {
    FakePlatform other(clock_);
    other.trace_ = trace;
    other.script_ = {Behaviour::refused};
    EXPECT_EQ(test::live(other, clock_, order_, options_).end(), Phase::rejected);
    EXPECT_EQ(other.applies(), 1);
  }
}

TEST_F(AttemptRefusedTest, ATokenThatMayNotEvenReadIsRejectedAfterTenSeconds) {
  platform_.read_script_.assign(1000, ReadBehaviour::refused);
  const Story story = live();
  EXPECT_EQ(story.end(), Phase::rejected);
  EXPECT_GE(story.took, 10s);
  EXPECT_LE(story.took, 11s);
  EXPECT_EQ(platform_.applies(), 0);
}

TEST_F(AttemptRefusedTest, ReadsThatAreRefusedForSecondsKeepNothingFromBeingDone) {
  platform_.read_script_.assign(4, ReadBehaviour::refused);
  EXPECT_EQ(live().end(), Phase::applied);
  FakePlatform other(clock_);
  other.read_script_.assign(1000, ReadBehaviour::refused);
  for (std::size_t at = 0; at < 1000; at += 2) other.read_script_[at] = ReadBehaviour::unreachable;
  const Story story = test::live(other, clock_, order_, options_);
  EXPECT_GE(story.took, options_.give_up_after) << "never in a row";
}

}  // namespace
}  // namespace belay::monitor
