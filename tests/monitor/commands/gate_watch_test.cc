#include "monitor/commands/gate_watch.h"

#include <gtest/gtest.h>

namespace belay::monitor {
namespace {

using Phase = rules::ActionOutcome::Phase;

const Instant kStart = from_unix_ms(1'795'182'320'000);

void set_verdict(rules::ServiceStatus& service, std::optional<rules::Outcome> verdict) {
  using rules::RolloutState;
  rules::RolloutStatus& rollout = *service.rollout;
  rollout.verdict = verdict.value_or(rules::Outcome::unknown);
  rollout.state = RolloutState::inconclusive;
  if (!verdict) rollout.state = RolloutState::baking;
  if (verdict == rules::Outcome::pass) rollout.state = RolloutState::promoted;
  if (verdict == rules::Outcome::fail) rollout.state = RolloutState::failed;
}

rules::ServiceStatus with_gate(std::optional<rules::Outcome> ended) {
  rules::ServiceStatus service;
  service.name = "shop";
  service.rollout = rules::RolloutStatus{.candidate = "v2", .why = "why", .started = kStart};
  set_verdict(service, ended);
  return service;
}

rules::ServiceStatus failed_with(std::optional<Phase> phase,
                                 std::optional<std::string> verified = std::nullopt) {
  rules::ServiceStatus service = with_gate(rules::Outcome::fail);
  service.actions.push_back({.intent = "i",
                             .kind = "rollback",
                             .target = "v1",
                             .at = kStart,
                             .phase = phase,
                             .verified = std::move(verified)});
  return service;
}

std::optional<ExitCode> code_of(const rules::ServiceStatus& service) {
  const auto result = gate_result(service);
  return result ? std::optional{result->code} : std::nullopt;
}

TEST(GateResultTest, ThereIsNoneWhileTheGateRuns) {
  EXPECT_EQ(code_of({}), std::nullopt);
  EXPECT_EQ(code_of(with_gate(std::nullopt)), std::nullopt);
}

TEST(GateResultTest, TheVerdictIsTheExitCodeWhenNothingIsDone) {
  EXPECT_EQ(code_of(with_gate(rules::Outcome::pass)), kExitPass);
  EXPECT_EQ(code_of(with_gate(rules::Outcome::unknown)), kExitUnknown);
  EXPECT_EQ(code_of(with_gate(rules::Outcome::fail)), kExitFail);
}

TEST(GateResultTest, AnActionIsWaitedForUntilItsEffectIsKnown) {
  EXPECT_EQ(code_of(failed_with(std::nullopt)), std::nullopt);
  EXPECT_EQ(code_of(failed_with(Phase::unknown)), std::nullopt);
  EXPECT_EQ(code_of(failed_with(Phase::applied)), std::nullopt);
}

TEST(GateResultTest, WhatBecameOfTheActionIsTheExitCode) {
  EXPECT_EQ(code_of(failed_with(Phase::applied, "recovered")), kExitRolledBack);
  EXPECT_EQ(code_of(failed_with(Phase::already, "inconclusive")), kExitRolledBack);
  EXPECT_EQ(code_of(failed_with(Phase::applied, "not_recovered")), kExitNotRecovered);
  EXPECT_EQ(code_of(failed_with(Phase::rejected)), kExitNotRecovered);
  EXPECT_EQ(code_of(failed_with(Phase::abandoned)), kExitNotRecovered);
  EXPECT_EQ(code_of(failed_with(Phase::superseded)), kExitSuperseded);
  EXPECT_EQ(code_of(failed_with(Phase::conflict)), kExitSuperseded);
}

TEST(GateResultTest, AnActionFromBeforeTheGateDoesNotCount) {
  rules::ServiceStatus service = failed_with(Phase::applied, "recovered");
  service.actions[0].at = kStart - std::chrono::seconds{1};
  EXPECT_EQ(code_of(service), kExitFail);
}

TEST(GateResultTest, AnOpenActionFromBeforeTheGateIsWaitedForWhateverTheVerdict) {
  for (const auto verdict : {rules::Outcome::pass, rules::Outcome::unknown, rules::Outcome::fail}) {
    for (const auto phase : {std::optional<Phase>{}, std::optional{Phase::unknown}}) {
      rules::ServiceStatus service = failed_with(phase);
      set_verdict(service, verdict);
      service.actions[0].at = kStart - std::chrono::seconds{1};
      EXPECT_EQ(code_of(service), std::nullopt);
    }
  }
}

TEST(GateWatchTest, WhatBecomesOfAnActionThatWasOpenBeforeIsTheExitCode) {
  GateWatch watch{"shop", "v2"};
  rules::Snapshot snapshot;
  snapshot.services = {failed_with(std::nullopt)};
  rules::ActionStatus& action = snapshot.services[0].actions[0];
  action.at = kStart - std::chrono::seconds{1};
  watch.publish(snapshot);
  watch.publish(snapshot);
  EXPECT_FALSE(watch.result());
  action.phase = Phase::applied;
  watch.publish(snapshot);
  EXPECT_FALSE(watch.result());
  action.verified = "recovered";
  watch.publish(snapshot);
  watch.publish(snapshot);
  ASSERT_TRUE(watch.result());
  EXPECT_EQ(watch.result()->code, kExitRolledBack);
}

TEST(GateWatchTest, AResultCountsOnceItWasSeenTwice) {
  GateWatch watch{"shop", "v2"};
  rules::Snapshot snapshot;
  snapshot.services = {failed_with(Phase::applied, "not_recovered")};
  watch.publish(snapshot);
  EXPECT_FALSE(watch.result());
  // The next rung of the ladder has begun meanwhile.
  snapshot.services[0].actions.push_back({.kind = "rollback", .at = kStart});
  watch.publish(snapshot);
  EXPECT_FALSE(watch.result());
  snapshot.services[0].actions.back() = failed_with(Phase::applied, "recovered").actions[0];
  watch.publish(snapshot);
  watch.publish(snapshot);
  ASSERT_TRUE(watch.result());
  EXPECT_EQ(watch.result()->code, kExitRolledBack);
}

RolloutResult result_after(GateWatch& watch, const rules::ServiceStatus& service) {
  rules::Snapshot snapshot;
  snapshot.services = {service};
  watch.publish(snapshot);
  watch.publish(snapshot);
  return watch.result().value_or(RolloutResult{});
}

TEST(GateWatchTest, AFailSaysThatNothingWasDoneAndWhy) {
  rules::ServiceStatus service = with_gate(rules::Outcome::fail);
  service.mode = rules::Mode::recommend;
  GateWatch recommends{"shop", "v2"};
  EXPECT_EQ(result_after(recommends, service).why,
            "why; nothing was done (mode recommend), v2 stays as it is");
  GateWatch cooling{"shop", "v2"};
  cooling.notify({.kind = rules::Notice::Kind::not_acted,
                  .service = "shop",
                  .headline = "shop: did not roll back: cooldown"});
  EXPECT_EQ(result_after(cooling, service).why,
            "why; nothing was done (did not roll back: cooldown), v2 stays as it is");
}

TEST(GateWatchTest, AnUnknownSaysThatTheCandidateWasNeverSeen) {
  rules::ServiceStatus service = with_gate(rules::Outcome::unknown);
  GateWatch silent{"shop", "v2"};
  EXPECT_EQ(result_after(silent, service).why, "why");
  service.series = {{.version = "v1", .requests = 830}, {.version = "", .requests = 1}};
  GateWatch elsewhere{"shop", "v2"};
  EXPECT_EQ(result_after(elsewhere, service).why,
            "why; no request of v2 was seen; seen were events without a version (1 request), "
            "v1 (830 requests)");
  service.series.push_back({.version = "v2", .requests = 1});
  GateWatch seen{"shop", "v2"};
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

TEST(GateWatchTest, AGateOfAnotherCandidateIsNotOurs) {
  GateWatch watch{"shop", "v3"};
  rules::Snapshot snapshot;
  snapshot.services = {with_gate(rules::Outcome::pass)};
  watch.publish(snapshot);
  watch.publish(snapshot);
  EXPECT_FALSE(watch.result());
}

TEST(GateWatchTest, HandsOutTheNoticesOfItsServiceOnce) {
  GateWatch watch{"shop", "v2"};
  watch.notify({.service = "shop", .headline = "ours"});
  watch.notify({.service = "other", .headline = "not ours"});
  watch.notify({.headline = "about Belay itself"});
  EXPECT_EQ(watch.take_notices().size(), 2U);
  EXPECT_TRUE(watch.take_notices().empty());
}

}  // namespace
}  // namespace belay::monitor
