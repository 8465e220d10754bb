// Goal: whatever happens between, an order is carried out at most once, and what is told of it is
// true. Method: all scripts of a few calls, with a kill at each.

#include <cstdio>

#include <gtest/gtest.h>

#include "monitor/attempt.h"
#include "tests/monitor/acting/fake_platform.h"
#include "tests/monitor/acting/story.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using test::Behaviour;
using test::FakePlatform;
using test::ManualClock;
using test::ReadBehaviour;
using test::Story;
using Phase = rules::ActionOutcome::Phase;

constexpr Behaviour kEvery[] = {Behaviour::clean,
                                Behaviour::applied_then_dropped,
                                Behaviour::applied_then_500,
                                Behaviour::not_applied_and_500,
                                Behaviour::slow,
                                Behaviour::throttled,
                                Behaviour::unreachable,
                                Behaviour::refused,
                                Behaviour::human_first};
constexpr ReadBehaviour kEveryRead[] = {ReadBehaviour::clean, ReadBehaviour::unreachable,
                                        ReadBehaviour::throttled, ReadBehaviour::refused,
                                        ReadBehaviour::human_before};

/// All scripts of three orders and three reads, killed at each call or not at all.
template <typename Check>
int explore(const ActorOptions& options, Trace trace, Check&& check) {
  int runs = 0;
  for (const Behaviour first : kEvery) {
    for (const Behaviour second : kEvery) {
      for (const ReadBehaviour one : kEveryRead) {
        for (const ReadBehaviour two : kEveryRead) {
          for (const ReadBehaviour three : kEveryRead) {
            for (int kill = 0; kill <= 6; ++kill) {
              ManualClock clock;
              FakePlatform platform(clock);
              platform.trace_ = trace;
              platform.script_ = {first, second};
              platform.read_script_ = {one, two, three};
              if (kill > 0) platform.killed_at_call_ = kill;
              const rules::Order order = test::fake_order(1, clock);
              const Story story = live(platform, clock, order, options);
              check(platform, order, story);
              ++runs;
            }
          }
        }
      }
    }
  }
  return runs;
}

TEST(AttemptExplorationTest, AppliesAtMostOnceAndTellsTheTruthInEveryInterleaving) {
  const int runs = explore(
      {}, Trace::id, [](FakePlatform& platform, const rules::Order& order, const Story& story) {
        const int ours = platform.deployments_of(order.intent);
        ASSERT_LE(ours, 1);
        ASSERT_TRUE(rules::is_final(story.end()));
        ASSERT_LE(story.told.size(), static_cast<std::size_t>(story.lives) + 1);
        ASSERT_TRUE(story.end() != Phase::applied || ours == 1);
        const bool not_ours = story.end() == Phase::rejected || story.end() == Phase::already;
        ASSERT_TRUE(!not_ours || ours == 0);
        const bool human = platform.live_version() == "newer";
        ASSERT_TRUE(story.end() != Phase::superseded || human || ours == 1);
        // Nothing hides: the platform healed, so the order is through unless someone said no.
        if (story.end() == Phase::abandoned) FAIL() << story.told.back().detail;
        ASSERT_LE(story.took, 11min);
      });
  std::printf("%d interleavings\n", runs);
}

TEST(AttemptExplorationTest, TheExplorationFindsTheDuplicatesOfAnActorThatDoesNotWait) {
  ActorOptions hasty;
  hasty.settle = 0s;
  int duplicates = 0;
  explore(hasty, Trace::id, [&](FakePlatform& platform, const rules::Order& order, const Story&) {
    if (platform.deployments_of(order.intent) > 1) ++duplicates;
  });
  EXPECT_GT(duplicates, 0);
}

TEST(AttemptExplorationTest, WhatLeavesNoTraceIsNeverTriedAgainOnceItMayHaveRun) {
  explore(
      {}, Trace::none, [](FakePlatform& platform, const rules::Order& order, const Story& story) {
        ASSERT_LE(platform.deployments_of(order.intent), 1);
        ASSERT_TRUE(story.end() != Phase::applied || platform.deployments_of(order.intent) == 1);
        ASSERT_TRUE(rules::is_final(story.end()));
      });
}

TEST(AttemptExplorationTest, WhatShowsOnlyItsEffectNeverOverwritesSomeoneElses) {
  explore({}, Trace::effect,
          [](FakePlatform& platform, const rules::Order& order, const Story& story) {
            ASSERT_TRUE(rules::is_final(story.end()));
            ASSERT_TRUE(story.end() != Phase::applied || platform.live_version() == "good");
            ASSERT_LE(platform.deployments_of(order.intent), 1);
          });
}

}  // namespace
}  // namespace belay::monitor
