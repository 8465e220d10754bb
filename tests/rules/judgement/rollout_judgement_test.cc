#include "rules/judgement/rollout_judgement.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/judgement/rollout_words.h"

namespace belay::rules {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = RolloutAnswer::Kind;

constexpr Instant kStart = from_unix_ms(1'700'000'000'000);

/// What one version does in one second.
struct Flow {
  std::uint32_t requests = 0;
  std::uint32_t errors = 0;
  std::uint32_t latency_ms = 20;
};

/// A rollout that is judged at every second.
class Rig {
 public:
  explicit Rig(std::optional<double> traffic = 0.1)
      : candidate_(names_.id("v2")),
        baseline_(names_.id("v1")),
        route_(names_.id("/api")),
        error_(names_.id("error")),
        evidence_(candidate_, baseline_, kStart),
        judgement_(evidence_, {.candidate = "v2", .baseline = "v1"}, RolloutLimits{}) {
    judgement_.begin_step(kStart, traffic);
  }

  void second(const Flow& candidate, const Flow& baseline) {
    calls(candidate_, candidate);
    calls(baseline_, baseline);
    now_ += 1s;
    evidence_.advance(now_);
    if (auto answer = judgement_.judge(now_, is_blind, names_)) answers.push_back(*answer);
  }
  void run(int seconds, const Flow& candidate, const Flow& baseline) {
    for (int i = 0; i < seconds; ++i) second(candidate, baseline);
  }
  void step(double traffic) { judgement_.begin_step(now_, traffic); }
  RolloutJudgement& judgement() { return judgement_; }

  /// "20s rollback broken"
  std::vector<std::string> told() const {
    std::vector<std::string> lines;
    for (const RolloutAnswer& answer : answers)
      lines.push_back(format_duration(answer.at - kStart) + " " + name_of(answer.kind) + " " +
                      name_of(answer.rule) + (answer.is_shared_cause ? " shared" : ""));
    return lines;
  }

  std::vector<RolloutAnswer> answers;
  bool is_blind = false;

 private:
  void calls(NameId version, const Flow& flow) {
    for (std::uint32_t i = 0; i < flow.requests; ++i) {
      const bool is_error = i < flow.errors;
      const auto place = evidence_.place({.version = version,
                                          .route = route_,
                                          .outcome = is_error ? error_ : kNoName,
                                          .is_error = is_error});
      ASSERT_TRUE(place);
      evidence_.count(*place, Request{.at = now_ + i * 1ms,
                                      .status = static_cast<std::uint16_t>(is_error ? 500 : 200),
                                      .latency_us = flow.latency_ms * 1000});
    }
  }

  NameTable names_;
  NameId candidate_;
  NameId baseline_;
  NameId route_;
  NameId error_;
  PairedEvidence evidence_;
  RolloutJudgement judgement_;
  Instant now_ = kStart;
};

TEST(RolloutJudgement, SaysNothingOfTwoHealthyVersions) {
  Rig rig;
  rig.run(600, {.requests = 2}, {.requests = 18});
  EXPECT_THAT(rig.told(), IsEmpty());
  EXPECT_FALSE(rig.judgement().hindrance());
}

TEST(RolloutJudgement, SaysWithNumbersWhatKeepsItFromPassingBeforeItActs) {
  Rig rig(1.0);
  rig.run(60, {.requests = 10, .errors = 2}, {});
  EXPECT_THAT(rig.told(), IsEmpty()) << "without a baseline it acts after 90 s";
  EXPECT_EQ(rig.judgement().hindrance(),
            "bad by default/errors, not yet enough to act: v2 fails 20% of its requests (60 of "
            "300), v1 has no requests in the last 30s");
}

TEST(RolloutJudgement, RollsABrokenCandidateBackAfterFiveSeconds) {
  Rig rig;
  rig.run(60, {.requests = 10}, {.requests = 90});
  rig.run(20, {.requests = 10, .errors = 10}, {.requests = 90});
  ASSERT_EQ(rig.answers.size(), 1U);
  // Half of the last ten seconds at 65 s, and five seconds more.
  EXPECT_EQ(rig.told().front(), "1m8s rollback clear");
  EXPECT_THAT(rig.answers.front().headline, HasSubstr("v2 fails"));
  EXPECT_TRUE(rig.judgement().is_over());
}

TEST(RolloutJudgement, PausesWhereBothAreBadAndGoesOnByItself) {
  Rig rig;
  rig.run(60, {.requests = 10}, {.requests = 90});
  rig.run(60, {.requests = 10, .errors = 4}, {.requests = 90, .errors = 36});
  rig.run(120, {.requests = 10}, {.requests = 90});
  ASSERT_GE(rig.answers.size(), 2U);
  EXPECT_EQ(rig.answers.front().kind, Kind::pause);
  EXPECT_TRUE(rig.answers.front().is_shared_cause);
  EXPECT_THAT(rig.answers.front().headline, HasSubstr("shared cause"));
  EXPECT_EQ(rig.answers.back().kind, Kind::resume);
  for (const RolloutAnswer& answer : rig.answers) EXPECT_NE(answer.kind, Kind::rollback);
}

TEST(RolloutJudgement, ComparesAFewPercentOfErrorsAndSaysWhoseTheyWere) {
  Rig rig;
  rig.run(120, {.requests = 10}, {.requests = 90});
  for (int i = 0; i < 120; ++i)
    rig.second({.requests = 10, .errors = i % 3 == 0 ? 1U : 0U}, {.requests = 90});
  ASSERT_FALSE(rig.answers.empty());
  const RolloutAnswer& last = rig.answers.back();
  EXPECT_EQ(last.kind, Kind::rollback);
  EXPECT_EQ(last.rule, RolloutRule::comparison);
  EXPECT_THAT(last.headline,
              HasSubstr("v2 took 10% of the traffic and produced 100% of the errors"));
  EXPECT_THAT(last.headline, HasSubstr("(limit 200 to 1)"));
  EXPECT_GT(last.numbers.odds, 200);
  ASSERT_EQ(last.numbers.routes.size(), 1U);
  EXPECT_EQ(last.numbers.routes.front().name, "/api");
  ASSERT_EQ(last.numbers.reasons.size(), 1U);
  EXPECT_EQ(last.numbers.reasons.front().name, "500 error");
}

TEST(RolloutJudgement, FindsASlowCandidateOnceTheColdStartIsOver) {
  Rig rig;
  const auto slow = [&](int seconds, std::uint32_t latency_ms) {
    for (int i = 0; i < seconds; ++i)
      rig.second({.requests = 10, .latency_ms = latency_ms + static_cast<std::uint32_t>(i % 7)},
                 {.requests = 90, .latency_ms = 20 + static_cast<std::uint32_t>(i % 7)});
  };
  slow(55, 40);
  EXPECT_THAT(rig.told(), IsEmpty());
  slow(120, 40);
  ASSERT_FALSE(rig.answers.empty());
  EXPECT_EQ(rig.answers.back().kind, Kind::rollback);
  EXPECT_NE(rig.answers.back().numbers.compared, Compared::errors);
  EXPECT_THAT(rig.answers.back().headline, HasSubstr("slower than the baseline's"));
}

TEST(RolloutJudgement, AtFullTrafficErrorsWaitForNinetySecondsAndLatencyOnlyPauses) {
  Rig rig;
  rig.run(60, {.requests = 2}, {.requests = 18});
  rig.step(1);
  rig.run(120, {.requests = 20}, {});
  rig.run(200, {.requests = 20, .latency_ms = 400}, {});
  ASSERT_EQ(rig.answers.size(), 1U);
  EXPECT_EQ(rig.answers.front().kind, Kind::pause);
  EXPECT_EQ(rig.answers.front().rule, RolloutRule::latency);
  rig.run(85, {.requests = 20, .errors = 4, .latency_ms = 400}, {});
  EXPECT_EQ(rig.answers.size(), 1U);
  rig.run(30, {.requests = 20, .errors = 4, .latency_ms = 400}, {});
  ASSERT_EQ(rig.answers.size(), 2U);
  EXPECT_EQ(rig.answers.back().kind, Kind::rollback);
  EXPECT_EQ(rig.answers.back().rule, RolloutRule::errors);
}

TEST(RolloutJudgement, PausesWhenTheCandidateFallsSilentButNotWhenBlind) {
  for (const bool is_blind : {false, true}) {
    Rig rig(0.5);
    rig.is_blind = is_blind;
    rig.run(60, {.requests = 10}, {.requests = 10});
    rig.run(90, {}, {.requests = 10});
    if (is_blind) {
      EXPECT_THAT(rig.told(), IsEmpty());
    } else {
      EXPECT_THAT(rig.told(), testing::ElementsAre("2m pause candidate_silent"));
      rig.run(1, {.requests = 10}, {.requests = 10});
      EXPECT_EQ(rig.answers.back().kind, Kind::resume);
    }
  }
}

TEST(RolloutJudgement, BlamesFailedProbesOnlyWhenTheBaselinesPass) {
  const auto fail = [](Rig& rig, Role role, Instant from) {
    for (int i = 0; i < 3; ++i)
      rig.judgement().probe_answered("healthz", role, from + i * 5s, /*failed=*/true);
  };
  Rig alone;
  fail(alone, Role::candidate, kStart);
  alone.second({.requests = 2}, {.requests = 18});
  EXPECT_THAT(alone.told(), testing::ElementsAre("1s pause probes"));
  alone.judgement().probe_answered("healthz", Role::baseline, kStart + 10s, /*failed=*/false);
  alone.second({.requests = 2}, {.requests = 18});
  EXPECT_EQ(alone.answers.back().kind, Kind::rollback);
  EXPECT_THAT(alone.answers.back().headline, HasSubstr("the last three probes of v2 by healthz"));

  Rig both;
  fail(both, Role::candidate, kStart);
  fail(both, Role::baseline, kStart);
  both.second({.requests = 2}, {.requests = 18});
  EXPECT_THAT(both.told(), testing::ElementsAre("1s pause probes shared"));

  Rig stale;
  stale.judgement().probe_answered("healthz", Role::baseline, kStart, /*failed=*/false);
  fail(stale, Role::candidate, kStart + 1s);
  stale.second({.requests = 2}, {.requests = 18});
  EXPECT_THAT(stale.told(), testing::ElementsAre("1s pause probes")) << "it passed before that";

  Rig apart;
  apart.judgement().probe_answered("healthz", Role::candidate, kStart, /*failed=*/true);
  apart.judgement().probe_answered("deep", Role::candidate, kStart, /*failed=*/true);
  apart.judgement().probe_answered("healthz", Role::candidate, kStart, /*failed=*/true);
  apart.second({.requests = 2}, {.requests = 18});
  EXPECT_THAT(apart.told(), IsEmpty()) << "each probe counts by itself";
}

TEST(RolloutJudgement, PausesForFailuresOfWhichNobodyKnowsTheVersion) {
  Rig rig;
  const auto answer = [&rig](std::optional<Role> role, bool failed) {
    rig.judgement().probe_answered("healthz", role, kStart, failed);
    rig.second({.requests = 2}, {.requests = 18});
  };
  for (int i = 0; i < 3; ++i) answer(std::nullopt, /*failed=*/true);
  EXPECT_THAT(rig.told(), testing::ElementsAre("3s pause probes"));
  EXPECT_THAT(rig.answers.back().headline, HasSubstr("they name no version"));
  for (int i = 0; i < 3; ++i) answer(std::nullopt, /*failed=*/false);
  EXPECT_EQ(rig.answers.back().kind, Kind::resume);
}

TEST(RolloutJudgement, FewRequestsThatFailLetNothingPass) {
  for (const int failed : {0, 1, 2}) {
    Rig rig;
    for (int i = 0; i < 20; ++i) {
      rig.second({.requests = 1, .errors = i < 10 * failed ? 1U : 0U}, {});
      rig.run(9, {}, {});
    }
    EXPECT_EQ(rig.judgement().hindrance().has_value(), failed > 0) << failed;
    if (failed > 0) {
      EXPECT_THAT(rig.told(), testing::ElementsAre("3m11s pause errors"))
          << "20 are enough to page";
    }
  }
}

TEST(RolloutJudgement, FewRequestsThatFailBesideABaselineThatDoesHaveASharedCause) {
  Rig rig;
  for (int i = 0; i < 20; ++i) {
    rig.second({.requests = 1, .errors = 1}, {.requests = 1, .errors = 1});
    rig.run(9, {}, {});
  }
  EXPECT_THAT(rig.told(), testing::ElementsAre("3m11s pause errors shared"));
  EXPECT_THAT(
      rig.answers.back().headline,
      HasSubstr("shared cause: 20 of the last 20 requests of v2 failed, and 12 of 12 of v1"));
}

TEST(RolloutJudgement, FewThatFailPageOnceAndNotForWhatIsLongOver) {
  Rig rig;
  const auto serve = [&rig](int tens, std::uint32_t errors_of_four) {
    for (int i = 0; i < tens; ++i) {
      rig.second({.requests = 1, .errors = i % 4 < static_cast<int>(errors_of_four) ? 1U : 0U}, {});
      rig.run(9, {}, {});
    }
  };
  serve(40, 1);
  EXPECT_THAT(rig.told(), testing::SizeIs(1)) << "a quarter fails for long: one page";
  serve(70, 0);
  EXPECT_EQ(rig.answers.back().kind, Kind::resume);
  EXPECT_EQ(rig.judgement().hindrance(), std::nullopt) << "60 without a failure are enough";
}

TEST(RolloutJudgement, SaysThatACandidateMayHarmBothWhenBothTurnBadAfterAStep) {
  const Flow bad_candidate{.requests = 50, .errors = 20};
  const Flow bad_baseline{.requests = 50, .errors = 20};
  for (const int calm_seconds : {10, 300}) {
    Rig rig;
    rig.run(200, {.requests = 10}, {.requests = 90});
    rig.step(0.5);
    rig.run(calm_seconds, {.requests = 50}, {.requests = 50});
    rig.run(30, bad_candidate, bad_baseline);
    ASSERT_FALSE(rig.answers.empty());
    EXPECT_TRUE(rig.answers.front().is_shared_cause);
    ASSERT_FALSE(rig.answers.front().details.empty());
    const bool is_told = rig.answers.front().details.front() == kHarmsBoth;
    EXPECT_EQ(is_told, calm_seconds == 10) << calm_seconds;
  }
  Rig before;
  before.run(60, {.requests = 10, .errors = 4}, {.requests = 90, .errors = 36});
  ASSERT_FALSE(before.answers.empty());
  for (const std::string& line : before.answers.front().details)
    EXPECT_NE(line, kHarmsBoth) << "nobody knows how the baseline was before";
}

TEST(RolloutJudgement, PausesForAQueueOnlyIfItWasNotAsDeepBefore) {
  Rig rig;
  rig.judgement().queue_above("emails", 1400, 1000);
  rig.second({.requests = 2}, {.requests = 18});
  EXPECT_THAT(rig.told(), IsEmpty());
  rig.judgement().queue_above("emails", 1600, 1000);
  rig.second({.requests = 2}, {.requests = 18});
  EXPECT_THAT(rig.told(), testing::ElementsAre("2s pause queue"));
  EXPECT_THAT(rig.answers.back().headline, HasSubstr("queue emails is 1600 deep"));
  rig.judgement().queue_fine("emails");
  rig.second({.requests = 2}, {.requests = 18});
  EXPECT_EQ(rig.answers.back().kind, Kind::resume);
}

TEST(RolloutJudgement, ASecondThatWasCountedElsewhereSaysTheSameAsItsRequests) {
  NameTable names;
  const NameId v2 = names.id("v2");
  const NameId v1 = names.id("v1");
  PairedEvidence single(v2, v1, kStart);
  PairedEvidence counted(v2, v1, kStart);
  Instant now = kStart;
  for (std::uint32_t second = 0; second < 300; ++second) {
    for (const NameId version : {v2, v1}) {
      for (const bool is_error : {false, true}) {
        const std::uint32_t count = is_error ? (second % 5 == 0 ? 1 : 0) : 12;
        if (count == 0) continue;
        RequestSecond whole{
            .like = {.at = now, .status = is_error ? std::uint16_t{500} : std::uint16_t{200}}};
        const auto place =
            single.place({.version = version, .route = names.id("/api"), .is_error = is_error});
        const auto other =
            counted.place({.version = version, .route = names.id("/api"), .is_error = is_error});
        for (std::uint32_t i = 0; i < count; ++i) {
          Request one = whole.like;
          one.latency_us = 1000 * (20 + (second * 7919 + i * 104'729) % (version == v2 ? 40 : 30));
          single.count(*place, one);
          ++whole.count;
          whole.latency.push_back({bucket_of(*one.latency_us), 1});
        }
        counted.count(*other, whole);
      }
    }
    now += 1s;
    single.advance(now);
    counted.advance(now);
    ASSERT_EQ(single.comparison().log_odds(), counted.comparison().log_odds());
  }
  EXPECT_NE(single.comparison().log_odds(), 0);
  EXPECT_NE(single.comparison().log_odds_of_latency(), 0);
}

TEST(RolloutJudgement, BlamesNobodyForBeingTheSecondToComeBackFromAnOutageThatBothShared) {
  Rig rig;
  const auto answer = [&rig](Role role, std::chrono::seconds at, bool failed) {
    rig.judgement().probe_answered("healthz", role, kStart + at, failed);
  };
  for (int i = 0; i < 4; ++i) {
    answer(Role::candidate, i * 10s, true);
    answer(Role::baseline, i * 10s + 5s, true);
  }
  rig.second({.requests = 2}, {.requests = 18});
  answer(Role::candidate, 40s, true);
  answer(Role::baseline, 45s, false);
  rig.second({.requests = 2}, {.requests = 18});
  EXPECT_THAT(rig.told(), testing::ElementsAre("1s pause probes shared", "2s pause probes"));
  answer(Role::candidate, 50s, true);
  answer(Role::baseline, 55s, false);
  answer(Role::candidate, 60s, true);
  rig.second({.requests = 2}, {.requests = 18});
  EXPECT_EQ(rig.answers.back().kind, Kind::rollback) << "three that the baseline did not share";
}

}  // namespace
}  // namespace belay::rules
