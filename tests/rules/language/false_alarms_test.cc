#include "rules/language/false_alarms.h"

#include <cmath>

#include <gtest/gtest.h>

namespace belay::rules {
namespace {

TEST(FalseAlarmsTest, OneErrorInTenIsTheChanceThatAnyOfTenFails) {
  EXPECT_NEAR(chance_above(10, 0.025, 0.05), 1 - std::pow(0.975, 10), 1e-12);
}

TEST(FalseAlarmsTest, ChanceAgreesWithSummingAllTermsByHand) {
  // C(20,k) 0.1^k 0.9^(20-k) for k = 0..4, from the definition.
  double at_most = 0;
  double coefficient = 1;
  for (int k = 0; k <= 4; ++k) {
    at_most += coefficient * std::pow(0.1, k) * std::pow(0.9, 20 - k);
    coefficient = coefficient * (20 - k) / (k + 1);
  }
  EXPECT_NEAR(chance_above(20, 0.1, 0.2), 1 - at_most, 1e-10);
}

TEST(FalseAlarmsTest, ExactlyTheThresholdIsNotAboveIt) {
  // 20 * 0.05 is 1.0000000000000002 or 1: one error of twenty must not count as above 5 %.
  const double none_or_one = std::pow(0.975, 20) + 20 * 0.025 * std::pow(0.975, 19);
  EXPECT_NEAR(chance_above(20, 0.025, 0.05), 1 - none_or_one, 1e-10);
}

TEST(FalseAlarmsTest, TheAdvisedFloorBringsTheRiskToOnePercentAndTheStepBelowDoesNot) {
  const FalseAlarmRisk risk = risk_without_floor(0.05);
  EXPECT_NEAR(risk.chance, 0.2237, 1e-3);
  ASSERT_TRUE(risk.samples_min);
  EXPECT_LE(chance_above(*risk.samples_min, 0.025, 0.05), 0.01);
  EXPECT_GT(chance_above(*risk.samples_min / 2, 0.025, 0.05), 0.01);
}

}  // namespace
}  // namespace belay::rules
