#include "monitor/attempt.h"

#include <memory>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/monitor/acting/fake_platform.h"
#include "tests/monitor/acting/story.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using test::Behaviour;
using test::FakePlatform;
using test::ReadBehaviour;
using test::Story;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Phase = rules::ActionOutcome::Phase;

class AttemptTest : public test::AttemptFixture {};

TEST_F(AttemptTest, ACleanOrderIsReadAppliedAndReadBack) {
  const Story story = live();
  ASSERT_EQ(story.told.size(), 1U);
  EXPECT_EQ(story.end(), Phase::applied);
  EXPECT_EQ(story.told[0].intent, order_.intent);
  EXPECT_EQ(platform_.reads(), 2);
  EXPECT_EQ(platform_.applies(), 1);
  EXPECT_LT(story.took, 1s);
}

TEST_F(AttemptTest, ATargetThatIsLiveAlreadyIsLeftAlone) {
  platform_.deploy_by_hand("good");
  EXPECT_EQ(live().end(), Phase::already);
  EXPECT_EQ(platform_.applies(), 0);
}

TEST_F(AttemptTest, AnythingElseLiveMeansStandingDown) {
  platform_.deploy_by_hand("newer");
  EXPECT_EQ(live().end(), Phase::superseded);
  EXPECT_EQ(platform_.applies(), 0);
}

TEST_F(AttemptTest, WhatAReadingShowsOfAWhileAgoIsReadAgain) {
  // "before" was live, and then "bad": neither has someone else acted, nor is there nothing to do.
  for (const char* before : {"newer", "good"}) {
    FakePlatform platform(clock_);
    platform.lag_max_ = 15s;
    platform.deploy_by_hand(before);
    platform.deploy_by_hand("bad");
    platform.read_script_ = {ReadBehaviour::stale, ReadBehaviour::unreachable,
                             ReadBehaviour::stale};
    const Story story = test::live(platform, clock_, order_, options_);
    EXPECT_EQ(story.end(), Phase::applied) << before;
    EXPECT_EQ(platform.applies(), 1) << before;
    EXPECT_LT(story.took, 6s) << before;
  }
}

TEST_F(AttemptTest, ThatThereIsNothingToDoIsBelievedOnceNoReadingCanBeSoOld) {
  for (const char* live : {"newer", "good"}) {
    FakePlatform platform(clock_);
    platform.lag_max_ = 15s;
    platform.deploy_by_hand(live);
    const Story story = test::live(platform, clock_, order_, options_);
    EXPECT_THAT(story.end(), testing::AnyOf(Phase::superseded, Phase::already));
    EXPECT_GE(story.took, 15s);
    EXPECT_LE(story.took, 16s);
    EXPECT_EQ(platform.applies(), 0);
  }
}

TEST_F(AttemptTest, WhatIsReadAgainIsWaitedForAnewAfterAReadingThatShowedSomethingToDo) {
  platform_.lag_max_ = 15s;
  platform_.deploy_by_hand("newer");
  platform_.deploy_by_hand("bad");
  // Seen as judged at 4 s, but it could not be sent.
  platform_.read_script_.assign(100, ReadBehaviour::stale);
  platform_.read_script_[3] = ReadBehaviour::clean;
  platform_.script_ = {Behaviour::unreachable};
  const Story story = live();
  EXPECT_EQ(story.end(), Phase::superseded);
  EXPECT_GE(story.took, 18s);
}

TEST_F(AttemptTest, AnOrderThatWasAcceptedIsNotTakenForSomeoneElsesWorkByAReadingOfBefore) {
  platform_.lag_max_ = 15s;
  platform_.on_apply_ = [&] { platform_.deploy_by_hand("newer"); };
  platform_.read_script_ = {ReadBehaviour::clean, ReadBehaviour::stale};
  EXPECT_EQ(live().end(), Phase::applied);
  EXPECT_EQ(platform_.applies(), 1);
}

TEST_F(AttemptTest, AFlagThatSomeoneChangedIsAConflict) {
  // The platform reads rollbacks only; what matters here is how the answer is told.
  class Changed final : public Platform {
    Result<Standing> read(const rules::Order&, std::stop_token) override {
      return Standing{Standing::Kind::other, "the flag holds \"beta\""};
    }
    Status apply(const rules::Order&, std::stop_token) override { return Done{}; }
    [[nodiscard]] std::string by_hand(const rules::Order&) const override { return ""; }
  } changed;
  order_.action = rules::ResetFlag{"checkout-v2"};
  Attempt attempt(
      order_, changed, clock_, options_, [] { return 0.0; }, false);
  const auto outcome = attempt.step({});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->phase, Phase::conflict);
}

TEST_F(AttemptTest, AnAmbiguousAnswerThatWasAppliedIsFoundByItsId) {
  platform_.script_ = {Behaviour::applied_then_dropped};
  EXPECT_EQ(live().end(), Phase::applied);
  EXPECT_EQ(platform_.applies(), 1);
}

TEST_F(AttemptTest, AnAmbiguousAnswerIsSentAgainOnlyAfterItCanNoLongerArrive) {
  platform_.script_ = {Behaviour::not_applied_and_500};
  const Story story = live();
  EXPECT_EQ(story.end(), Phase::applied);
  EXPECT_EQ(platform_.applies(), 2);
  EXPECT_GE(story.took, options_.settle);
}

TEST_F(AttemptTest, WhatShowsOnlyItsEffectIsTriedTwiceInAllAndThenRejectedWithItsAnswer) {
  platform_.trace_ = Trace::effect;
  platform_.script_.assign(100, Behaviour::not_applied_and_500);
  std::vector<Instant> sent;
  platform_.on_apply_ = [&] { sent.push_back(clock_.now()); };
  const Instant began = clock_.now();
  const Story story = live();
  ASSERT_EQ(story.told.size(), 2U);
  EXPECT_EQ(story.told[0].phase, Phase::unknown);
  EXPECT_THAT(story.told[0].detail, HasSubstr("HTTP 500"));
  EXPECT_LE(story.told[0].at - began, 3s) << "people need not wait for it";
  EXPECT_EQ(story.end(), Phase::rejected);
  EXPECT_THAT(story.told[1].detail, AllOf(HasSubstr("HTTP 500"), HasSubstr("tried 2 times")));
  EXPECT_THAT(story.told[1].detail, Not(HasSubstr("nothing was sent")));
  EXPECT_EQ(platform_.applies(), 2);
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_GE(sent[1] - sent[0], options_.settle);
  EXPECT_GE(story.told[1].at - sent[1], options_.settle) << "the last one may still arrive, too";
  EXPECT_LE(story.took, 2 * options_.settle + 3s);
}

TEST_F(AttemptTest, WhatShowsOnlyItsEffectAndMayHaveBeenSentBeforeTheRestartIsTriedOnceMore) {
  platform_.trace_ = Trace::effect;
  platform_.script_.assign(100, Behaviour::not_applied_and_500);
  const Story story = test::live(platform_, clock_, order_, options_, /*resumed=*/true);
  EXPECT_EQ(story.end(), Phase::rejected);
  EXPECT_EQ(platform_.applies(), 1);
}

TEST_F(AttemptTest, WhatIsTriedUntilTheDeadlineTellsItsLastAnswer) {
  platform_.script_.assign(100, Behaviour::not_applied_and_500);
  const Story story = live();
  ASSERT_EQ(story.told.size(), 2U);
  for (const rules::ActionOutcome& told : story.told) {
    EXPECT_THAT(told.detail, AllOf(HasSubstr("HTTP 500"), Not(HasSubstr("nothing was sent"))));
  }
  EXPECT_EQ(story.end(), Phase::abandoned);
  EXPECT_LE(platform_.applies(), options_.give_up_after / options_.settle);
}

TEST_F(AttemptTest, ACallThatDoesNotArriveAfterwardsDoesNotHideTheAnswer) {
  platform_.script_.assign(1000, Behaviour::unreachable);
  platform_.script_[0] = Behaviour::not_applied_and_500;
  const Story story = live();
  EXPECT_THAT(story.told.back().detail,
              AllOf(HasSubstr("HTTP 500"), HasSubstr("refused connection")));
  const Story resumed = test::live(platform_, clock_, order_, options_, /*resumed=*/true);
  EXPECT_THAT(resumed.told.back().detail, HasSubstr("if it was sent before the restart"));
}

TEST_F(AttemptTest, AReadThatFailsAfterwardsDoesNotHideTheAnswer) {
  platform_.trace_ = Trace::effect;
  platform_.script_ = {Behaviour::not_applied_and_500};
  platform_.read_script_.assign(1000, ReadBehaviour::unreachable);
  platform_.read_script_[0] = ReadBehaviour::clean;
  const Story story = live();
  EXPECT_EQ(story.end(), Phase::abandoned);
  EXPECT_THAT(story.told.back().detail, AllOf(HasSubstr("HTTP 500"), HasSubstr("no route")));
  EXPECT_EQ(platform_.applies(), 1) << "what cannot be known is never simply run again";
}

TEST_F(AttemptTest, WhatIsRecalledBeforeItWasSentIsNotSentAndNotWaitedFor) {
  platform_.script_ = {Behaviour::throttled};
  std::optional<std::string> recalled;
  Attempt attempt(
      order_, platform_, clock_, options_, [] { return 0.5; }, false, [&] { return recalled; });
  EXPECT_FALSE(attempt.step({}));
  recalled = "disarmed";
  attempt.hasten();
  EXPECT_LE(attempt.due(), clock_.now());
  const auto outcome = attempt.step({});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->phase, Phase::rejected);
  EXPECT_THAT(outcome->detail, HasSubstr("disarmed"));
  EXPECT_EQ(platform_.applies(), 1) << "the one that was throttled";
}

TEST_F(AttemptTest, WhatIsRecalledAfterItMayHaveBeenSentIsLookedForAndNotSentAgain) {
  for (const bool has_arrived : {false, true}) {
    FakePlatform platform(clock_);
    platform.script_ = {has_arrived ? Behaviour::applied_then_dropped
                                    : Behaviour::not_applied_and_500};
    std::optional<std::string> recalled;
    Attempt attempt(
        order_, platform, clock_, options_, [] { return 0.5; }, false, [&] { return recalled; });
    EXPECT_FALSE(attempt.step({}));
    recalled = "aborted";
    attempt.hasten();
    std::optional<rules::ActionOutcome> outcome;
    const Instant began = clock_.now();
    while (!attempt.is_over()) {
      clock_.advance_to(attempt.due());
      if (auto told = attempt.step({})) outcome = told;
    }
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->phase, has_arrived ? Phase::applied : Phase::rejected);
    EXPECT_EQ(platform.applies(), 1);
    if (!has_arrived) {
      EXPECT_GE(clock_.now() - began, options_.settle - 1s);
      EXPECT_THAT(outcome->detail, AllOf(HasSubstr("HTTP 500"), HasSubstr("sent again: aborted")));
    }
  }
}

TEST_F(AttemptTest, ThrottlingIsRespectedToTheSecond) {
  platform_.script_ = {Behaviour::throttled};
  Instant refused_at{};
  platform_.on_apply_ = [&] {
    if (platform_.applies() == 1) refused_at = clock_.now();
    if (platform_.applies() == 2) {
      EXPECT_GE(clock_.now() - refused_at, 45s);
    }
  };
  const Story story = live();
  ASSERT_EQ(story.told.size(), 2U);
  EXPECT_EQ(story.told[0].phase, Phase::unknown) << "after thirty seconds it says so";
  EXPECT_EQ(story.end(), Phase::applied);
}

TEST_F(AttemptTest, APatienceBeyondTheDeadlineIsNotBroken) {
  class Patient final : public Platform {
   public:
    Result<Standing> read(const rules::Order&, std::stop_token) override {
      ++reads;
      return Error{Error::Kind::throttled, "429", 3600s};
    }
    Status apply(const rules::Order&, std::stop_token) override { return Done{}; }
    [[nodiscard]] std::string by_hand(const rules::Order&) const override { return "wrangler"; }
    int reads = 0;
  } patient;
  Attempt attempt(
      order_, patient, clock_, options_, [] { return 0.0; }, false);
  std::vector<Phase> phases;
  while (!attempt.is_over()) {
    clock_.advance_to(attempt.due());
    if (const auto outcome = attempt.step({})) phases.push_back(outcome->phase);
  }
  EXPECT_THAT(phases, testing::ElementsAre(Phase::unknown, Phase::rejected));
  EXPECT_EQ(patient.reads, 1);
}

TEST_F(AttemptTest, WhatNeverReachedAPlatformIsUnknownAfterThirtySecondsAndNotDoneAtTheDeadline) {
  platform_.read_script_.assign(1000, ReadBehaviour::unreachable);
  const Instant began = clock_.now();
  const Story story = live();
  ASSERT_EQ(story.told.size(), 2U);
  EXPECT_EQ(story.told[0].phase, Phase::unknown);
  EXPECT_LE(story.told[0].at - began, 31s);
  EXPECT_GE(story.told[0].at - began, 30s);
  EXPECT_EQ(story.end(), Phase::rejected);
  EXPECT_LE(story.took, options_.give_up_after + 1s);
  EXPECT_THAT(story.told[1].detail, HasSubstr("nothing was sent"));
  EXPECT_EQ(story.told[1].by_hand, "by hand");
  EXPECT_LT(platform_.reads(), 60) << "retries back off";
  EXPECT_EQ(platform_.applies(), 0);
}

TEST_F(AttemptTest, AnOldOrderOfAnEarlierLifeIsLookedAtButNotCarriedOut) {
  clock_.advance(2h);
  const Story story = test::live(platform_, clock_, order_, options_, /*resumed=*/true);
  EXPECT_EQ(story.end(), Phase::rejected) << "it is known not to be done";
  EXPECT_THAT(story.told.back().detail, HasSubstr("too old"));
  EXPECT_EQ(story.told.back().by_hand, "by hand");
  EXPECT_EQ(platform_.applies(), 0);
}

TEST_F(AttemptTest, AStopLeavesTheIntentOpen) {
  std::stop_source stop;
  platform_.on_apply_ = [&] { stop.request_stop(); };
  platform_.script_ = {Behaviour::applied_then_dropped};
  Attempt attempt(
      order_, platform_, clock_, options_, [] { return 0.0; }, false);
  EXPECT_FALSE(attempt.step(stop.get_token()));
  EXPECT_FALSE(attempt.is_over());
  EXPECT_EQ(test::live(platform_, clock_, order_, options_, true).end(), Phase::applied);
  EXPECT_EQ(platform_.deployments_of(order_.intent), 1);
}

TEST_F(AttemptTest, ReadsThatAreRefusedWhileItMayHaveBeenSentAreFewAndSayWhatToDo) {
  platform_.read_script_.assign(10'000, ReadBehaviour::refused);
  const Story story = test::live(platform_, clock_, order_, options_, /*resumed=*/true);
  EXPECT_LT(platform_.reads(), 60);
  EXPECT_EQ(story.told.back().by_hand, "by hand");
}

/// Whose calls end without an answer and take effect `late` after it, and whose readings are `lag`
/// old.
class LaggingPlatform final : public Platform {
 public:
  LaggingPlatform(test::ManualClock& clock, Duration lag, Duration late)
      : clock_(clock), lag_(lag), late_(late) {}
  Result<Standing> read(const rules::Order&, std::stop_token) override {
    clock_.advance(200ms);
    for (const Instant at : effects)
      if (at <= clock_.now() - lag_) return Standing{Standing::Kind::ours, "good"};
    return Standing{Standing::Kind::expected, "bad"};
  }
  Status apply(const rules::Order&, std::stop_token) override {
    clock_.advance(10s);
    effects.push_back(clock_.now() + late_);
    return Error{Error::Kind::ambiguous, "timeout"};
  }
  [[nodiscard]] Duration lag_max() const override { return 10s; }
  [[nodiscard]] std::string by_hand(const rules::Order&) const override { return "by hand"; }
  std::vector<Instant> effects;

 private:
  test::ManualClock& clock_;
  const Duration lag_;
  const Duration late_;
};

TEST_F(AttemptTest, WhatComesLateAndIsShownLateIsNotSentTwice) {
  for (const auto& [lag, late] : {std::pair<Duration, Duration>{4s, 4s}, {10s, 6s}, {9s, 14s}}) {
    LaggingPlatform platform(clock_, lag, late);
    Attempt attempt(
        order_, platform, clock_, options_, [] { return 0.5; }, false);
    while (!attempt.is_over()) {
      clock_.advance_to(attempt.due());
      (void)attempt.step({});
    }
    EXPECT_EQ(platform.effects.size(), 1U) << lag / 1s << " " << late / 1s;
  }
}

}  // namespace
}  // namespace belay::monitor
