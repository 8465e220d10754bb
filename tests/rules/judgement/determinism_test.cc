// Goal: the engine's answers depend on its events and times alone, in the ways that it promises.
// Method: random traffic from fixed seeds, fed in two ways that must not be told apart.

#include <algorithm>
#include <map>
#include <random>
#include <utility>

#include <gtest/gtest.h>

#include "rules/windows/histogram.h"
#include "tests/rules/support/engine_dump.h"
#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

std::vector<Rule> rules() {
  return {make_rule("errors", "error rate > 5% over 1m, min 20 requests, for 3s"),
          make_rule("slow", "p95 latency > 250ms over 30s, min 20 requests"),
          make_rule("mean", "mean latency > 100ms over 10s"),
          make_rule("many", "requests rate > 20/s over 10s, for 3s of 5s"),
          make_rule("post", "p50 latency{method=\"POST\"} > 10ms over 10s")};
}

Request random_request(EngineRig& rig, std::mt19937& random, Instant at) {
  const auto one_of = [&random](int n) { return static_cast<int>(random() % unsigned(n)); };
  Alike alike;
  alike.version = one_of(2) == 0 ? "v1" : "v2";
  alike.method = one_of(3) == 0 ? "POST" : "GET";
  alike.status = one_of(15) == 0 ? 503 : 200;
  alike.latency = std::chrono::milliseconds{one_of(400)};
  if (one_of(10) == 0) alike.latency.reset();
  return rig.request(alike, at);
}

std::string play(unsigned seed) {
  EngineRig rig(rules());
  std::mt19937 random(seed);
  std::string told;
  for (int i = 0; i < 240; ++i) {
    for (auto n = random() % 12; n > 0; --n)
      rig.push(random_request(rig, random, rig.now() - std::chrono::milliseconds{random() % 3000}));
    rig.push(SourceState{.source = EngineRig::kTail, .at = rig.now()});
    told += dump(rig.jump(250ms)) + dump(rig.engine.snapshot());
  }
  return told;
}

TEST(Determinism, TheSameEventsTwiceGiveTheSameBytes) {
  const std::string once = play(7);
  EXPECT_NE(once.find("firing"), std::string::npos) << "the test must have something to compare";
  EXPECT_EQ(once, play(7));
}

/// The requests of one second as one event for each kind of them, as an agent elsewhere counts
/// them.
std::vector<Event> counted(const std::vector<Request>& requests) {
  std::map<std::tuple<TextId, TextId, std::uint16_t>, RequestSecond> seconds;
  for (const Request& request : requests) {
    RequestSecond& second = seconds[{request.version, request.method, request.status}];
    if (second.count++ == 0) {
      second.like = request;
      second.like.latency_us.reset();
      second.above = {{250'000, 0}, {10'000, 0}};
    }
    if (!request.latency_us) continue;
    second.latency.push_back({bucket_of(*request.latency_us), 1});
    second.latency_sum_us += *request.latency_us;
    second.latency_max_us = std::max(second.latency_max_us, *request.latency_us);
    for (RequestSecond::Above& above : second.above)
      above.count += *request.latency_us > above.threshold_us ? 1U : 0U;
  }
  std::vector<Event> events;
  for (auto& [key, second] : seconds) events.emplace_back(std::move(second));
  return events;
}

TEST(Determinism, ASecondOfRequestsCannotBeToldFromTheSameRequestsOneByOne) {
  EngineRig one_by_one(rules());
  EngineRig by_second(rules());
  std::mt19937 random(11);
  for (int i = 0; i < 60; ++i) {
    const Instant second = one_by_one.now();
    std::vector<Request> requests;
    for (auto n = 5 + random() % 40; n > 0; --n) {
      const Instant at = second + std::chrono::milliseconds{random() % 1000};
      std::mt19937 same = random;
      requests.push_back(random_request(one_by_one, random, at));
      random_request(by_second, same, at);  // Defines the same texts.
    }
    for (const Request& request : requests) one_by_one.push(request);
    for (Event& event : counted(requests)) by_second.push(std::move(event));
    for (EngineRig* rig : {&one_by_one, &by_second})
      rig->push(SourceState{.source = EngineRig::kTail, .at = rig->now()});
    ASSERT_EQ(dump(one_by_one.jump(1s)), dump(by_second.jump(1s))) << "second " << i;
    ASSERT_EQ(dump(one_by_one.engine.snapshot()), dump(by_second.engine.snapshot()));
  }
}

TEST(Determinism, TheOrderOfArrivalWithinTheLatenessDoesNotChangeTheWindows) {
  EngineRig in_order(rules());
  EngineRig shuffled(rules());
  std::mt19937 random(13);
  std::vector<Request> requests;
  for (int i = 0; i < 400; ++i) {
    std::mt19937 same = random;
    const Instant at = EngineRig::kStart + std::chrono::milliseconds{10 * i};
    requests.push_back(random_request(in_order, random, at));
    random_request(shuffled, same, at);
  }
  for (const Request& request : requests) in_order.push(request);
  std::shuffle(requests.begin(), requests.end(), random);
  for (const Request& request : requests) shuffled.push(request);
  in_order.jump(4s);
  shuffled.jump(4s);
  in_order.run(1s);
  shuffled.run(1s);
  EXPECT_EQ(dump(in_order.engine.snapshot()), dump(shuffled.engine.snapshot()));
}

TEST(Determinism, SecondsThatAStepSkipsAreEachChecked) {
  EngineRig stepped({make_rule("errors", "error rate > 5% over 10s, min 5 requests, for 5s")});
  EngineRig skipping({make_rule("errors", "error rate > 5% over 10s, min 5 requests, for 5s")});
  stepped.stream("bad", 4, {.status = 500});
  stepped.run(8s);
  for (int i = 0; i < 32; ++i)
    skipping.push(skipping.request({.status = 500}, EngineRig::kStart + 250ms * i + 125ms));
  const Step step = skipping.jump(8s);
  ASSERT_FALSE(step.notices.empty());
  EXPECT_EQ(skipping.rule("errors").firing_since, stepped.rule("errors").firing_since);
}

}  // namespace
}  // namespace belay::rules
