#include "monitor/commands/gate_watch.h"

#include <set>

#include <gtest/gtest.h>

namespace belay::monitor {
namespace {

using Phase = rules::ActionOutcome::Phase;
using rules::RolloutState;

const Instant kStart = from_unix_ms(1'795'182'320'000);

constexpr const char* kId = "rollout-2";
constexpr const char* kIntent = "intent-1";

rules::RolloutStatus rollout_in(rules::RolloutState state,
                                rules::Outcome verdict = rules::Outcome::unknown) {
  return {.id = kId,
          .candidate = "v2",
          .state = state,
          .why = "why",
          .started = kStart,
          .verdict = verdict};
}

rules::ServiceStatus with_gate(rules::RolloutState state,
                               rules::Outcome verdict = rules::Outcome::unknown) {
  rules::ServiceStatus service;
  service.name = "shop";
  service.rollout = rollout_in(state, verdict);
  return service;
}

rules::ActionStatus action_in(std::optional<Phase> phase) {
  return {.intent = kIntent, .kind = "rollback", .target = "v1", .at = kStart, .phase = phase};
}

std::optional<ExitCode> code_of(const rules::ServiceStatus& service,
                                const std::set<std::string>& resumed = {}) {
  const auto result = gate_result(service, kId, resumed);
  return result ? std::optional{result->code} : std::nullopt;
}

TEST(GateResultTest, ThereIsNoneWhileTheGateRuns) {
  EXPECT_EQ(code_of({}), std::nullopt);
  EXPECT_EQ(code_of(with_gate(RolloutState::baking)), std::nullopt);
  EXPECT_EQ(code_of(with_gate(RolloutState::rolling_back)), std::nullopt);
  EXPECT_EQ(code_of(with_gate(RolloutState::verifying)), std::nullopt);
}

TEST(GateResultTest, TheLastLineHoldsTheCauseAndWhatCameSinceWhole) {
  const std::string cause = "errors: " + std::string(600, 'x') + "; since then: recovered";
  const std::string line = text_of(RolloutResult{kExitRolledBack, cause}, Style{false});
  EXPECT_TRUE(line.ends_with("xx; since then: recovered\n")) << line;
}

TEST(GateResultTest, AnInterruptionIsSaidOnce) {
  const RolloutResult interrupted{kExitInterrupted, interruption_of(std::nullopt)};
  EXPECT_EQ(text_of(interrupted, Style{false}), "interrupted: what is deployed stays as it is\n");
}

TEST(GateResultTest, WhatWasRememberedOverARestartNamesTheRuleThatFailedIt) {
  rules::RolloutStatus rollout;
  rollout.state = RolloutState::recovered;
  rollout.verdict = rules::Outcome::fail;
  rollout.rule = "comparison";
  rollout.why = "comparison is fine";
  rollout.timeline = {{.state = RolloutState::recovered, .what = "remembered: recovered"}};
  ASSERT_TRUE(result_of(rollout));
  EXPECT_EQ(result_of(rollout)->why, "comparison fired; since then: comparison is fine");
}

TEST(GateResultTest, AnInterruptionTellsOfAnActionOnItsWay) {
  rules::ServiceStatus service = with_gate(RolloutState::rolling_back);
  EXPECT_NE(interruption_of(service).find("stays as it is"), std::string::npos);
  for (const std::optional<Phase> open : {std::optional<Phase>{}, std::optional{Phase::unknown}}) {
    service.actions = {action_in(open)};
    EXPECT_NE(interruption_of(service).find("rollback (v1) may have been carried out"),
              std::string::npos);
  }
  service.actions = {action_in(Phase::applied)};
  EXPECT_NE(interruption_of(service).find("stays as it is"), std::string::npos);
}

/// The daemon's own map (RolloutResultTest), whatever became of the actions: README.md.
TEST(GateResultTest, WhatTheRolloutCameToIsTheExitCode) {
  using rules::Outcome;
  EXPECT_EQ(code_of(with_gate(RolloutState::promoted, Outcome::pass)), kExitPass);
  EXPECT_EQ(code_of(with_gate(RolloutState::failed, Outcome::fail)), kExitFail);
  EXPECT_EQ(code_of(with_gate(RolloutState::inconclusive)), kExitUnknown);
  for (const auto& [state, code] : {std::pair{RolloutState::recovered, kExitRolledBack},
                                    {RolloutState::not_recovered, kExitNotRecovered},
                                    {RolloutState::inconclusive, kExitNotRecovered},
                                    {RolloutState::superseded, kExitSuperseded}}) {
    rules::ServiceStatus service = with_gate(state, Outcome::fail);
    service.actions = {action_in(Phase::applied)};
    service.actions[0].verified = "inconclusive";
    EXPECT_EQ(code_of(service), code) << name_of(state);
  }
}

TEST(GateResultTest, AnOpenActionIsWaitedForWhateverTheVerdict) {
  for (const auto state : {RolloutState::promoted, RolloutState::inconclusive, RolloutState::failed,
                           RolloutState::superseded}) {
    for (const auto phase : {std::optional<Phase>{}, std::optional{Phase::unknown}}) {
      rules::ServiceStatus service = with_gate(state);
      service.actions = {action_in(phase)};
      EXPECT_EQ(code_of(service), std::nullopt) << name_of(state);
    }
  }
}

TEST(GateResultTest, AGateOfAnotherIdIsNotOurs) {
  rules::ServiceStatus service = with_gate(RolloutState::promoted, rules::Outcome::pass);
  service.rollout->id = "rollout-1";
  EXPECT_EQ(code_of(service), std::nullopt) << "an earlier one left it behind";
  service.past = {rollout_in(RolloutState::superseded)};
  EXPECT_EQ(code_of(service), kExitSuperseded) << "another began after ours";
}

rules::ServiceStatus failed_beside(rules::RolloutState earlier) {
  rules::ServiceStatus service = with_gate(RolloutState::failed, rules::Outcome::fail);
  service.past = {rollout_in(earlier, rules::Outcome::fail)};
  service.past[0].id = "rollout-1";
  service.past[0].intents = {kIntent};
  service.actions = {action_in(Phase::applied)};
  return service;
}

TEST(GateResultTest, WhatAnEarlierLifeBeganForTheCandidateIsDoneForThisGateToo) {
  const std::set<std::string> resumed = {kIntent};
  EXPECT_EQ(code_of(failed_beside(RolloutState::verifying), resumed), std::nullopt);
  EXPECT_EQ(code_of(failed_beside(RolloutState::recovered), resumed), kExitRolledBack);
  EXPECT_EQ(code_of(failed_beside(RolloutState::recovered)), kExitFail) << "it was over before";
  rules::ServiceStatus of_another = failed_beside(RolloutState::recovered);
  of_another.past[0].candidate = "v3";
  EXPECT_EQ(code_of(of_another, resumed), kExitFail);
  rules::ServiceStatus acted_itself = failed_beside(RolloutState::recovered);
  acted_itself.rollout->state = RolloutState::not_recovered;
  EXPECT_EQ(code_of(acted_itself, resumed), kExitNotRecovered);
}

TEST(GateWatchTest, WhatBecomesOfAnActionThatWasOpenBeforeIsTheExitCode) {
  GateWatch watch{"shop", "v2", kId};
  rules::Snapshot snapshot;
  snapshot.services = {failed_beside(RolloutState::rolling_back)};
  snapshot.services[0].actions[0].phase = std::nullopt;
  watch.publish(snapshot);
  EXPECT_FALSE(watch.result());
  snapshot.services[0].actions[0].phase = Phase::applied;
  snapshot.services[0].past[0].state = RolloutState::verifying;
  watch.publish(snapshot);
  EXPECT_FALSE(watch.result());
  snapshot.services[0].past[0].state = RolloutState::recovered;
  watch.publish(snapshot);
  ASSERT_TRUE(watch.result());
  EXPECT_EQ(watch.result()->code, kExitRolledBack);
}

RolloutResult result_after(GateWatch& watch, const rules::ServiceStatus& service) {
  rules::Snapshot snapshot;
  snapshot.services = {service};
  watch.publish(snapshot);
  return watch.result().value_or(RolloutResult{});
}

TEST(GateWatchTest, AFailSaysThatNothingWasDoneAndWhy) {
  rules::ServiceStatus service = with_gate(RolloutState::failed, rules::Outcome::fail);
  service.mode = rules::Mode::enforce;
  service.rollout->mode = rules::Mode::recommend;
  GateWatch recommends{"shop", "v2", kId};
  EXPECT_EQ(result_after(recommends, service).why,
            "why; nothing was done (mode recommend), v2 stays as it is");
  GateWatch cooling{"shop", "v2", kId};
  cooling.notify({.kind = rules::Notice::Kind::not_acted,
                  .service = "shop",
                  .headline = "shop: did not roll back: cooldown"});
  EXPECT_EQ(result_after(cooling, service).why,
            "why; nothing was done (did not roll back: cooldown), v2 stays as it is");
}

TEST(GateWatchTest, AnUnknownSaysThatTheCandidateWasNeverSeen) {
  rules::ServiceStatus service = with_gate(RolloutState::inconclusive);
  GateWatch silent{"shop", "v2", kId};
  EXPECT_EQ(result_after(silent, service).why, "why");
  service.series = {{.version = "v1", .requests = 830}, {.version = "", .requests = 1}};
  GateWatch elsewhere{"shop", "v2", kId};
  EXPECT_EQ(result_after(elsewhere, service).why,
            "why; no request of v2 was seen; seen were events without a version (1 request), "
            "v1 (830 requests)");
  service.series.push_back({.version = "v2", .requests = 1});
  GateWatch seen{"shop", "v2", kId};
  EXPECT_EQ(result_after(seen, service).why, "why");
}

TEST(GateWatchTest, TellsWhatAnActionIsAt) {
  rules::ActionStatus action{.kind = "rollback", .target = "v1"};
  EXPECT_EQ(progress_of(action), "rollback (v1) is on its way");
  action.phase = Phase::unknown;
  EXPECT_EQ(progress_of(action), "rollback (v1) had no clear end: reading what is live");
  action.phase = Phase::applied;
  EXPECT_EQ(progress_of(action), "rollback (v1) done, watching whether it helps");
}

TEST(GateWatchTest, HandsOutTheNoticesOfItsServiceOnce) {
  GateWatch watch{"shop", "v2", kId};
  watch.notify({.service = "shop", .headline = "ours"});
  watch.notify({.service = "other", .headline = "not ours"});
  watch.notify({.headline = "about Belay itself"});
  EXPECT_EQ(watch.take_notices().size(), 2U);
  EXPECT_TRUE(watch.take_notices().empty());
}

}  // namespace
}  // namespace belay::monitor
