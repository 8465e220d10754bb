// The default judgement where the baseline's log comes later than the candidate's.

#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/rules/rollout/default_rollout.h"
#include "tests/rules/rollout/late_flows.h"

namespace belay::rules {
namespace {

TEST(LateBaseline, IsWaitedFor) {
  for (const Duration late : {Duration{45s}, Duration{150s}}) {
    const Flow v2{.alike = {.version = "v2"}, .bad = 200s};
    Flow v1{.alike = {.version = "v1"}, .late = late, .source = kEdge, .bad = 200s};
    const RolloutStatus shared = beside_gate({v2, v1});
    EXPECT_EQ(shared.state, RolloutState::inconclusive) << late / 1s << ": " << shared.why;
    v1.bad.reset();
    EXPECT_TRUE(is_rolled_back(beside_gate({v2, v1}))) << late / 1s;
  }
}

TEST(LateBaseline, IsWaitedForThoughTheCandidateFailedOnceBefore) {
  for (const int of_v1 : {1, 20})
    for (const Alike& usual :
         {Alike{.version = "v2", .status = 500}, Alike{.version = "v2", .latency = 900ms}}) {
      const Flow v1{.alike = {.version = "v1"},
                    .late = 150s,
                    .per_second = of_v1,
                    .source = kEdge,
                    .bad = 300s};
      const Flow v2{.alike = {.version = "v2"}, .bad = 300s};
      const Flow once{.alike = usual, .per_second = 1, .from = 290s, .until = 291s};
      const RolloutStatus ended = beside_gate({v1, v2, once});
      EXPECT_EQ(ended.state, RolloutState::inconclusive) << of_v1 << ": " << ended.why;
    }
}

TEST(LateBaseline, IsAskedHowMuchOfItFails) {
  const auto of = [](const char* version, int fine, int bad, Flow flow) {
    flow.alike.version = version;
    flow.per_second = fine;
    Flow failing = flow;
    failing.per_second = bad;
    failing.bad = 200s;
    return std::vector{flow, failing};
  };
  for (const int of_v2 : {7, 12}) {
    std::vector<Flow> flows = of("v1", 14, 6, {.late = 150s, .source = kEdge});
    for (const Flow& flow : of("v2", 20 - of_v2, of_v2, {})) flows.push_back(flow);
    EXPECT_EQ(is_rolled_back(beside_gate(flows)), of_v2 == 12) << of_v2;
  }
}

TEST(LateBaseline, IsWaitedForThoughHalfOfTheCandidateIsAsLate) {
  for (const int live : {4, 9}) {
    const Flow live_v2{.alike = {.version = "v2"}, .per_second = live, .bad = 200s};
    const Flow late_v2{.alike = {.version = "v2"},
                       .late = 150s,
                       .per_second = 20 - live,
                       .source = kEdge,
                       .bad = 200s};
    Flow v1{.alike = {.version = "v1"}, .late = 150s, .source = kEdge, .bad = 200s};
    const RolloutStatus shared = beside_gate({v1, live_v2, late_v2});
    EXPECT_EQ(shared.state, RolloutState::inconclusive) << live << ": " << shared.why;
    v1.bad.reset();
    EXPECT_TRUE(is_rolled_back(beside_gate({v1, live_v2, late_v2}))) << live;
  }
}

TEST(LateBaseline, LetsNothingPassWhereTheCandidateHasFewerRequestsNow) {
  for (const Duration late : {Duration{45s}, Duration{150s}}) {
    const Duration end = 610s - late;
    const Flow v1{.alike = {.version = "v1"}, .late = late, .per_second = 1, .source = kEdge};
    const Flow before{.alike = {.version = "v2"}, .per_second = 100, .until = end};
    const Flow now{.alike = {.version = "v2", .status = 500}, .per_second = 1, .from = end};
    const RolloutStatus ended = beside_gate({v1, before, now});
    EXPECT_EQ(ended.state, RolloutState::inconclusive) << late / 1s << ": " << ended.why;
  }
}

TEST(LateBaseline, LetsNothingPassThatTheCandidateShowsNow) {
  for (const int of_v1 : {1, 20})
    for (const Duration late : {Duration{45s}, Duration{150s}}) {
      const Flow v1{.alike = {.version = "v1"}, .late = late, .per_second = of_v1, .source = kEdge};
      const RolloutStatus ended = beside_gate({v1, {.alike = {.version = "v2"}, .bad = 570s}});
      EXPECT_EQ(ended.state, RolloutState::inconclusive) << late / 1s << ": " << ended.why;
      EXPECT_EQ(beside_gate({v1, {.alike = {.version = "v2"}}}).state, RolloutState::promoted);
    }
}

TEST(LateBaseline, IsWaitedForThoughItsHealthChecksAreLive) {
  for (const Duration late : {Duration{45s}, Duration{150s}}) {
    const Flow checks{.alike = {.version = "v1", .route = "/healthz"}, .per_second = 3};
    const Flow of_v2{.alike = {.version = "v2", .route = "/healthz"}, .per_second = 3};
    Flow v1{
        .alike = {.version = "v1", .route = "/buy"}, .late = late, .source = kEdge, .bad = 200s};
    const Flow v2{.alike = {.version = "v2", .route = "/buy"}, .bad = 200s};
    EXPECT_EQ(beside_gate({checks, of_v2, v1, v2}).state, RolloutState::inconclusive)
        << "both are bad, " << late / 1s;
    v1.bad.reset();
    EXPECT_TRUE(is_rolled_back(beside_gate({checks, of_v2, v1, v2}))) << late / 1s;
  }
}

TEST(LateBaseline, AndCandidateAreLookedAtAsAWholeThoughTheirLivePartIsTheWorse) {
  EngineRig rig(plan_with_edge());
  rig.run(20s);
  for (int second = -200; second < 620; ++second) {
    if (second == 0) rig.push(gate(rig.now(), 10min));
    for (const char* version : {"v1", "v2"}) {
      for (int i = 0; i < 16; ++i)
        rig.push(rig.request({.version = version}, rig.now() - 150s, kEdge));
      for (int i = 0; i < 4; ++i) {
        const bool fails = (4 * (second + 200) + i) % 10 == 0;
        rig.push(rig.request(
            {.version = version, .status = static_cast<std::uint16_t>(fails ? 500 : 200)},
            rig.now()));
      }
    }
    rig.run(1s);
  }
  EXPECT_EQ(rollout(rig).state, RolloutState::promoted) << rollout(rig).why;
}

TEST(LateBaseline, OfFewRequestsDoesNotHideASlowCandidate) {
  EngineRig rig(plan_with_edge());
  rig.run(20s);
  for (int second = -200; second < 1200; ++second) {
    if (second == 0) rig.push(gate(rig.now(), 20min));
    const Duration latency = second < 100 ? 100ms : 3s;
    for (int i = 0; i < 20; ++i)
      rig.push(rig.request({.version = "v2", .latency = latency}, rig.now()));
    if (second % 8 == 0)
      rig.push(rig.request({.version = "v1", .latency = 100ms}, rig.now() - 45s, kEdge));
    rig.run(1s);
  }
  EXPECT_EQ(rig.orders.size(), 1U) << rollout(rig).why;
}

/// Both versions' logs come in batches; the candidate gets slower 200 s after the gate began.
bool is_slow_found(Duration every, Duration slow) {
  EngineRig rig(plan_with_edge());
  rig.run(20s);
  std::vector<Request> waiting;
  for (Duration at = -200s; at < 700s; at += 1s) {
    if (at == 0s) rig.push(gate(rig.now(), 10min));
    const Duration latency = at < 200s ? Duration{20ms} : slow;
    for (int i = 0; i < 20; ++i) {
      waiting.push_back(rig.request({.version = "v1", .latency = 20ms}, rig.now(), kEdge));
      waiting.push_back(rig.request({.version = "v2", .latency = latency}, rig.now(), kEdge));
    }
    if (at % every == 0s)
      for (const Request& request : std::exchange(waiting, {})) rig.push(request);
    rig.run(1s);
  }
  return !rig.orders.empty();
}

TEST(LateBaseline, ThatComesInTheSameBatchesAsTheCandidateIsNotBehindIt) {
  for (const Duration every : {Duration{1s}, Duration{30s}, Duration{60s}}) {
    EXPECT_TRUE(is_slow_found(every, 200ms)) << every / 1s;
    EXPECT_FALSE(is_slow_found(every, 20ms)) << every / 1s;
  }
}

}  // namespace
}  // namespace belay::rules
