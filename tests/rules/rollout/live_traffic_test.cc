// What a reading of the platform means for the rollout that runs, which may be older than the one
// before it.

#include "rules/rollout/live_traffic.h"

#include <chrono>
#include <set>

#include <gtest/gtest.h>

namespace belay::rules {
namespace {

using namespace std::chrono_literals;

constexpr Instant kBegan{1'700'000'000s};

Deployment reading(std::vector<Deployment::Share> versions) {
  return {.service = "shop", .at = kBegan, .id = "d", .versions = std::move(versions)};
}

/// A rollout from v1 to v2, read every five seconds.
class LiveTrafficTest : public testing::Test {
 protected:
  LiveTrafficTest() {
    traffic_.read(reading({{"v1", 100}}));
    traffic_.begin_rollout(false);
  }

  std::optional<std::string> read(std::vector<Deployment::Share> versions) {
    now_ += 5s;
    const auto was_rolled_away = [this](const std::string& version) {
      return rolled_away_.contains(version);
    };
    found_ = traffic_.read(reading(std::move(versions)), wanted_, was_rolled_away, now_);
    return found_.taken_over;
  }

  LiveTraffic traffic_;
  LiveTraffic::Wanted wanted_{.candidate = "v2", .baseline = "v1", .percent = std::nullopt};
  LiveTraffic::Finding found_;
  std::set<std::string> rolled_away_;
  Instant now_ = kBegan;
};

TEST_F(LiveTrafficTest, WhatItShowsIsWhoHasWhat) {
  EXPECT_EQ(LiveTraffic().percent_of("v1"), std::nullopt);
  EXPECT_EQ(read({{"v1", 90}, {"v2", 10}}), std::nullopt);
  EXPECT_EQ(traffic_.percent_of("v2"), 10);
  EXPECT_EQ(traffic_.percent_of("v3"), 0);
}

TEST_F(LiveTrafficTest, ACandidateThatHasGoneForTenSecondsWasTakenOut) {
  EXPECT_EQ(read({{"v1", 100}}), std::nullopt) << "it has not come yet";
  EXPECT_EQ(read({{"v1", 90}, {"v2", 10}}), std::nullopt);
  EXPECT_EQ(read({{"v1", 100}}), std::nullopt) << "this may be the reading of before";
  EXPECT_EQ(read({{"v1", 90}, {"v2", 10}}), std::nullopt);
  EXPECT_EQ(read({{"v1", 100}}), std::nullopt);
  EXPECT_EQ(read({{"v1", 100}}), std::nullopt);
  EXPECT_EQ(read({{"v1", 100}}), "someone took v2 out");
}

TEST_F(LiveTrafficTest, OneThatSurelyHadTrafficWhenTheRolloutBeganCanGoAtOnce) {
  for (const bool is_live : {true, false}) {
    SCOPED_TRACE(is_live);
    traffic_.begin_rollout(is_live);
    EXPECT_EQ(read({{"v1", 100}}), std::nullopt);
    EXPECT_EQ(read({{"v1", 100}}), std::nullopt);
    EXPECT_EQ(read({{"v1", 100}}).has_value(), is_live);
  }
}

TEST_F(LiveTrafficTest, AfterAMoveOfOurOwnItHasNotGoneBeforeItIsSeenAgain) {
  read({{"v1", 90}, {"v2", 10}});
  traffic_.moved();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(read({{"v1", 100}}), std::nullopt);
}

TEST_F(LiveTrafficTest, AStrangerTakesOverAtOnce) {
  EXPECT_EQ(read({{"v9", 100}}), "someone deployed v9");
  EXPECT_FALSE(found_.is_doubted);
  EXPECT_EQ(traffic_.percent_of("v9"), 100);
}

TEST_F(LiveTrafficTest, OneThatWasRolledAwayIsBelievedAfterTenSeconds) {
  rolled_away_ = {"v9"};
  read({{"v1", 90}, {"v2", 10}});
  EXPECT_EQ(read({{"v9", 100}}), std::nullopt);
  EXPECT_TRUE(found_.is_doubted);
  EXPECT_EQ(traffic_.percent_of("v2"), 10) << "what is doubted is not followed";
  EXPECT_EQ(read({{"v1", 90}, {"v2", 10}}), std::nullopt);
  EXPECT_FALSE(found_.is_doubted);
  EXPECT_EQ(read({{"v9", 90}, {"v2", 10}}), std::nullopt);
  EXPECT_EQ(read({{"v9", 90}, {"v2", 10}}), std::nullopt);
  EXPECT_EQ(read({{"v9", 90}, {"v2", 10}}), "someone deployed v9");
}

TEST_F(LiveTrafficTest, WhoeverWasThereWhenItBeganIsNoStranger) {
  traffic_.read(reading({{"v1", 60}, {"v0", 40}}));
  traffic_.begin_rollout(false);
  EXPECT_EQ(read({{"v1", 50}, {"v0", 40}, {"v2", 10}}), std::nullopt);
}

TEST_F(LiveTrafficTest, AfterARestartTheFirstReadingKnowsNoStrangers) {
  traffic_ = {};
  EXPECT_EQ(read({{"v1", 50}, {"v0", 40}, {"v2", 10}}), std::nullopt);
  EXPECT_EQ(read({{"v1", 50}, {"v0", 40}, {"v2", 10}}), std::nullopt);
  EXPECT_EQ(read({{"v9", 100}}), "someone deployed v9");
}

TEST_F(LiveTrafficTest, AfterARestartThoseOfTheBeginningAreRemembered) {
  traffic_ = {};
  traffic_.go_on_with_rollout({.deployment = "d", .shares = {}, .at_start = {"v1", "v0"}});
  EXPECT_EQ(read({{"v1", 50}, {"v0", 40}, {"v2", 10}}), std::nullopt);
  EXPECT_EQ(read({{"v9", 100}}), "someone deployed v9");
}

TEST_F(LiveTrafficTest, AfterARestartACandidateThatWasLiveBeforeItMayHaveGone) {
  for (const bool was_live : {true, false}) {
    SCOPED_TRACE(was_live);
    traffic_ = {};
    traffic_.go_on_with_rollout(
        {.deployment = "d", .shares = {}, .at_start = {"v1"}, .was_live = was_live});
    EXPECT_EQ(read({{"v1", 100}}), std::nullopt);
    EXPECT_EQ(read({{"v1", 100}}), std::nullopt);
    EXPECT_EQ(read({{"v1", 100}}).has_value(), was_live);
  }
}

TEST_F(LiveTrafficTest, WhoeverHadNothingWhenItBeganIsAStranger) {
  traffic_.read(reading({{"v1", 100}, {"v0", 0}}));
  traffic_.begin_rollout(false);
  EXPECT_EQ(read({{"v1", 50}, {"v0", 50}}), "someone deployed v0");
}

TEST_F(LiveTrafficTest, ASplitThatNobodyOrderedIsSomebodyElsesAfterHalfAMinute) {
  wanted_.percent = 10;
  EXPECT_EQ(read({{"v1", 89.6}, {"v2", 10.4}}), std::nullopt);
  EXPECT_TRUE(traffic_.is_as_given()) << "platforms round";
  for (int i = 0; i < 6; ++i) EXPECT_EQ(read({{"v1", 50}, {"v2", 50}}), std::nullopt);
  EXPECT_FALSE(traffic_.is_as_given());
  EXPECT_EQ(read({{"v1", 50}, {"v2", 50}}), "someone else moved the traffic of v2 to 50%");
}

TEST_F(LiveTrafficTest, WhoeverElseMovesItMayMoveIt) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(read({{"v1", 50}, {"v2", 50}}), std::nullopt);
  EXPECT_TRUE(traffic_.is_as_given());
}

}  // namespace
}  // namespace belay::rules
