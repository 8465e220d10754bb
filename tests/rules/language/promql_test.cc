#include "rules/language/promql.h"

#include <gtest/gtest.h>

#include "rules/language/parser.h"
#include "tests/rules/language/sentences.h"

namespace belay::rules::test {
namespace {

std::string promql(std::string_view text, const std::string& service = "shop") {
  const ParsedSentence parsed = parse_sentence(text);
  EXPECT_TRUE(parsed.sentence) << text;
  if (!parsed.sentence) return "wrong sentence";
  return nearest_promql(*parsed.sentence, service).value_or("none");
}

TEST(PromqlTest, SharesQuantilesAndVersions) {
  EXPECT_EQ(promql("5xx rate > 5% over 1m, min 50 requests"),
            "sum(rate(belay_requests_total{service=\"shop\", code_class=\"5xx\"}[60s])) / "
            "sum(rate(belay_requests_total{service=\"shop\"}[60s])) > 0.05 and on() "
            "sum(increase(belay_requests_total{service=\"shop\"}[60s])) >= 50");
  EXPECT_EQ(promql("p95 latency > 250ms over 5m", ""),
            "histogram_quantile(0.95, sum by (le) "
            "(rate(belay_request_duration_seconds_bucket[300s]))) > 0.25");
  EXPECT_EQ(promql("candidate error rate > 1.2 x baseline error rate + 1 point over 1m", ""),
            "sum(rate(belay_request_errors_total{role=\"candidate\"}[60s])) / "
            "sum(rate(belay_requests_total{role=\"candidate\"}[60s])) > "
            "(1.2 * (sum(rate(belay_request_errors_total{role=\"baseline\"}[60s])) / "
            "sum(rate(belay_requests_total{role=\"baseline\"}[60s]))) + 0.01)");
}

TEST(PromqlTest, InARolloutWhatNamesNoVersionIsTheCandidates) {
  const auto of_rollout = [](std::string_view text) {
    const ParsedSentence parsed = parse_sentence(text);
    return parsed.sentence ? nearest_promql(*parsed.sentence, "shop", true).value_or("none")
                           : "wrong sentence";
  };
  EXPECT_EQ(of_rollout("5xx rate > 5% over 1m, min 50 requests"),
            "sum(rate(belay_requests_total{service=\"shop\", role=\"candidate\", "
            "code_class=\"5xx\"}[60s])) / sum(rate(belay_requests_total{service=\"shop\", "
            "role=\"candidate\"}[60s])) > 0.05 and on() "
            "sum(increase(belay_requests_total{service=\"shop\", role=\"candidate\"}[60s])) >= 50");
  EXPECT_EQ(of_rollout("baseline error rate > 5/s over 1m"),
            "sum(rate(belay_request_errors_total{service=\"shop\", role=\"baseline\"}[60s])) > 5");
  EXPECT_EQ(of_rollout("error rate{route=\"/pay\"} > 5% over 1m"), "none")
      << "routes have no roles";
}

TEST(PromqlTest, QueuesProbesAndSources) {
  EXPECT_EQ(promql(R"(queue ~"mail-.*" waiting > 5000)", ""),
            "max(belay_queue_jobs{queue=~\"mail-.*\", state=\"waiting\"}) > 5000");
  EXPECT_EQ(promql("queue emails oldest > 5m or no data from tail for 60s", ""),
            "(max(belay_queue_oldest_seconds{queue=\"emails\"}) > 300) or "
            "(min(belay_source_up{source=\"tail\"}) == 0)");
  EXPECT_EQ(promql("probe db p95 latency > 1s over 5m", ""),
            "max(quantile_over_time(0.95, belay_probe_duration_seconds{probe=\"db\"}[300s])) > 1");
}

TEST(PromqlTest, WhatBelaysMetricsCannotSayHasNone) {
  for (const char* text :
       {"429 rate > 2% over 1m", "mean cpu > 30ms over 5m", "candidate worse than baseline",
        "probe healthz fails 3 of 5", "sampling from tail for 2m", "metric lag p95 > 2 over 5m",
        R"(p99 latency{route="/a"} > 1s over 5m)",
        "5xx rate > 5% over 1m and probe healthz fails 3 of 5"}) {
    EXPECT_EQ(promql(text), "none") << text;
  }
}

TEST(PromqlTest, EverySentenceThatMustWorkIsAnsweredOneWayOrTheOther) {
  int with = 0;
  for (const std::string_view text : kSentences) with += promql(text) == "none" ? 0 : 1;
  EXPECT_GE(with, 15);
}

}  // namespace
}  // namespace belay::rules::test
