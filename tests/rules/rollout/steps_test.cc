#include "rules/rollout/steps.h"

#include <chrono>

#include <gtest/gtest.h>

namespace belay::rules {
namespace {

using namespace std::chrono_literals;

std::string fault_of(std::string_view text) {
  const auto steps = parse_steps(text);
  return steps ? "fine" : steps.error().message;
}

TEST(Steps, ThePlanOfTheDesignIsReadAsItStands) {
  const auto steps = parse_steps("10% for 10m, 50% for 10m, 95% for 10m, 100%");
  ASSERT_TRUE(steps);
  EXPECT_EQ(*steps, default_steps());
  ASSERT_EQ(steps->size(), 4U);
  EXPECT_EQ(steps->front().bake_max, 30min);
  EXPECT_EQ(steps->front().samples_min, 50U);
  EXPECT_EQ(steps->back().bake, 0min);
}

TEST(Steps, AStepNamesItsHardMaximumAndItsEvidence) {
  const auto steps = parse_steps("2.5% for 90s max 1h min 200 requests, 100% for 1m");
  ASSERT_TRUE(steps) << steps.error().message;
  EXPECT_EQ(steps->front(),
            (RolloutStep{.percent = 2.5, .bake = 90s, .bake_max = 1h, .samples_min = 200}));
}

TEST(Steps, WhatIsWrittenIsReadBackTheSame) {
  for (const char* text :
       {"10% for 10m, 50% for 10m, 95% for 10m, 100%", "100% for 10m max 10m min 0",
        "10% for 10m, 100% after approval", "2.5% for 1m30s max 1h min 200, 100% for 1m",
        "10% for 10m, 10% for 1h, 100%"}) {
    const auto steps = parse_steps(text);
    ASSERT_TRUE(steps) << steps.error().message;
    EXPECT_EQ(steps_text(*steps), text);
  }
}

TEST(Steps, AWrongPlanIsRefusedAndItsStepNamed) {
  const std::pair<const char*, const char*> wrong[] = {
      {"", "step 1: there is nothing"},
      {"10% for 10m,", "step 2: there is nothing"},
      {"10 for 10m", "step 1: `10` is no share"},
      {"0% for 10m", "step 1: `0%` is no share"},
      {"101% for 10m", "step 1: `101%` is no share"},
      {"-1% for 10m", "step 1: `-1%` is no share"},
      {"nan% for 10m", "step 1: `nan%` is no share"},
      {"10% for ever", "`ever` is no time"},
      {"10% for 0s", "`0s` is no time"},
      {"10% for 31d", "`31d` is no time"},
      {"10% for", "`for` of what?"},
      {"10% until 10m", "`until` is unknown"},
      {"10% for 10m after lunch", "`lunch` is unknown"},
      {"10% for 10m min -1", "`-1` is no number of requests"},
      {"10% for 10m max 5m", "its `max` is shorter"},
      {"10%, 100%", "step 1: only the last step may do without a bake time"},
      {"100%", "step 1: a plan of one step needs a bake time"},
      {"50% for 10m, 10% for 10m", "step 2: its share is below"},
  };
  for (const auto& [text, said] : wrong)
    EXPECT_NE(fault_of(text).find(said), std::string::npos) << text << " -> " << fault_of(text);
}

TEST(Steps, TheDefaultKeepsFivePercentBackInItsLastBakingStep) {
  const std::vector<RolloutStep> steps = default_steps();
  ASSERT_GE(steps.size(), 2U);
  EXPECT_EQ(steps[steps.size() - 2].percent, 95);
  EXPECT_GT(steps[steps.size() - 2].bake, 0s);
  EXPECT_EQ(steps.back(), (RolloutStep{.percent = 100}));
  EXPECT_EQ(shortest_bake(steps), 10min);
}

}  // namespace
}  // namespace belay::rules
