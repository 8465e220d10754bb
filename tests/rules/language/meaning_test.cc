#include <chrono>

#include <gtest/gtest.h>

#include "rules/language/parser.h"
#include "tests/rules/language/sentence_dump.h"
#include "tests/rules/language/sentences.h"

namespace belay::rules::test {
namespace {

using namespace std::chrono_literals;

Sentence parsed(std::string_view text) {
  ParsedSentence out = parse_sentence(text);
  EXPECT_TRUE(out.sentence) << text;
  for (const Diagnostic& diagnostic : out.diagnostics) {
    EXPECT_EQ(diagnostic.level, Diagnostic::Level::warning) << text << ": " << diagnostic.message;
  }
  return out.sentence.value_or(Sentence{});
}
template <typename T>
T leaf(std::string_view text) {
  const Sentence sentence = parsed(text);
  EXPECT_TRUE(std::holds_alternative<T>(sentence.when.node)) << text;
  return std::holds_alternative<T>(sentence.when.node) ? std::get<T>(sentence.when.node) : T{};
}
Metric metric(const Term& term) { return std::get<Metric>(term.operand); }
Quantity quantity(const Term& term) { return std::get<Quantity>(term.operand); }
Metric left(std::string_view text) { return metric(leaf<Comparison>(text).left.first); }
Quantity right(std::string_view text) { return quantity(leaf<Comparison>(text).right.first); }
RateMeasure rate(std::string_view text) { return std::get<RateMeasure>(left(text).measure); }

TEST(MeaningTest, EverySentenceThatMustWorkParses) {
  for (const std::string_view text : kSentences) {
    const ParsedSentence out = parse_sentence(text);
    EXPECT_TRUE(out.sentence) << text;
    EXPECT_EQ(out.sentence.value_or(Sentence{}).text, text);
  }
}

TEST(MeaningTest, AShareOfAStatusClassWithItsWindowFloorAndHold) {
  const Sentence sentence = parsed(kSentences[0]);
  EXPECT_EQ(sentence.samples_min, 50U);
  EXPECT_EQ(sentence.floor, Floor::requests);
  EXPECT_EQ(sentence.hold_for, 30s);
  EXPECT_FALSE(sentence.hold_within);
  const Metric share = left(kSentences[0]);
  EXPECT_EQ(share.over, 1min);
  const auto measure = std::get<RateMeasure>(share.measure);
  EXPECT_EQ(measure.counted, Counted::status_class);
  EXPECT_EQ(measure.status, 5);
  EXPECT_TRUE(measure.is_share);
  EXPECT_EQ(right(kSentences[0]).value, 0.05);
}

TEST(MeaningTest, HoldOfAWindowForgives) {
  const Sentence sentence = parsed("error rate > 5% over 1m, for 40s of 1m");
  EXPECT_EQ(sentence.hold_for, 40s);
  EXPECT_EQ(sentence.hold_within, 1min);
}

TEST(MeaningTest, TheUnitOfTheThresholdDecidesWhetherARateIsAShare) {
  EXPECT_TRUE(rate("5xx rate > 5% over 1m").is_share);
  EXPECT_FALSE(rate("5xx rate > 5/s over 1m").is_share);
  EXPECT_EQ(right("5xx rate > 600/m over 1m").value, 10);
  EXPECT_EQ(rate("429 rate > 2% over 1m").status, 429);
  EXPECT_FALSE(rate("requests rate > 10/s over 1m").is_share);
  EXPECT_TRUE(rate("candidate error rate > baseline error rate over 1m").is_share);
}

TEST(MeaningTest, ABareRateCountsWhatStatusAndOutcomeSelect) {
  EXPECT_EQ(rate(R"(rate{status="404"} > 5% over 1m)").counted, Counted::matching);
  EXPECT_EQ(rate("invocations rate > 5/s over 1m").counted, Counted::all);
  EXPECT_EQ(rate(R"(rate{route="/a"} > 5/s over 1m)").counted, Counted::all);
  EXPECT_EQ(rate("metric shadow_mismatch rate > 0.1% over 10m").counted, Counted::matching);
}

TEST(MeaningTest, LabelsOfTheSubjectAndOfTheMeasureAreOneList) {
  const Metric both = left(R"(invocations{type="queue"} error rate{route=~"/a.*"} > 2% over 5m)");
  ASSERT_EQ(both.labels.size(), 2U);
  EXPECT_EQ(both.labels[0].name, LabelName::type);
  EXPECT_EQ(both.labels[0].text, "queue");
  EXPECT_EQ(both.labels[1].test, LabelTest::match);
  EXPECT_EQ(left(R"(p95 latency{outcome!~"a\\d"} > 1s over 5m)").labels[0].text, R"(a\d)");
  EXPECT_EQ(left(R"(p95 latency{outcome!~"a\d"} > 1s over 5m)").labels[0].text, R"(a\d)");
}

TEST(MeaningTest, QuantilesAreParts) {
  EXPECT_EQ(std::get<QuantileMeasure>(left("p99.9 latency > 1s over 5m").measure).quantile, 0.999);
  EXPECT_EQ(std::get<QuantileMeasure>(left("p95 cpu > 1s over 5m").measure).observed,
            Observed::cpu);
  EXPECT_EQ(right("p95 latency > 1m30s over 5m").value, 90);
}

TEST(MeaningTest, ASideSharesTheWindowAtTheEndUnlessItHasItsOwn) {
  const auto shared =
      leaf<Comparison>("candidate p95 latency > 1.2 x baseline p95 latency over 5m");
  EXPECT_EQ(metric(shared.left.first).over, 5min);
  EXPECT_EQ(metric(shared.right.first).over, 5min);
  EXPECT_EQ(shared.right.first.factor, 1.2);
  const auto own = leaf<Comparison>("p95 latency over 1m > 2x p95 latency over 1h");
  EXPECT_EQ(metric(own.left.first).over, 1min);
  EXPECT_EQ(metric(own.right.first).over, 1h);
}

TEST(MeaningTest, GaugesWithoutAWindowAreTheNewestValueAndStalledLooksBackAMinute) {
  EXPECT_FALSE(left(R"(queue "emails" depth > 1000, for 2m)").over);
  EXPECT_FALSE(left("prometheus cpu_seconds > 0.8").over);
  EXPECT_FALSE(left("metric queue_lag last > 5").over);
  EXPECT_EQ(left(R"(queue "emails" depth > 1000 over 2m)").over, 2min);
  EXPECT_EQ(left(R"(queue "emails" stalled > 0)").over, 1min);
  EXPECT_EQ(left(R"(queue "emails" stalled > 0 over 5m)").over, 5min);
}

TEST(MeaningTest, PointsAreADifferenceOfShares) {
  const auto plus =
      leaf<Comparison>("candidate error rate > baseline error rate + 1 point over 2m");
  ASSERT_TRUE(plus.right.second);
  EXPECT_FALSE(plus.right.subtract);
  EXPECT_EQ(quantity(*plus.right.second).value, 0.01);
  EXPECT_EQ(quantity(*plus.right.second).dimension, Dimension::points);
  const auto minus =
      leaf<Comparison>("candidate error rate - baseline error rate > 0.5 points over 2m");
  EXPECT_TRUE(minus.left.subtract);
  EXPECT_EQ(quantity(minus.right.first).value, 0.005);
}

TEST(MeaningTest, WorseThanTakesItsMarginFromPercentOrPoints) {
  const auto percent = leaf<WorseThan>("candidate error rate worse than baseline by 25%");
  EXPECT_EQ(percent.what, WorseThan::What::errors);
  EXPECT_EQ(percent.rho, 1.25);
  EXPECT_EQ(percent.filter_points, 0.002);
  const auto points = leaf<WorseThan>("candidate error rate worse than baseline by 0.5 points");
  EXPECT_EQ(points.rho, 1);
  EXPECT_EQ(points.filter_points, 0.005);
  const auto latency = leaf<WorseThan>("candidate latency worse than baseline by 10%");
  EXPECT_EQ(latency.what, WorseThan::What::latency);
  EXPECT_EQ(latency.rho, 1.1);
  EXPECT_EQ(latency.latency_factor, 1.1);
  EXPECT_EQ(latency.filter_points, 0.005);
  EXPECT_EQ(leaf<WorseThan>("candidate worse than baseline").what, WorseThan::What::both);
  EXPECT_EQ(parsed("candidate worse than baseline").confidence, 0.99);
  EXPECT_EQ(parsed("candidate worse than baseline, confidence 95%").confidence, 0.95);
}

TEST(MeaningTest, ConditionsOfProbesAndSources) {
  const auto fails = leaf<ProbeFails>("probe healthz fails 3 of 5");
  EXPECT_EQ(fails.probe, "healthz");
  EXPECT_EQ(fails.failures, 3U);
  EXPECT_EQ(fails.of, 5U);
  EXPECT_EQ(leaf<NoData>("no data for 60s").source, "");
  EXPECT_EQ(leaf<NoData>("no data from tail for 60s").source, "tail");
  EXPECT_EQ(leaf<SamplingFrom>("sampling from tail for 2m").lasts, 2min);
}

TEST(MeaningTest, AndBindsMoreThanOrAndBracketsTurnThatRound) {
  const auto any = leaf<AnyOf>("no data for 5s or no data for 6s and no data for 7s");
  ASSERT_EQ(any.conditions.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<AllOf>(any.conditions[1].node));
  const auto all = leaf<AllOf>("(no data for 5s or no data for 6s) and no data for 7s");
  ASSERT_EQ(all.conditions.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<AnyOf>(all.conditions[0].node));
  EXPECT_EQ(all.conditions[1].column, 40U);
  EXPECT_EQ(all.conditions[1].length, 14U);
}

TEST(MeaningTest, OptionsBindTheWholeSentenceInAnyOrderWithOrWithoutCommas) {
  EXPECT_EQ(dump(parsed("5xx rate > 5% over 1m, min 50 requests, for 30s, else fail")),
            dump(parsed("5xx rate > 5% over 1m else fail for 30s, min 50 requests")));
  EXPECT_TRUE(parsed("5xx rate > 5% over 1m, else fail").unknown_fails);
}

TEST(MeaningTest, AWordOfTheLanguageIsANameWhenItIsQuoted) {
  EXPECT_EQ(std::get<QueueSubject>(left(R"(queue "depth" depth > 5)").subject).name, "depth");
  EXPECT_EQ(leaf<ProbeFails>(R"(probe "fails" fails 1 of 2)").probe, "fails");
  EXPECT_EQ(std::get<QueueSubject>(left("queue emails depth > 5").subject).name, "emails");
}

TEST(MeaningTest, TheUnitInAMetricsNameScalesItsValues) {
  EXPECT_EQ(std::get<MetricSubject>(left("metric d1_query_ms p95 > 2s over 5m").subject).to_base,
            0.001);
  EXPECT_EQ(std::get<MetricSubject>(left("metric d1_query_ms p95 > 2000 over 5m").subject).to_base,
            1);
  EXPECT_EQ(std::get<PrometheusSubject>(left("prometheus heap_mb > 5MB").subject).to_base, 1e6);
}

}  // namespace
}  // namespace belay::rules::test
