// What Belay has found of a version decides whether there is a way back to it.

#include "rules/rollout/version_history.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/rollout/remembered_rollout.h"

namespace belay::rules {
namespace {

constexpr Instant kAt = EngineRig::kStart;

std::string good_of(const VersionHistory& known, Instant now) {
  const std::optional<VersionHistory::Good> good = known.last_good(now);
  return good ? good->version : "";
}

TEST(VersionHistory, AFailIsHeldAgainstAVersionUntilItPassesOrADayIsOver) {
  VersionHistory known;
  known.promoted("v1", kAt);
  known.promoted("v2", kAt + 1min);
  EXPECT_EQ(good_of(known, kAt + 2min), "v2");
  known.failed("v2", kAt + 2min);
  EXPECT_EQ(known.failure_of("v2", kAt + 3min), "v2 failed at " + format_utc(kAt + 2min));
  EXPECT_EQ(good_of(known, kAt + 3min), "v1");
  EXPECT_EQ(known.failure_of("v2", kAt + 25h), std::nullopt);
  known.put_back("v2", kAt + 4min);
  EXPECT_EQ(good_of(known, kAt + 5min), "v1") << "it was put back by somebody who named it";
  known.recovered("v2", kAt + 5min);
  EXPECT_EQ(good_of(known, kAt + 6min), "v2");
  known.left_bad("v2", kAt + 6min);
  EXPECT_EQ(known.failure_of("v2", kAt + 6min), "v2 was bad at " + format_utc(kAt + 6min));
  known.promoted("v2", kAt + 7min);
  EXPECT_EQ(good_of(known, kAt + 8min), "v2");
  known.withdraw("v2");
  EXPECT_EQ(good_of(known, kAt + 8min), "v1");
}

TEST(VersionHistory, WhatTurnedBadAfterItsPromotionIsHeldAgainstItUntilItHasBeenFineForLong) {
  VersionHistory known;
  known.promoted("v1", kAt);
  known.promoted("v2", kAt + 1min);
  EXPECT_FALSE(known.is_suspect());
  known.served_badly("v2", kAt + 2min);
  EXPECT_TRUE(known.is_suspect());
  EXPECT_EQ(known.promoted_last(), "v2");
  EXPECT_EQ(good_of(known, kAt + 3min), "v1");
  Instant now = kAt + 3min;
  const auto look = [&](Truth truth, bool has_traffic, Duration span) {
    for (const Instant until = now + span; now < until; now += 1s)
      known.look(truth, has_traffic, now);
  };
  look(Truth::fine, true, 9min);
  look(Truth::bad, true, 1s);
  EXPECT_EQ(known.failure_of("v2", now), "v2 was bad at " + format_utc(now - 1s));
  look(Truth::fine, true, 9min);
  look(Truth::fine, false, 1s);
  look(Truth::fine, true, 9min);
  EXPECT_EQ(good_of(known, now), "v1") << "others were fine meanwhile";
  look(Truth::unknown, true, 10min);
  EXPECT_EQ(good_of(known, now), "v1") << "nobody says that it is fine";
  look(Truth::fine, true, 1s);
  EXPECT_EQ(good_of(known, now), "v2");
  known.served_badly("v2", now);
  known.put_back("v1", now);
  EXPECT_EQ(known.promoted_last(), "");
  EXPECT_FALSE(known.is_suspect());
  EXPECT_TRUE(known.failure_of("v2", now));
}

TEST(VersionHistory, IsBuiltAgainFromTheJournalInTheOrderOfTime) {
  Remembered remembered;
  remembered.last_good = {{"shop", "v0"}};
  remembered.rollouts = {rollout_of("v2", RolloutState::failed, Outcome::fail, kAt),
                         rollout_of("v3", RolloutState::superseded, Outcome::unknown, kAt + 1min),
                         rollout_of("v4", RolloutState::superseded, Outcome::unknown, kAt + 2min),
                         rollout_of("v5", RolloutState::failed, Outcome::fail, kAt + 3min),
                         rollout_of("v6", RolloutState::promoted, Outcome::pass, kAt + 6min),
                         rollout_of("v7", RolloutState::failed, Outcome::fail, kAt + 7min),
                         rollout_of("v5", RolloutState::promoted, Outcome::pass, kAt + 5min)};
  remembered.rollouts[2].failing_since = kAt + 1min;
  remembered.rollouts[5].rule = "train";
  const VersionHistory known(remembered, "shop");
  const Instant now = kAt + 10min;
  EXPECT_TRUE(known.failure_of("v2", now));
  EXPECT_FALSE(known.failure_of("v3", now)) << "nothing was bad about it";
  EXPECT_TRUE(known.failure_of("v4", now));
  EXPECT_FALSE(known.failure_of("v5", now)) << "it passed since";
  EXPECT_FALSE(known.failure_of("v7", now)) << "its train failed";
  EXPECT_EQ(good_of(known, now), "v6");
  EXPECT_EQ(good_of(VersionHistory(remembered, "cart"), now), "");
  remembered.rollouts[4].failing_since = kAt + 8min;
  EXPECT_EQ(good_of(VersionHistory(remembered, "shop"), now), "v5") << "v6 was bad since";
  remembered.rollouts.clear();
  EXPECT_EQ(good_of(VersionHistory(remembered, "shop"), now), "v0");
  remembered.actions = {{.at = kAt, .service = "shop", .intent = "i", .target = "v1"}};
  for (const auto phase : {ActionOutcome::Phase::rejected, ActionOutcome::Phase::applied}) {
    remembered.actions[0].phase = phase;
    EXPECT_EQ(good_of(VersionHistory(remembered, "shop"), now),
              phase == ActionOutcome::Phase::applied ? "v1" : "v0");
  }
}

}  // namespace
}  // namespace belay::rules
