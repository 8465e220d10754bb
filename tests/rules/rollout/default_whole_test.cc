// The default judgement where the candidate fails on routes that the comparison cannot pair.

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/language/false_alarms.h"
#include "tests/rules/rollout/default_rollout.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;

/// What a gate of two minutes comes to in which both answer `per_second` requests, and these come
/// beside them.
RolloutStatus judged(int per_second, const std::vector<std::pair<int, Alike>>& beside) {
  EngineRig rig(plan_by_default());
  rig.stream("v1", per_second, {.version = "v1"});
  rig.stream("v2", per_second, {.version = "v2"});
  for (std::size_t i = 0; i < beside.size(); ++i)
    rig.stream("beside " + std::to_string(i), beside[i].first, beside[i].second);
  rig.push(gate(rig.now()));
  rig.run(122s);
  EXPECT_TRUE(rig.orders.empty());
  return rollout(rig);
}

Alike failing(const char* version, const char* route) {
  return {.version = version, .route = route, .status = 500};
}

TEST(DefaultWhole, ErrorsOnARouteThatTheBaselineHasNotLetNothingPass) {
  for (const char* route : {"/_error", ""}) {
    const RolloutStatus status = judged(25, {{1, failing("v2", route)}});
    EXPECT_EQ(status.verdict, Outcome::unknown) << route;
    EXPECT_THAT(status.why,
                HasSubstr("v2 failed 120 of 3120 requests in the last 2m, v1 failed 0 of 3000: too "
                          "many to pass, whatever their routes"));
  }
}

TEST(DefaultWhole, WhatBothFailOrTooFewFailPasses) {
  EXPECT_EQ(judged(25, {{1, failing("v2", "/a")}, {1, failing("v1", "/b")}}).verdict, Outcome::pass)
      << "on routes of their own";
  EXPECT_EQ(judged(200, {{1, failing("v2", "/_error")}}).verdict, Outcome::pass)
      << "less than one in a hundred";
}

TEST(DefaultWhole, TwoThirdsMoreOrAFewByChancePass) {
  EXPECT_EQ(judged(250, {{5, failing("v2", "/a")}, {3, failing("v1", "/b")}}).verdict,
            Outcome::pass)
      << "not twice as many";
  EngineRig rig(plan_by_default());
  rig.stream("v1", 5, {.version = "v1"});
  rig.stream("v2", 5, {.version = "v2"});
  rig.stream("of v2", 1, failing("v2", "/a"));
  rig.stream("of v1", 1, failing("v1", "/b"));
  rig.push(gate(rig.now()));
  rig.run(6s);
  rig.stream("of v1", 0);
  rig.run(8s);
  rig.stream("of v2", 0);
  rig.run(108s);
  EXPECT_EQ(rollout(rig).verdict, Outcome::pass) << rollout(rig).why;
}

TEST(DefaultWhole, WhatTheServiceFailedBeforeIsExcused) {
  for (const int before : {0, 2}) {
    EngineRig rig(plan_by_default());
    rig.stream("v1", 8, {.version = "v1"});
    rig.stream("of v1", before, failing("v1", "/"));
    rig.run(1min);
    rig.stream("of v1", 0);
    rig.stream("v2", 48, {.version = "v2"});
    rig.stream("of v2", 2, failing("v2", "/a"));
    rig.push(gate(rig.now()));
    rig.run(122s);
    EXPECT_EQ(rollout(rig).verdict, before > 0 ? Outcome::pass : Outcome::unknown)
        << rollout(rig).why;
  }
}

Alike call(const char* version, std::uint16_t status, Invocation type = Invocation::rpc) {
  return {
      .version = version, .route = "", .outcome = status < 500 ? "ok" : "exception", .type = type};
}

TEST(DefaultWhole, InvocationsThatAreNoRequestsMustNotFailMore) {
  for (const Invocation type : {Invocation::rpc, Invocation::queue, Invocation::other}) {
    const RolloutStatus status =
        judged(25, {{2, call("v2", 500, type)}, {2, call("v1", 200, type)}});
    EXPECT_EQ(status.verdict, Outcome::unknown);
    EXPECT_THAT(status.why, HasSubstr("v2 failed 240 of 240 invocations that are no requests (RPC, "
                                      "queue, cron, ...) in the last 2m, v1 0 of 240"));
  }
  EXPECT_EQ(judged(25, {{1, call("v2", 500)}, {2, call("v2", 200)}}).verdict, Outcome::pass)
      << "the baseline has none, and most are fine";
  EXPECT_EQ(judged(25, {{2, call("v2", 500)}, {2, call("v1", 500)}}).verdict, Outcome::pass)
      << "as they do on the baseline";
}

TEST(DefaultWhole, WithoutABaselinesHalfOfThemMustNotFailUnlessSomeDidBefore) {
  for (const bool did_before : {true, false}) {
    EngineRig rig(plan_by_default());
    traffic(rig, 200);
    rig.stream("queue", 1, call("v1", did_before ? 500 : 200, Invocation::queue));
    rig.run(70s);
    rig.stream("queue", 1, call("v2", 500, Invocation::queue));
    rig.push(gate(rig.now()));
    rig.run(122s);
    EXPECT_EQ(rollout(rig).verdict, did_before ? Outcome::pass : Outcome::unknown)
        << rollout(rig).why;
  }
}

TEST(DefaultWhole, AFewGoodInvocationsOfTheBaselineExcuseNothing) {
  EngineRig rig(plan_by_default());
  traffic(rig, 200);
  rig.push(gate(rig.now()));
  rig.stream("queue", 2, call("v2", 500, Invocation::queue));
  for (int i = 0; i < 4; ++i) {
    rig.push(rig.request(call("v1", 200, Invocation::queue), rig.now()));
    rig.run(30s);
  }
  rig.run(2s);
  EXPECT_EQ(rollout(rig).verdict, Outcome::unknown) << rollout(rig).why;
}

TEST(DefaultWhole, OnlyTheBaselinesFailuresOfBeforeExcuseThem) {
  EngineRig rig(plan_by_default());
  rig.stream("v1", 40, {.version = "v1"});
  rig.stream("queue", 1, call("v0", 500, Invocation::queue));
  rig.run(70s);
  traffic(rig, 200);
  rig.stream("queue", 2, call("v2", 500, Invocation::queue));
  rig.push(gate(rig.now()));
  rig.run(122s);
  EXPECT_EQ(rollout(rig).verdict, Outcome::unknown) << "v2 may be the fix that does not help";
}

TEST(DefaultWhole, RequestsThatAreRefusedOrRedirectedMustNotBePlainlyMore) {
  for (const std::uint16_t status : std::initializer_list<std::uint16_t>{404, 401, 302, 200}) {
    const RolloutStatus gate = judged(10, {{9, {.version = "v2", .status = status}}});
    EXPECT_EQ(gate.verdict, status == 200 ? Outcome::pass : Outcome::unknown) << status;
    EXPECT_THAT(gate.why, HasSubstr(status == 200 ? "finds nothing"
                                                  : "v2 answered 1080 of 2280 requests in the last "
                                                    "2m with 3xx or 4xx, v1 0 of 1200"));
  }
  EXPECT_EQ(
      judged(10, {{9, {.version = "v2", .status = 404}}, {9, {.version = "v1", .status = 404}}})
          .verdict,
      Outcome::pass);
  EXPECT_EQ(judged(100, {{20, {.version = "v2", .status = 404}}}).verdict, Outcome::pass)
      << "one in six";
}

TEST(DefaultWhole, ChecksThatComeAsOftenToEachAndWhatIsNotModifiedAreNoSign) {
  EngineRig rig(plan_by_default());
  rig.stream("v1", 9, {.version = "v1"});
  rig.stream("v2", 2, {.version = "v2"});
  for (const char* version : {"v1", "v2"}) {
    rig.stream(std::string("check ") + version, 1, {.version = version, .status = 401});
    rig.stream(std::string("same ") + version, version[1] == '2' ? 8 : 1,
               {.version = version, .status = 304});
  }
  rig.push(gate(rig.now()));
  rig.run(122s);
  EXPECT_EQ(rollout(rig).verdict, Outcome::pass) << rollout(rig).why;
}

TEST(DefaultWhole, ASmallCanaryThatRefusesAllIsNotHiddenByWhatTheBaselineRefuses) {
  EngineRig rig(plan_by_default());
  rig.stream("v1", 17, {.version = "v1"});
  rig.stream("refused by v1", 2, {.version = "v1", .status = 401});
  rig.stream("v2", 2, {.version = "v2", .status = 401});
  rig.push(gate(rig.now()));
  rig.run(122s);
  EXPECT_EQ(rollout(rig).verdict, Outcome::unknown) << rollout(rig).why;
}

TEST(DefaultWhole, HealthChecksOfTheOldVersionShowNothingOfWhatClientsDo) {
  EngineRig rig(plan_by_default());
  rig.stream("checks", 1, {.version = "v1"});
  rig.stream("v2", 30, {.version = "v2"});
  rig.stream("untimed", 60, {.version = "v2", .latency = {}});
  rig.stream("left", 9, {.version = "v2", .outcome = "canceled"});
  rig.push(gate(rig.now()));
  rig.run(122s);
  EXPECT_EQ(rollout(rig).verdict, Outcome::pass) << rollout(rig).why;
}

TEST(DefaultWhole, ClientsMustNotLeaveTheCandidateMore) {
  const auto left = [](const char* version) {
    return Alike{.version = version, .outcome = "canceled", .status = 0};
  };
  const RolloutStatus status = judged(10, {{9, left("v2")}});
  EXPECT_EQ(status.verdict, Outcome::unknown);
  EXPECT_THAT(status.why, HasSubstr("the clients of v2 left 1080 of 2280 requests in the last 2m "
                                    "before their end, those of v1 0 of 1200"));
  EXPECT_EQ(judged(10, {{9, left("v2")}, {9, left("v1")}}).verdict, Outcome::pass);
  EXPECT_EQ(judged(100, {{4, left("v2")}}).verdict, Outcome::pass) << "one in twenty-six";
}

TEST(DefaultWhole, ACandidateWithoutDurationsBesideABaselineWithThemIsNotKnown) {
  for (const std::optional<Duration> latency :
       {std::optional<Duration>(20ms), std::optional<Duration>()}) {
    EngineRig rig(plan_by_default());
    rig.stream("v1", 25, {.version = "v1", .latency = 20ms});
    rig.stream("v2", 25, {.version = "v2", .latency = latency});
    rig.push(gate(rig.now()));
    rig.run(122s);
    EXPECT_EQ(rollout(rig).verdict, latency ? Outcome::pass : Outcome::unknown);
    EXPECT_THAT(rollout(rig).why,
                HasSubstr(latency ? "finds nothing against it"
                                  : "requests of v2 in the last 2m tell no duration, of v1 0 of"));
  }
}

TEST(DefaultWhole, WhatIsOverForTwoMinutesPasses) {
  EngineRig rig(plan_by_default());
  rig.stream("v1", 25, {.version = "v1"});
  rig.stream("v2", 25, {.version = "v2"});
  rig.push(gate(rig.now(), 5min));
  rig.run(2s);
  rig.stream("cold", 2, failing("v2", "/_cold"));
  rig.run(10s);
  rig.stream("cold", 0);
  rig.run(4min + 52s);
  EXPECT_EQ(rollout(rig).verdict, Outcome::pass) << rollout(rig).why;
}

TEST(DefaultWhole, APersonMayPromoteAllTheSame) {
  EngineRig rig(plan_by_default());
  rig.stream("v1", 25, {.version = "v1"});
  rig.stream("v2", 25, {.version = "v2"});
  rig.stream("new", 1, failing("v2", "/new"));
  rig.push(gate(rig.now(), 10min));
  rig.run(2min);
  rig.push(OperatorCommand{.kind = OperatorCommand::Kind::promote,
                           .at = rig.now(),
                           .rollout = kId,
                           .by = "ops",
                           .reason = "the new route is not called yet"});
  rig.run(1s);
  EXPECT_EQ(rollout(rig).state, RolloutState::promoted) << rollout(rig).why;
}

TEST(DefaultWhole, ChanceIsTheBinomialsTail) {
  EXPECT_NEAR(chance_of_at_least(14, 14, 0.5), std::pow(0.5, 14), 1e-12);
  EXPECT_NEAR(chance_of_at_least(0, 9, 0.3), 1, 1e-12);
  EXPECT_NEAR(chance_of_at_least(2, 3, 0.1), 0.028, 1e-12);
}

/// The gate's end, where v2 has taken all of the traffic; so many of twenty requests of each
/// version end so.
RolloutStatus after_v1(const Alike& ends, int of_v1, int of_v2) {
  EngineRig rig(plan_by_default());
  const auto serve = [&](const char* version, int all, int part) {
    Alike alike = ends;
    alike.version = version;
    rig.stream(std::string(version) + " part", part, alike);
    rig.stream(std::string(version) + " rest", all - part, {.version = version});
  };
  serve("v1", 20, of_v1);
  rig.run(90s);
  serve("v1", 0, 0);
  serve("v2", 20, of_v2);
  rig.push(gate(rig.now(), 3min));
  rig.run(200s);
  EXPECT_TRUE(rig.orders.empty());
  return rollout(rig);
}

TEST(DefaultWhole, WithoutABaselineClientsAreAskedAsTheyWereBefore) {
  const Alike canceled{.outcome = "canceled", .status = 0};
  const Alike refused{.status = 404};
  for (const Alike& ends : {canceled, refused}) {
    const RolloutStatus worse = after_v1(ends, 1, 15);
    EXPECT_EQ(worse.verdict, Outcome::unknown) << ends.status;
    EXPECT_THAT(worse.why, HasSubstr(" before the rollout: nobody knows "));
    EXPECT_EQ(after_v1(ends, 15, 15).verdict, Outcome::pass) << ends.status;
    EXPECT_EQ(after_v1(ends, 0, 0).verdict, Outcome::pass);
  }
}

}  // namespace
}  // namespace belay::rules
