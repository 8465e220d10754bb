#include "monitor/doctor/forecast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/language/parser.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

rules::ServicePlan plan(const std::string& sentence = "") {
  rules::ServicePlan plan{.name = "shop"};
  if (sentence.empty()) return plan;
  auto parsed = rules::parse_sentence(sentence);
  EXPECT_TRUE(parsed.sentence) << sentence;
  if (parsed.sentence) {
    plan.rollout_rules.push_back(
        rules::Rule{.name = "shop-5xx", .sentence = *std::move(parsed.sentence)});
  }
  return plan;
}

/// "LEVEL ABOUT: WHAT" of each.
std::vector<std::string> lines(const Findings& findings) {
  std::vector<std::string> all;
  for (const Finding& one : findings) {
    all.push_back(std::string(name_of(one.level)) + " " + one.about + ": " + one.what);
  }
  return all;
}

std::vector<rules::RolloutStep> steps(const char* text) {
  auto parsed = rules::parse_steps(text);
  EXPECT_TRUE(parsed.ok());
  return parsed.ok() ? *parsed : std::vector<rules::RolloutStep>{};
}

TEST(ForecastTest, SaysWhichStepsWillHoldForLackOfEvidence) {
  // 31 requests in ten minutes at ten percent.
  EXPECT_THAT(
      lines(forecast(plan(), steps("10% for 10m, 50% for 10m, 100%"), 31.0 / 60)),
      ElementsAre("weak step 10%: 10 % for 10m gives 31 requests, below min 50: will hold; it "
                  "would take 16m8s",
                  "fine step 50%: 50 % for 10m gives 155 requests, min 50"));
}

TEST(ForecastTest, NamesTheRulesThatStayUnknownInTheSmallestStep) {
  const auto found = lines(forecast(plan("5xx rate > 5% over 1m, min 50 requests, for 30s"),
                                    steps("10% for 10m, 50% for 10m, 100%"), 2));
  EXPECT_THAT(found, testing::Contains("weak rule shop-5xx: stays unknown at 10 %: 12 requests in "
                                       "1m, below its min 50"));
  EXPECT_THAT(lines(forecast(plan("5xx rate > 5% over 1m, min 50 requests, for 30s"),
                             steps("10% for 10m"), 20)),
              ElementsAre("fine step 10%: 10 % for 10m gives 1200 requests, min 50"));
}

TEST(ForecastTest, WhatIsTooFewNeverReadsAsEnough) {
  EXPECT_THAT(lines(forecast(plan("5xx rate > 5% over 10s, min 20 requests, for 5s"),
                             steps("10% for 10m"), 19.9)),
              testing::Contains("weak rule shop-5xx: stays unknown at 10 %: 19 requests in 10s, "
                                "below its min 20"));
  EXPECT_THAT(lines(forecast(plan(), steps("10% for 10m min 5"), 0.0833)),
              ElementsAre("weak step 10%: 10 % for 10m gives 4.9 requests, below min 5: will hold; "
                          "it would take 10m1s"));
}

TEST(ForecastTest, WithoutTrafficNothingIsForeseen) {
  const Findings found = forecast(plan(), steps("10% for 10m"), 0);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].level, Finding::Level::unknown);
}

TEST(ForecastTest, WhereThereAreNoLogsNoRequestsAreMissed) {
  EXPECT_THAT(lines(forecast(plan(), steps("10% for 10m, 100%"), std::nullopt)),
              ElementsAre("note steps: there are no logs, so a step waits in vain for its min 50 "
                          "requests: it passes by the rules alone, at its hard maximum (10 % "
                          "after 30m)"));
  EXPECT_THAT(forecast(plan(), steps("10% for 10m min 0, 100%"), std::nullopt), IsEmpty());
}

TEST(ForecastTest, AStepWithoutABakeTimeNeedsNoEvidence) {
  EXPECT_THAT(forecast(plan(), {rules::RolloutStep{.percent = 100}}, 0.001), IsEmpty());
}

}  // namespace
}  // namespace belay::monitor
