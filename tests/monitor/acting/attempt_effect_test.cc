// What of an order shows only its effect: a command with a `verify`, a flag.

#include <variant>

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
  EXPECT_EQ(story.told.back().detail, "nothing was sent: no route");
  EXPECT_EQ(story.told.back().by_hand, "by hand");
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

/// Takes an order, answers nothing, and cannot be read from then on.
class Dying final : public Platform {
 public:
  Result<Standing> read(const rules::Order&, std::stop_token) override {
    if (applies > 0) return Error{Error::Kind::unavailable, "no route"};
    return Standing{.kind = Standing::Kind::expected, .detail = "on"};
  }
  Status apply(const rules::Order&, std::stop_token) override {
    ++applies;
    return Error{Error::Kind::ambiguous, "no answer"};
  }
  [[nodiscard]] Trace trace(const rules::Order&) const override { return Trace::effect; }
  [[nodiscard]] std::string by_hand(const rules::Order&) const override { return "redis-cli"; }
  int applies = 0;
};

TEST_F(AttemptEffectTest, WhatIsRecalledAndMayBeDoneIsLetGoHalfAMinuteAfterSayingSo) {
  struct Case {
    std::variant<rules::RollBack, rules::ResetFlag, rules::RunCommand, rules::MoveTraffic> action;
    bool is_recalled;
    bool is_let_go;
  };
  const rules::RollBack back{.target = "v1", .expected = "v2"};
  for (const Case& one : {Case{rules::ResetFlag{.flag = "x"}, true, true},
                          Case{rules::RunCommand{.command = "x"}, true, true},
                          Case{rules::ResetFlag{.flag = "x"}, false, false},
                          Case{back, true, false}, Case{rules::MoveTraffic{}, true, false}}) {
    Dying platform;
    std::optional<std::string> recalled;
    rules::Order order = order_;
    order.action = one.action;
    Attempt attempt(
        order, platform, clock_, options_, [] { return 0.5; }, false, [&] { return recalled; });
    const Instant began = clock_.now();
    Instant unknown_at{};
    std::optional<rules::ActionOutcome> outcome;
    for (int steps = 0; !attempt.is_over() && steps < 1000; ++steps) {
      clock_.advance_to(attempt.due());
      if (auto told = attempt.step({})) outcome = told;
      if (!outcome || unknown_at != Instant{}) continue;
      ASSERT_EQ(outcome->phase, Phase::unknown);
      unknown_at = outcome->at;
      if (one.is_recalled) recalled = "a rollback waits behind it";
      if (one.is_recalled) attempt.hasten();
    }
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->phase, Phase::abandoned);
    EXPECT_EQ(platform.applies, 1) << "never sent again";
    if (!one.is_let_go) {
      EXPECT_GE(outcome->at - began, options_.give_up_after);
      continue;
    }
    EXPECT_GE(outcome->at - unknown_at, options_.let_go_after);
    EXPECT_LE(outcome->at - unknown_at, options_.let_go_after + 2s);
    EXPECT_NE(outcome->detail.find("not waited for: a rollback waits behind it"), std::string::npos)
        << outcome->detail;
    EXPECT_TRUE(outcome->detail.ends_with("it may have been carried out")) << outcome->detail;
    EXPECT_FALSE(outcome->by_hand.empty());
  }
}

}  // namespace
}  // namespace belay::monitor
