// A candidate passes nothing while requests of it came and do not count.

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// Of v2 there are `fine` in ten seconds that count, and `refused` bad ones that are `off` from
/// when they come; beside 40 a second of v1.
struct Traffic {
  int fine = 0;
  int refused = 0;
  Duration off{};
};

EngineRig rig_of(bool has_own_rules) {
  std::vector<Rule> own;
  if (has_own_rules)
    own.push_back(make_rule("errors", "error rate > 5% over 60s, min 10 requests", "rollback"));
  Plan plan = EngineRig::plan_of({}, own);
  plan.services[0].rollout.is_judged_by_default = !has_own_rules;
  return EngineRig(plan);
}

void run(EngineRig& rig, Duration span, const Traffic& traffic, bool as_seconds) {
  const auto due = [&rig](int per_ten) {
    const auto tick = static_cast<int>(rig.elapsed() / 1s);
    return (tick + 1) * per_ten / 10 - tick * per_ten / 10;
  };
  for (const Instant until = rig.now() + span; rig.now() < until; rig.run(1s)) {
    for (int i = 0; i < due(traffic.fine); ++i) rig.push(rig.request({.version = "v2"}, rig.now()));
    const int refused = due(traffic.refused);
    Request bad = rig.request({.version = "v2", .status = 500}, rig.now() + traffic.off);
    if (as_seconds && refused > 0)
      rig.push(RequestSecond{.like = bad, .count = static_cast<std::uint32_t>(refused)});
    for (int i = 0; !as_seconds && i < refused; ++i) rig.push(bad);
  }
}

RolloutStatus after_gate(EngineRig& rig, const Traffic& traffic, bool as_seconds = false) {
  rig.stream("v1", 40, {.version = "v1"});
  rig.run(5s);
  rig.push(RolloutStarted{
      .at = rig.now(), .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = 80s});
  run(rig, 82s, traffic, as_seconds);
  return *rig.service().rollout;
}

TEST(Refused, WithholdsThePassOfWhoseBadHalfIsAheadOfTheClock) {
  for (const bool has_own_rules : {false, true})
    for (const bool as_seconds : {false, true}) {
      EngineRig rig = rig_of(has_own_rules);
      const RolloutStatus rollout =
          after_gate(rig, {.fine = 20, .refused = 20, .off = 20s}, as_seconds);
      EXPECT_EQ(decided(rollout), Outcome::unknown) << rollout.why;
      EXPECT_THAT(rollout.why, testing::ContainsRegex(
                                   "16[0-9] of 32[0-9] requests of v2 do not count: they are ahead "
                                   "of this machine's clock; nobody knows what they were"));
    }
}

TEST(Refused, WithholdsThePassOfWhoseBadFifthComesTooLate) {
  for (const bool has_own_rules : {false, true}) {
    EngineRig rig = rig_of(has_own_rules);
    const RolloutStatus rollout = after_gate(rig, {.fine = 12, .refused = 3, .off = -30s});
    EXPECT_EQ(decided(rollout), Outcome::unknown) << rollout.why;
    EXPECT_THAT(rollout.why, HasSubstr("requests of v2 do not count: they are too late; nobody"));
  }
}

TEST(Refused, IsNoObjectionWhereItIsOneOrTwo) {
  EngineRig rig = rig_of(true);
  rig.stream("v1", 40, {.version = "v1"});
  rig.stream("v2", 2, {.version = "v2"});
  rig.push(RolloutStarted{
      .at = rig.now(), .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = 80s});
  rig.run(40s);
  for (int i = 0; i < 2; ++i) rig.push(rig.request({.version = "v2"}, rig.now() - 20s));
  rig.run(41s);
  EXPECT_EQ(decided(*rig.service().rollout), Outcome::pass) << rig.service().rollout->why;
}

TEST(Refused, IsNoObjectionOfAnotherStepOrFromBeforeItOrWithoutAVersionsCall) {
  EngineRig rig = rig_of(true);
  rig.stream("v1", 40, {.version = "v1"});
  rig.stream("v2", 20, {.version = "v2"});
  rig.run(5s);
  const auto refuse = [&rig](const Alike& alike, Duration off) {
    for (int i = 0; i < 20; ++i) rig.push(rig.request(alike, rig.now() + off));
  };
  rig.push(RolloutStarted{.at = rig.now(),
                          .service = "shop",
                          .candidate = "v2",
                          .baseline = "v1",
                          .steps = *parse_steps("50% for 70s, 100% for 70s")});
  rig.run(10s);
  refuse({.version = "v2", .status = 500}, -40s);                           // From before it.
  refuse({.version = "v2", .status = 500, .type = Invocation::cron}, 20s);  // No call.
  refuse({.version = "v1", .status = 500}, 20s);
  rig.run(62s);
  ASSERT_EQ(rig.service().rollout->step, 1U) << rig.service().rollout->why;

  EngineRig held = rig_of(true);
  held.stream("v2", 20, {.version = "v2"});
  held.push(RolloutStarted{.at = held.now(),
                           .service = "shop",
                           .candidate = "v2",
                           .steps = *parse_steps("50% for 70s max 10m, 100% for 70s")});
  held.run(20s);
  for (int i = 0; i < 30; ++i) held.push(held.request({.version = "v2"}, held.now() + 20s));
  held.run(60s);
  EXPECT_EQ(held.service().rollout->step, 0U);
  held.push(Deployment{.service = "shop", .at = held.now(), .versions = {{"v2", 100}}});
  held.run(72s);
  EXPECT_EQ(decided(*held.service().rollout), Outcome::pass) << held.service().rollout->why;
}

TEST(Refused, AllOfALogIsNamedWhereNothingOfTheCandidateWasSeen) {
  for (const bool has_own_rules : {false, true}) {
    for (const bool is_one_of_use : {false, true}) {
      EngineRig rig = rig_of(has_own_rules);
      if (is_one_of_use) rig.push(rig.request({.version = "v1"}, rig.now()));
      rig.stream("misnamed", 4, {.service = "shop-prod", .version = "v2"});
      rig.run(1s);
      rig.push(RolloutStarted{
          .at = rig.now(), .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = 20s});
      rig.run(15s);
      rig.push(SourceProgress{.source = EngineRig::kTail, .used = is_one_of_use ? 1000U : 10U});
      rig.run(15s);
      const RolloutStatus ended = *rig.service().rollout;
      EXPECT_EQ(ended.state, RolloutState::inconclusive);
      const auto words = HasSubstr("lines, and none of use: ");
      const auto reason = HasSubstr(" unknown_service (`belay doctor` says more)");
      if (is_one_of_use) {
        EXPECT_THAT(ended.why, Not(words));
      } else {
        EXPECT_THAT(ended.why, AllOf(words, reason));
      }
    }
  }
}

TEST(Refused, IsToldInTheJournalWhateverItsShare) {
  EngineRig rig = rig_of(true);
  rig.stream("v2", 20, {.version = "v2"});
  rig.push(RolloutStarted{
      .at = rig.now(), .service = "shop", .candidate = "v2", .baseline = "v1", .lasts = 80s});
  rig.push(rig.request({.version = "v2"}, rig.now() + 20s));
  rig.run(40s);
  rig.push(rig.request({.version = "v2"}, rig.now() - 20s));
  rig.push(rig.request({.version = "v1"}, rig.now() - 20s));
  rig.run(41s);
  EXPECT_EQ(decided(*rig.service().rollout), Outcome::pass) << rig.service().rollout->why;
  std::vector<std::string> lost;
  for (const JournalEntry& entry : rig.journal)
    if (entry.kind == JournalEntry::Kind::evidence_lost) lost.push_back(entry.text);
  ASSERT_EQ(lost.size(), 4U);
  EXPECT_THAT(lost[0], HasSubstr(R"("source":"requests of v2","what":"refused",)"));
  EXPECT_THAT(lost[1], HasSubstr(R"("reason":"from_the_future","lost":1)"));
  EXPECT_THAT(lost[3], HasSubstr(R"("reason":"late","lost":1)"));
}

}  // namespace
}  // namespace belay::rules
