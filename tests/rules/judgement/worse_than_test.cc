#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

using testing::HasSubstr;

class JudgeWorseThan : public testing::Test {
 protected:
  static EngineRig rig_of(const std::string& sentence) {
    return EngineRig({}, {make_rule("w", sentence, "alert")});
  }
  static void start(EngineRig& rig, const std::string& baseline = "v1") {
    rig.push(RolloutStarted{
        .at = rig.now(), .service = "shop", .candidate = "v2", .baseline = baseline, .lasts = 1h});
  }
  static void serve(EngineRig& rig, int candidate, int baseline) {
    rig.stream("v1", baseline, {.version = "v1"});
    rig.stream("v2", candidate, {.version = "v2"});
  }
};

TEST_F(JudgeWorseThan, IsBadWhenTheCandidateHasMoreThanItsShareOfTheErrors) {
  EngineRig rig = rig_of("candidate error rate worse than baseline by 25%, confidence 99%");
  start(rig);
  serve(rig, 10, 90);
  rig.stream("pay", 18, {.version = "v1", .route = "/pay"});
  rig.run(60s);
  EXPECT_EQ(rig.rule("w").truth, Truth::fine);
  rig.stream("bad", 2, {.version = "v2", .route = "/pay", .outcome = "exceededCpu", .status = 500});
  rig.run(60s);
  const RuleStatus status = rig.rule("w");
  ASSERT_EQ(status.truth, Truth::bad);
  const Evidence& evidence = status.evidence.at(0);
  EXPECT_GE(evidence.value, evidence.threshold);
  EXPECT_EQ(evidence.threshold, 100);
  EXPECT_EQ(evidence.numerator, evidence.denominator);
  EXPECT_THAT(describe(evidence), HasSubstr("of the traffic and produced 100% of the errors"));
  EXPECT_THAT(describe(evidence), HasSubstr("routes: /pay ("));
  EXPECT_THAT(describe(evidence), HasSubstr("by reason: 500 exceededCpu ("));
}

TEST_F(JudgeWorseThan, IsFineWhenBothVersionsFailAlike) {
  EngineRig rig = rig_of("candidate error rate worse than baseline by 25%, confidence 99%");
  start(rig);
  serve(rig, 10, 90);
  rig.stream("bad2", 2, {.version = "v2", .status = 500});
  rig.stream("bad1", 18, {.version = "v1", .status = 500});
  for (int i = 0; i < 30; ++i) {
    rig.run(10s);
    EXPECT_NE(rig.rule("w").truth, Truth::bad);
  }
  EXPECT_EQ(rig.rule("w").truth, Truth::fine);
}

TEST_F(JudgeWorseThan, ComparesLatencyOnceTheColdStartIsOver) {
  EngineRig rig = rig_of("candidate latency worse than baseline by 10%, confidence 99%");
  start(rig);
  rig.stream("v1", 90, {.version = "v1", .latency = 20ms});
  rig.stream("v2", 10, {.version = "v2", .latency = 40ms});
  rig.run(50s);
  EXPECT_EQ(rig.rule("w").unknown, UnknownKind::warming);
  rig.run(60s);
  EXPECT_EQ(rig.rule("w").truth, Truth::bad);
  EXPECT_THAT(rig.rule("w").evidence.at(0).note, HasSubstr("slower than the baseline's"));
}

TEST_F(JudgeWorseThan, IsUnknownWithItsKindWheneverItCannotSay) {
  EngineRig no_baseline = rig_of("candidate worse than baseline");
  start(no_baseline, "");
  serve(no_baseline, 10, 90);
  no_baseline.run(90s);
  EXPECT_EQ(no_baseline.rule("w").unknown, UnknownKind::no_baseline);

  EngineRig few = rig_of("candidate error rate worse than baseline by 25%");
  start(few);
  serve(few, 1, 90);
  few.run(30s);
  EXPECT_EQ(few.rule("w").unknown, UnknownKind::no_traffic);
  EXPECT_THAT(few.rule("w").evidence.at(0).note, HasSubstr("of 50 requests"));

  EngineRig gone = rig_of("candidate error rate worse than baseline by 25%");
  start(gone);
  serve(gone, 10, 90);
  gone.run(60s);
  EXPECT_EQ(gone.rule("w").truth, Truth::fine);
  serve(gone, 100, 0);
  gone.run(70s);
  EXPECT_EQ(gone.rule("w").unknown, UnknownKind::no_baseline);

  EngineRig blind = rig_of("candidate error rate worse than baseline by 25%");
  start(blind);
  serve(blind, 10, 90);
  blind.run(60s);
  blind.set_alive(EngineRig::kTail, false);
  serve(blind, 0, 0);
  blind.run(10s);
  EXPECT_EQ(blind.rule("w").unknown, UnknownKind::blind);
}

TEST_F(JudgeWorseThan, AsksForMoreWithMoreConfidence) {
  const auto time_to_bad = [](const std::string& confidence) {
    EngineRig rig =
        rig_of("candidate error rate worse than baseline by 25%, confidence " + confidence);
    start(rig);
    serve(rig, 10, 90);
    rig.stream("bad2", 1, {.version = "v2", .status = 500});
    rig.stream("bad1", 3, {.version = "v1", .status = 500});
    const Duration begin = rig.elapsed();
    rig.run(1s);
    while (rig.rule("w").truth != Truth::bad && rig.elapsed() - begin < 10min) rig.run(1s);
    return rig.elapsed() - begin;
  };
  EXPECT_LT(time_to_bad("90%"), time_to_bad("99.9%"));
  EXPECT_LT(time_to_bad("99.9%"), Duration{5min});
}

TEST_F(JudgeWorseThan, IsNotFineAsSoonAsADeadSourceIsBack) {
  EngineRig rig = rig_of("candidate error rate worse than baseline by 25%");
  start(rig);
  serve(rig, 10, 90);
  rig.run(60s);
  ASSERT_EQ(rig.rule("w").truth, Truth::fine);
  rig.set_alive(EngineRig::kTail, false);
  serve(rig, 0, 0);
  rig.run(40s);
  rig.set_alive(EngineRig::kTail, true);
  serve(rig, 10, 90);
  rig.run(5s);
  EXPECT_EQ(rig.rule("w").unknown, UnknownKind::blind);
  rig.run(50s);
  EXPECT_EQ(rig.rule("w").truth, Truth::fine);
}

}  // namespace
}  // namespace belay::rules
