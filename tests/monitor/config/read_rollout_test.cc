#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/monitor/config/config_text.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using test::faults_of;
using test::good;
using test::read;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(ReadRolloutTest, ARolloutHasStepsAndWindows) {
  const Config config = good(R"(
services:
  shop-staging:
    environment: staging
    logs: { stdin: {} }
  shop:
    logs: { file: shop.log }
    platform: { command: { rollback: [./deploy], verify: [./is-live], move: [./split] } }
    rollout:
      rules: [packs/rollout]
      steps: [10% for 10m, 50% for 20m max 2h, 95% for 10m, 100% after approval]
      attach: true
      on shared cause: rollback
      watch for: 12h
      requires: { environment: staging, passed: 1h, same: commit }
      windows: [mon-fri 09:00-17:00, sat 10:00-12:00]
      freezes: [{ from: "2026-12-20T00:00:00Z", to: "2027-01-05T00:00:00Z", why: holidays }]
)");
  const rules::ServicePlan& shop = config.plan.services[1];
  ASSERT_EQ(shop.rollout.steps.size(), 4U);
  EXPECT_EQ(shop.rollout.steps[1].bake_max, 2h);
  EXPECT_TRUE(shop.rollout.steps[3].after_approval);
  EXPECT_TRUE(shop.rollout.is_attached_by_itself);
  EXPECT_TRUE(shop.rollout.is_judged_by_default);
  EXPECT_FALSE(shop.rollout.holds_on_shared_cause);
  EXPECT_EQ(shop.rollout.warm_up, 30s);
  EXPECT_EQ(shop.rollout.watch_for, 12h);
  ASSERT_EQ(shop.rollout.requirements.size(), 1U);
  EXPECT_TRUE(shop.rollout.requirements[0].is_same_commit);
  ASSERT_EQ(shop.rollout.windows.size(), 2U);
  EXPECT_TRUE(shop.rollout.windows[0].days[4]);
  EXPECT_FALSE(shop.rollout.windows[0].days[5]);
  EXPECT_EQ(shop.rollout.freezes.size(), 1U);
  EXPECT_EQ(config.plan.services[0].environment, "staging");
}

TEST(ReadRolloutTest, WhatNobodySaysOfARolloutIsAsDocumented) {
  const Config config = good("services: { shop: { logs: { stdin: {} } } }");
  const rules::RolloutPlan& shop = config.plan.services.at(0).rollout;
  EXPECT_EQ(shop.watch_for, 24h);
  EXPECT_TRUE(shop.is_judged_by_default);
}

TEST(ReadRolloutTest, StepsThatNobodyWroteBakeAndWarmUpAsWrittenOnesDo) {
  const auto config_with = [](const std::string& more) {
    return R"(
notify: { page: [{ slack: { webhook: "https://hooks.invalid/a" } }] }
services:
  shop:
    mode: enforce
    logs: { stdin: {} }
    platform: { command: { rollback: [./deploy], verify: [./is-live], move: [./split] } }
    rollout: { drive: true, rules: [packs/rollout])" +
           more + " }\n";
  };
  EXPECT_EQ(good(config_with("")).plan.services.at(0).rollout.warm_up, 30s);
  EXPECT_THAT(faults_of(read(config_with(", warm-up: 9m59s"))),
              Contains(HasSubstr("a step bakes for 10m, and")));
}

TEST(ReadRolloutTest, ASentenceIsAskedBeforeTheFirstStep) {
  const auto config_with = [](const std::string& check) {
    return "services: { shop: { logs: { stdin: {} }, rollout: { preflight: { calm: { " + check +
           " } } } } }";
  };
  const Config config = good(config_with("when: 5xx rate > 1% over 5m"));
  const rules::ServicePlan& shop = config.plan.services.at(0);
  ASSERT_EQ(shop.preflight_rules.size(), 1U);
  EXPECT_EQ(shop.preflight_rules[0].name, "calm");
  EXPECT_TRUE(config.services.at(0).preflight.empty());
  EXPECT_FALSE(shop.rollout.asks_preflight) << "the world is not asked";
  const auto faults = [&](const std::string& check) { return faults_of(read(config_with(check))); };
  EXPECT_THAT(faults("when: 5xx rat > 1% over 5m"), Contains(HasSubstr("error")));
  EXPECT_THAT(faults("when: candidate 5xx rate > 1% over 5m"),
              Contains(HasSubstr("it compares versions")));
  EXPECT_THAT(faults("when: 5xx rate > 1% over 5m, command: [a]"),
              Contains(HasSubstr("a check is")));
  EXPECT_THAT(faults("when: probe healthz fails 2 of 3"),
              Contains(HasSubstr("there is no probe healthz")));
}

TEST(ReadRolloutTest, AWrongRolloutIsRefusedWithItsReason) {
  const auto faults = [](const std::string& rollout) {
    return faults_of(
        read("services: { shop: { logs: { stdin: {} }, rollout: { " + rollout + " } } }"));
  };
  EXPECT_THAT(faults("rules: [packs/rollout], steps: [10% for 20s, 100%]"),
              Contains(HasSubstr("could never be fine within it; bake for 1m30s or more")));
  EXPECT_THAT(faults("steps: [10%, 100%]"), Contains(HasSubstr("may do without a bake time")));
  EXPECT_THAT(faults("drive: true"), Contains(HasSubstr("only in mode enforce")));
  EXPECT_THAT(faults("windows: [weekdays 9-17]"), Contains(HasSubstr("DAYS HOURS")));
  EXPECT_THAT(faults("requires: { passed: 1h }"), Contains(HasSubstr("environment")));
  EXPECT_THAT(faults("freezes: [{ from: tomorrow, to: never }]"),
              Contains(HasSubstr("a moment should stand here")));
}

rules::RolloutPlan plan_of(const std::string& rollout) {
  return good("services: { shop: { logs: { file: l }, rollout: { " + rollout + " } } }")
      .plan.services.at(0)
      .rollout;
}

TEST(ReadRolloutTest, TheDefaultJudgementIsForThoseWhoWroteNoRules) {
  EXPECT_TRUE(plan_of("cooldown: 1m").is_judged_by_default);
  EXPECT_FALSE(plan_of("rules: [packs/rollout]").is_judged_by_default);
  EXPECT_TRUE(plan_of("rules: [packs/rollout], compare: true").is_judged_by_default);
  EXPECT_FALSE(plan_of("rules: []").is_judged_by_default) << "none is what was written";
  EXPECT_FALSE(plan_of("compare: false").is_judged_by_default);
  const Config blind = good("services: { shop: { probes: { up: { url: 'http://a.test/' } } } }");
  EXPECT_FALSE(blind.plan.services.at(0).rollout.is_judged_by_default) << "there are no requests";
}

TEST(ReadRolloutTest, TheLimitsOfTheDefaultJudgementAreTyped) {
  const rules::RolloutLimits limits =
      plan_of(
          "limits: { error rate: 2%, p95 latency: 1s, confidence: 99.9%, queue depth: 50, "
          "queue for: 30s }")
          .limits;
  EXPECT_DOUBLE_EQ(limits.error_rate, 0.02);
  EXPECT_EQ(limits.latency, 1s);
  EXPECT_DOUBLE_EQ(limits.alpha, 0.001);
  EXPECT_EQ(limits.queue_depth, 50);
  EXPECT_EQ(limits.queue_for, 30s);
  EXPECT_EQ(plan_of("compare: true").limits, rules::RolloutLimits{});
  EXPECT_TRUE(limits.judges_latency);
  EXPECT_FALSE(plan_of("limits: { p95 latency: off }").limits.judges_latency);
  const auto faults = [](const std::string& rollout) {
    return faults_of(
        read("services: { shop: { logs: { stdin: {} }, rollout: { " + rollout + " } } }"));
  };
  EXPECT_THAT(faults("limits: { error rate: 90% }"), Contains(HasSubstr("from 0.01% to 50%")));
  EXPECT_THAT(faults("limits: { error rate: 0% }"), Contains(HasSubstr("from 0.01% to 50%")));
  EXPECT_THAT(faults("limits: { confidence: 50% }"), Contains(HasSubstr("from 90% to 99.99%")));
  EXPECT_THAT(faults("limits: { p95 latency: 0s }"), testing::SizeIs(1));
  EXPECT_THAT(faults("limits: { p95 latency: never }"), testing::SizeIs(1));
  EXPECT_THAT(faults("limits: { error rate: off }"), testing::SizeIs(1));
  EXPECT_THAT(faults("limits: { p95 latency: [off] }"), testing::SizeIs(1));
  EXPECT_THAT(faults("limits: { p99: 1s }"), testing::SizeIs(1));
  EXPECT_THAT(faults("rules: [packs/rollout], limits: { error rate: 2% }"),
              Contains(HasSubstr("does not judge here")));
}

TEST(ReadRolloutTest, ChecksOfBeforeTheFirstStepAreTyped) {
  const Config config = good(R"(
services:
  shop:
    logs: { file: shop.log }
    rollout:
      preflight:
        staging: { url: "https://staging.example.test/healthz", expect: { status: 204 }, timeout: 3s }
        smoke: { command: [./smoke, --fast], timeout: 1m, env: { A: b } }
)");
  const auto& checks = config.services.at(0).preflight;
  ASSERT_EQ(checks.size(), 2U);
  EXPECT_EQ(checks[0].name, "staging");
  EXPECT_THAT(std::get<ProbeConfig>(checks[0].of).statuses, ElementsAre(204));
  EXPECT_EQ(std::get<ProbeConfig>(checks[0].of).timeout, 3s);
  EXPECT_THAT(std::get<CommandAction>(checks[1].of).argv,
              ElementsAre("/etc/belay/smoke", "--fast"));
  EXPECT_TRUE(config.plan.services.at(0).rollout.asks_preflight);
  const ReadConfig wrong = read(
      "services: { shop: { logs: { file: l }, rollout: { preflight: { a: { timeout: 1s } } } } "
      "}\n");
  EXPECT_THAT(faults_of(wrong), Contains(HasSubstr("a check is a `url` that is asked")));
}

TEST(ReadRolloutTest, StepsWhereNobodySplitsTheTrafficAreRefusedForTheirReason) {
  const auto faults_with = [](const std::string& platform) {
    return faults_of(read("services: { shop: { " + platform +
                          "logs: { file: l }, rollout: { steps: [10% for 10m, 100%] } } }\n"));
  };
  EXPECT_THAT(faults_with(""), Contains(HasSubstr("shop has steps, and no `platform` that says")));
  EXPECT_THAT(faults_with("platform: { command: { rollback: [./deploy], verify: [./is] } }, "),
              Contains(HasSubstr("shop has steps, and its platform has no `move`")));
}

TEST(ReadRolloutTest, APlatformWithoutSplitsHasOneStep) {
  const Config config = good(R"(
services:
  whole: { platform: { command: { rollback: [./deploy], verify: [./is-live] } }, logs: { file: l } }
  split:
    platform: { command: { rollback: [./deploy], verify: [./is-live], move: [./split] } }
    logs: { file: l }
)");
  ASSERT_EQ(config.plan.services.at(0).rollout.steps.size(), 1U);
  EXPECT_EQ(config.plan.services.at(0).rollout.steps[0].percent, 100);
  EXPECT_TRUE(config.plan.services.at(1).rollout.steps.empty()) << "the default ones";
  EXPECT_THAT(std::get<CommandAction>(config.services.at(1).platform).move,
              ElementsAre("/etc/belay/split"));
}

}  // namespace
}  // namespace belay::monitor
