// How far back a comparison looks where logs are late.

#include "rules/judgement/paired_evidence.h"

#include <gtest/gtest.h>

namespace belay::rules {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart = from_unix_ms(1'700'000'000'000);
constexpr Duration kLag = 100s;
/// Seconds begin anew: what ended within one may have come within the next.
constexpr Duration kBehind = kLag + 1s;
constexpr Instant kNow = kStart + 200s;

struct Part {
  std::uint32_t requests = 0;
  bool are_failing = false;
};

/// How far last() ends behind, of so many a second that came as they ended, and a lag later.
Duration behind(const Part& in_time, const Part& late) {
  NameTable names;
  const NameId v2 = names.id("v2");
  PairedEvidence evidence(v2, names.id("v1"), kStart);
  const auto count = [&](Instant at, const Part& part) {
    const auto place =
        evidence.place({.version = v2, .route = names.id("/api"), .is_error = part.are_failing});
    ASSERT_TRUE(place);
    for (std::uint32_t i = 0; i < part.requests; ++i)
      evidence.count(*place, Request{.at = at, .status = 200});
  };
  for (Instant now = kStart + kLag; now < kNow; now += 1s) {
    evidence.advance(now, kLag);
    count(now, in_time);
    count(now - kLag, late);
  }
  evidence.advance(kNow, kLag);
  return kNow - evidence.complete();
}

TEST(PairedEvidence, LooksWhereMostOfTheCandidateIsToBeSeen) {
  EXPECT_EQ(behind({.requests = 40}, {}), 0s);
  EXPECT_EQ(behind({.requests = 10, .are_failing = true}, {.requests = 30}), kBehind);
  EXPECT_EQ(behind({.requests = 40}, {.requests = 1, .are_failing = true}), 0s);
}

TEST(PairedEvidence, LooksAtTheWorseHalf) {
  EXPECT_EQ(behind({.requests = 30}, {.requests = 10, .are_failing = true}), kBehind);
  EXPECT_EQ(behind({.requests = 30, .are_failing = true}, {.requests = 10}), 0s);
  EXPECT_EQ(behind({.requests = 30}, {.requests = 10}), 0s);
}

TEST(ArrivalDelays, OneBacklogMakesNoHabit) {
  ArrivalDelays delays;
  std::int64_t now = 1000;
  const auto minute = [&](std::int64_t delay) {
    for (int i = 0; i < 60; ++i) {
      delays.advance(++now);
      delays.add(delay, 10, now);
    }
    return delays.quantile(0.5);
  };
  EXPECT_EQ(delays.quantile(0.5), 0);
  EXPECT_EQ(minute(0), 0);
  EXPECT_EQ(minute(0), 0);
  delays.add(200, 2000, now);
  EXPECT_EQ(delays.quantile(0.5), 0);
  EXPECT_EQ(minute(0), 0);
  EXPECT_EQ(minute(0), 0);
  EXPECT_EQ(minute(30), 0);
  EXPECT_EQ(minute(30), 30);
  EXPECT_EQ(minute(30), 30);
  delays.advance(++now);
  delays.add(0, 1, now);
  EXPECT_EQ(delays.quantile(0.5), 30) << "one that comes otherwise";
  delays.add(90, 2000, now);
  EXPECT_EQ(delays.quantile(0.5), 30);
  EXPECT_EQ(minute(0), 30);
  EXPECT_EQ(minute(0), 0);
  minute(30);
  EXPECT_EQ(minute(30), 30);
  delays.forget_if_over(now + 100);
  EXPECT_EQ(delays.quantile(0.5), 30);
  delays.forget_if_over(now + 200);
  EXPECT_EQ(delays.quantile(0.5), 0);
}

}  // namespace
}  // namespace belay::rules
