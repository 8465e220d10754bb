#include <gtest/gtest.h>

#include "rules/rollout/notices.h"
#include "tests/rules/support/engine_rig.h"

namespace belay::rules {
namespace {

void answer_probe(EngineRig& rig, bool fails) {
  rig.push(Probe{.source = EngineRig::kProbe,
                 .at = rig.now(),
                 .failure = fails ? ProbeFailure::timeout : ProbeFailure::none,
                 .latency_us = fails ? std::nullopt : std::optional<std::uint32_t>(600'000)});
  rig.run(5s);
}

void fail_probe(EngineRig& rig, ProbeFailure failure, const char* detail) {
  const TextId said = rig.text(EngineRig::kProbe, detail);
  rig.push(Probe{.source = EngineRig::kProbe, .at = rig.now(), .failure = failure, .detail = said});
  rig.run(5s);
}

void sample(EngineRig& rig, const char* queue, QueueSample sample) {
  sample.source = EngineRig::kQueues;
  sample.queue = rig.text(EngineRig::kQueues, queue);
  sample.at = rig.now();
  rig.push(sample);
}

void measure(EngineRig& rig, const char* name, double value,
             Measurement::Kind kind = Measurement::Kind::sample) {
  const SourceId source = kind == Measurement::Kind::sample ? EngineRig::kTail : EngineRig::kScrape;
  const TextId id = rig.text(source, name);
  rig.push(
      Measurement{.source = source, .name = id, .at = rig.now(), .value = value, .kind = kind});
}

TEST(JudgeProbes, AreBadAtTheThirdFailureOfFive) {
  EngineRig rig({make_rule("p", "probe healthz fails 3 of 5")});
  for (const bool fails : {true, false, true}) answer_probe(rig, fails);
  EXPECT_EQ(rig.rule("p").truth, Truth::unknown) << "two more answers may make it three";
  EXPECT_EQ(rig.rule("p").unknown, UnknownKind::warming);
  answer_probe(rig, true);
  EXPECT_EQ(rig.rule("p").truth, Truth::bad);
  EXPECT_EQ(gist_of(rig.rule("p").evidence),
            "probe healthz failures 3 (3 of 4) >= 3; the newest failure: timeout");
  for (const bool fails : {false, false, false}) answer_probe(rig, fails);
  EXPECT_EQ(rig.rule("p").truth, Truth::fine);
  EXPECT_EQ(gist_of(rig.rule("p").evidence), "probe healthz failures 2 (2 of 5), not >= 3");
}

TEST(JudgeProbes, SayHowTheNewestFailureCame) {
  EngineRig rig({make_rule("p", "probe healthz fails 2 of 3")});
  fail_probe(rig, ProbeFailure::status, "status 503");
  fail_probe(rig, ProbeFailure::timeout, "no answer within 2s");
  answer_probe(rig, false);
  EXPECT_EQ(rig.rule("p").evidence.at(0).note, "the newest failure: timeout: no answer within 2s");
  fail_probe(rig, ProbeFailure::status, "status 503");
  EXPECT_EQ(rig.rule("p").evidence.at(0).note, "the newest failure: status 503");
  for (int i = 0; i < 3; ++i) answer_probe(rig, false);
  EXPECT_EQ(rig.rule("p").evidence.at(0).note, "") << "it is fine";
}

TEST(JudgeProbes, AreUnknownWhenTheProbeIsSilent) {
  EngineRig rig({make_rule("p", "probe healthz fails 1 of 1")});
  answer_probe(rig, true);
  EXPECT_EQ(rig.rule("p").truth, Truth::bad);
  rig.set_alive(EngineRig::kProbe, false);
  rig.run(20s);
  EXPECT_EQ(rig.rule("p").unknown, UnknownKind::blind);
}

TEST(JudgeProbes, HaveLatencies) {
  EngineRig rig({make_rule("p", "probe healthz p95 latency > 500ms over 1m, min 3 samples")});
  for (int i = 0; i < 4; ++i) answer_probe(rig, false);
  EXPECT_EQ(rig.rule("p").truth, Truth::bad);
  EXPECT_EQ(rig.service().probes.at(0).passed_total, 4U);
}

TEST(JudgeQueues, OneThatIsGoneLeavesAnExpressionAndComesBack) {
  EngineRig rig({make_rule("all", "queue ~\".*\" depth > 1000"),
                 make_rule("named", "queue \"emails\" depth > 1000")});
  const auto poll = [&](const char* queue, QueueSample state) {
    sample(rig, queue, std::move(state));
    rig.run(1s);
  };
  poll("emails", {.depth = 5000});
  poll("news", {.depth = 1});
  EXPECT_EQ(rig.rule("all").truth, Truth::bad);
  for (int i = 0; i < 40; ++i) {
    poll("emails", {});
    poll("news", {.depth = 1});
  }
  EXPECT_EQ(rig.rule("all").truth, Truth::unknown) << "its meta is missing: nothing is known";
  poll("emails", {.is_gone = true});
  poll("news", {.depth = 1});
  EXPECT_EQ(rig.rule("all").truth, Truth::fine);
  EXPECT_EQ(rig.rule("named").truth, Truth::unknown) << "who names a queue wants that one";
  EXPECT_EQ(rig.service().queues.size(), 1U);
  poll("news", {.is_gone = true});
  EXPECT_EQ(rig.rule("all").truth, Truth::unknown) << "no queue at all is not fine";
  poll("emails", {.depth = 5000});
  EXPECT_EQ(rig.rule("all").truth, Truth::bad);
}

TEST(JudgeQueues, DepthIsItsNewestValueAndGoesStale) {
  EngineRig rig({make_rule("q", "queue \"emails\" depth > 1000")});
  EXPECT_EQ(rig.rule("q").truth, Truth::unknown);
  sample(rig, "emails", {.depth = 1001});
  rig.run(1s);
  EXPECT_EQ(rig.rule("q").truth, Truth::bad);
  sample(rig, "emails", {.depth = 3});
  rig.run(1s);
  EXPECT_EQ(rig.rule("q").truth, Truth::fine);
  EXPECT_EQ(rig.service().queues.at(0).last.depth, 3U);
  rig.run(20s);
  EXPECT_EQ(rig.rule("q").truth, Truth::unknown) << "three intervals without a sample";
  EXPECT_FALSE(rig.service().queues.at(0).last.depth.has_value()) << "nor is it shown any more";
}

TEST(JudgeQueues, AFieldThatCouldNotBeReadIsUnknownAndNotZero) {
  EngineRig rig({make_rule("q", "queue \"emails\" oldest > 5m")});
  for (int i = 0; i < 6; ++i) {
    sample(rig, "emails", {.depth = 3});
    rig.run(5s);
  }
  EXPECT_EQ(rig.rule("q").truth, Truth::unknown);
}

TEST(JudgeQueues, AnExpressionIsBadWhenAnyQueueIsAndSaysWhich) {
  EngineRig rig({make_rule("q", "queue ~\"mail-.*\" waiting > 5000")});
  sample(rig, "mail-a", {.waiting = 1});
  sample(rig, "mail-b", {.waiting = 6000});
  sample(rig, "other", {.waiting = 9000});
  rig.run(1s);
  // Queues that were not known before are read from their next sample on.
  sample(rig, "mail-a", {.waiting = 1});
  sample(rig, "mail-b", {.waiting = 6000});
  rig.run(1s);
  EXPECT_EQ(rig.rule("q").truth, Truth::bad);
  EXPECT_NE(rig.rule("q").evidence[0].what.find("mail-b"), std::string::npos);
}

TEST(JudgeQueues, FailuresAreAShareOfTheAttemptsThatEnded) {
  EngineRig rig({make_rule("q", "queue \"emails\" failure rate > 10% over 1m, min 20 jobs"),
                 make_rule("s", "queue \"emails\" stalled > 0"),
                 make_rule("r", "queue \"emails\" retries rate > 5/s over 1m")});
  for (int i = 0; i < 14; ++i) {
    sample(rig, "emails", {.flow = QueueSample::Flow{.completed = 8, .failed_attempts = 2}});
    rig.run(5s);
  }
  EXPECT_EQ(rig.rule("q").truth, Truth::bad);
  EXPECT_DOUBLE_EQ(rig.rule("q").evidence[0].value, 0.2);
  EXPECT_EQ(rig.rule("s").truth, Truth::fine);
  EXPECT_EQ(rig.rule("r").truth, Truth::fine);
}

TEST(JudgeQueues, GrowthIsTheSlopeOfTheDepth) {
  EngineRig rig({make_rule("q", "queue \"emails\" growth > 50/s over 1m")});
  for (std::uint64_t i = 0; i < 14; ++i) {
    sample(rig, "emails", {.depth = 1000 + 500 * i});
    rig.run(5s);
  }
  EXPECT_EQ(rig.rule("q").truth, Truth::bad);
  EXPECT_NEAR(rig.rule("q").evidence[0].value, 100, 1);
}

TEST(JudgeMetrics, AreInTheUnitThatTheirNameSays) {
  EngineRig rig({make_rule("m", "metric d1_query_ms p95 > 2s over 1m, min 30 samples")});
  for (int i = 0; i < 40; ++i) measure(rig, "d1_query_ms", 2500);
  rig.run(1s);
  EXPECT_EQ(rig.rule("m").truth, Truth::bad);
  EXPECT_NEAR(rig.rule("m").evidence[0].value, 2.5, 0.05);
}

TEST(JudgeMetrics, RateIsOfValuesThatAreNotZero) {
  EngineRig rig({make_rule("m", "metric shadow_mismatch rate > 10% over 10s, min 10 samples")});
  for (int i = 0; i < 20; ++i) measure(rig, "shadow_mismatch", i < 3 ? 1 : 0);
  rig.run(1s);
  EXPECT_EQ(rig.rule("m").truth, Truth::bad);
  EXPECT_EQ(rig.rule("m").evidence[0].numerator, 3U);
}

TEST(JudgeMetrics, ANameThatWasNeverReportedIsUnknownAndNotZero) {
  EngineRig rig({make_rule("sum", "metric revenue sum < 10 over 10s"),
                 make_rule("rate", "metric mismatches rate > 1/s over 10s"),
                 make_rule("typo", "metric revenu sum < 10 over 10s")});
  rig.stream("ok", 2);
  rig.run(30s);
  for (const char* rule : {"sum", "rate", "typo"}) {
    EXPECT_EQ(rig.rule(rule).truth, Truth::unknown) << rule;
    EXPECT_EQ(rig.rule(rule).unknown, UnknownKind::no_traffic) << rule;
  }
  measure(rig, "revenue", 50);
  measure(rig, "mismatches", 1);
  rig.run(1s);
  EXPECT_EQ(rig.rule("sum").truth, Truth::fine);
  EXPECT_EQ(rig.rule("rate").truth, Truth::fine);
  rig.run(20s);
  EXPECT_EQ(rig.rule("sum").truth, Truth::bad) << "nothing sold any more is a zero that is one";
  EXPECT_EQ(rig.rule("typo").truth, Truth::unknown);
}

TEST(JudgeMetrics, OfPrometheusAreGauges) {
  EngineRig rig({make_rule("m", "prometheus cpu_seconds > 0.8")});
  measure(rig, "cpu_seconds", 0.9, Measurement::Kind::gauge);
  rig.run(1s);
  EXPECT_EQ(rig.rule("m").truth, Truth::bad);
}

TEST(JudgeSilence, IsBadWhenNoEvidenceCameForSoLong) {
  EngineRig rig({make_rule("n", "no data from tail for 60s")});
  rig.stream("ok", 2);
  rig.run(90s);
  EXPECT_EQ(rig.rule("n").truth, Truth::fine);
  rig.stream("ok", 0);
  rig.run(59s);
  EXPECT_EQ(rig.rule("n").truth, Truth::fine);
  rig.run(2s);
  EXPECT_EQ(rig.rule("n").truth, Truth::bad);
  EXPECT_EQ(gist_of(rig.rule("n").evidence), "silence of tail 1m1s >= 1m");
}

TEST(JudgeSilence, IsNamedByWhatIsSilent) {
  EngineRig rig(
      {make_rule("all", "no data for 60s"), make_rule("s", "sampling from tail for 10s")});
  rig.run(5s);
  EXPECT_EQ(rig.rule("all").evidence.at(0).what, "silence of all sources");
  EXPECT_EQ(rig.rule("s").evidence.at(0).what, "sampling from tail");
}

TEST(JudgeSampling, IsBadWhenTheSourceDropsForSoLong) {
  EngineRig rig({make_rule("s", "sampling from tail for 10s")});
  rig.run(5s);
  EXPECT_EQ(rig.rule("s").truth, Truth::fine);
  for (int i = 0; i < 12; ++i) {
    rig.say(EngineRig::kTail, SourceHealth::sampled);
    rig.run(1s);
  }
  EXPECT_EQ(rig.rule("s").truth, Truth::bad);
}

TEST(JudgeLogic, IsKleenes) {
  // Bad or unknown is bad; bad and unknown is unknown; fine and unknown is fine.
  EngineRig rig({make_rule("or", "error rate > 5% over 10s or queue a depth > 1"),
                 make_rule("and", "error rate > 5% over 10s and queue a depth > 1"),
                 make_rule("fine", "429 rate > 5% over 10s and queue a depth > 1")});
  rig.stream("bad", 10, {.status = 500});
  rig.run(20s);
  EXPECT_EQ(rig.rule("or").truth, Truth::bad);
  EXPECT_EQ(rig.rule("and").truth, Truth::unknown);
  EXPECT_EQ(rig.rule("fine").truth, Truth::fine);
}

TEST(JudgeErrors, AreStatusesAndOutcomesButNoClientWhoLeft) {
  EngineRig rig({make_rule("e", "error rate > 99% over 10s"),
                 make_rule("x", "exceptions rate{outcome=~\"exceeded.*\"} > 0.5% over 10s"),
                 make_rule("i", "invocations{type=\"queue\"} error rate > 2% over 10s")});
  rig.stream("canceled", 2, {.outcome = "canceled"});
  rig.stream("gone", 2, {.outcome = "responseStreamDisconnected"});
  rig.stream("beside", 2, {.exceptions = 1});
  rig.stream("cpu", 2, {.outcome = "exceededCpu", .status = 0, .exceptions = 1});
  rig.stream("job", 2, {.outcome = "exception", .status = 0, .type = Invocation::queue});
  rig.run(20s);
  EXPECT_DOUBLE_EQ(rig.rule("e").evidence[0].value, 0.25);
  EXPECT_DOUBLE_EQ(rig.rule("x").evidence[0].value, 0.25);
  EXPECT_DOUBLE_EQ(rig.rule("i").evidence[0].value, 1);
}

TEST(JudgeLatency, SaysWhenItIsWallTime) {
  EngineRig rig({make_rule("l", "mean latency > 5ms over 10s")});
  Request request = rig.request({}, rig.now());
  request.latency_is_wall_time = true;
  rig.push(request);
  rig.run(1s);
  EXPECT_TRUE(rig.rule("l").evidence[0].by_wall_time);
  EXPECT_NE(describe(rig.rule("l").evidence[0]).find("wall time"), std::string::npos);
}

TEST(JudgedEvidence, NamesNoLimitBeforeItIsJudged) {
  EXPECT_EQ(describe(Evidence{}), "unknown (not judged yet)");
}

}  // namespace
}  // namespace belay::rules
