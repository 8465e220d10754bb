#include "rules/judgement/few_failures.h"

#include <cstdint>

#include <gtest/gtest.h>

#include "rules/judgement/names.h"

namespace belay::rules {
namespace {

using namespace std::chrono_literals;

constexpr double kAllowed = 0.05;

/// Few requests, one after the other.
class Rig {
 public:
  /// One of the candidate every `every` seconds.
  void run(int requests, bool are_failing, int every) {
    for (int i = 0; i < requests; ++i) {
      call(candidate_, are_failing);
      seconds(every);
    }
  }
  void call_baseline(int requests, bool are_failing) {
    for (int i = 0; i < requests; ++i) call(baseline_, are_failing);
  }
  void seconds(int count, bool is_blind = false) {
    for (int i = 0; i < count; ++i) {
      now_ += 1s;
      evidence_.advance(now_);
      few_.look(evidence_, kAllowed, is_blind);
    }
  }
  [[nodiscard]] const FewFailures& few() const { return few_; }

 private:
  void call(NameId version, bool is_failing) {
    const auto place = evidence_.place({.version = version,
                                        .route = names_.id("/"),
                                        .outcome = names_.id("ok"),
                                        .is_error = is_failing});
    evidence_.count(*place, Request{.at = now_});
  }

  NameTable names_;
  NameId candidate_ = names_.id("v2");
  NameId baseline_ = names_.id("v1");
  Instant now_ = from_unix_ms(1'700'000'000'000);
  PairedEvidence evidence_{candidate_, baseline_, now_};
  FewFailures few_;
};

TEST(FewFailures, ThreeOrHalfOfThemHinder) {
  Rig rig;
  rig.run(1, /*are_failing=*/true, 5);
  EXPECT_TRUE(rig.few().hinders()) << "all that there are";
  rig.run(2, /*are_failing=*/false, 5);
  EXPECT_FALSE(rig.few().hinders()) << "a straggler";
  rig.run(1, /*are_failing=*/true, 5);
  EXPECT_TRUE(rig.few().hinders());
  EXPECT_FALSE(rig.few().is_plain()) << "nobody is woken by two of four";
  EXPECT_EQ(rig.few().words("v2", "v1"), "2 of the last 4 requests of v2 failed");
}

TEST(FewFailures, NoFailureIsRememberedAfterSixtyGoodRequests) {
  Rig rig;
  rig.run(6, /*are_failing=*/true, 10);
  rig.run(59, /*are_failing=*/false, 10);
  EXPECT_TRUE(rig.few().hinders()) << "59 show at most 5.1%";
  rig.run(1, /*are_failing=*/false, 10);
  EXPECT_FALSE(rig.few().hinders());
}

TEST(FewFailures, PlainlyTooManyPauseOnceAndAgainOnlyByAnotherFailure) {
  Rig rig;
  rig.run(20, /*are_failing=*/true, 2);
  ASSERT_TRUE(rig.few().is_plain());
  EXPECT_FALSE(rig.few().is_shared());
  rig.run(40, /*are_failing=*/false, 3);
  ASSERT_FALSE(rig.few().is_plain()) << "what failed is two minutes ago";
  rig.seconds(110);
  EXPECT_TRUE(rig.few().hinders()) << "a third of the step's failed, and only 40 were good since";
  EXPECT_FALSE(rig.few().is_plain()) << "nothing has failed since that was over";
  rig.run(1, /*are_failing=*/true, 1);
  EXPECT_TRUE(rig.few().is_plain());
}

TEST(FewFailures, NoPauseBeginsWhereTheLogCannotBeTrusted) {
  Rig rig;
  rig.run(19, /*are_failing=*/true, 2);
  ASSERT_FALSE(rig.few().is_plain());
  rig.run(1, /*are_failing=*/true, 0);
  rig.seconds(1, /*is_blind=*/true);
  EXPECT_FALSE(rig.few().is_plain());
  rig.seconds(1);
  EXPECT_TRUE(rig.few().is_plain());
}

TEST(FewFailures, WhatTheBaselineSharesIsNotTheCandidates) {
  for (const bool is_shared : {false, true}) {
    Rig rig;
    rig.call_baseline(20, is_shared);
    rig.run(20, /*are_failing=*/true, 2);
    ASSERT_TRUE(rig.few().is_plain());
    EXPECT_EQ(rig.few().is_shared(), is_shared);
    EXPECT_EQ(rig.few().blames_candidate(), !is_shared);
    EXPECT_EQ(rig.few().words("v2", "v1"),
              std::string("20 of the last 20 requests of v2 failed, and ") +
                  (is_shared ? "20" : "0") + " of 20 of v1");
  }
}

}  // namespace
}  // namespace belay::rules
