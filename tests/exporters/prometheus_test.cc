// Goal: a page that Prometheus and promtool accept, cheap however often it is asked for. Method: an
// example snapshot with something of every kind; time given by the test.

#include "exporters/prometheus.h"

#include <chrono>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporters/metric_families.h"
#include "tests/exporters/example_snapshot.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_directory.h"

namespace belay::exporters {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::HasSubstr;
using testing::Not;

std::string page_of(const rules::Snapshot& snapshot) {
  OwnCounts own;
  own.notifications.of("slack").sent.Increment();
  own.posts.of("shop", "tail").refused.Increment();
  Prometheus prometheus("1.2.3", own);
  prometheus.publish(snapshot);
  prometheus.configured(true, Instant{1'700'000'000s});
  return prometheus.render();
}

TEST(Prometheus, ShowsEveryMetricThatIsListed) {
  const std::string page = page_of(test::example_snapshot());
  for (const MetricFamily& family : kMetricFamilies) {
    EXPECT_THAT(page, HasSubstr("# TYPE " + std::string(family.name) + " "));
  }
}

TEST(Prometheus, SatisfiesPromtool) {
  const test::TemporaryDirectory directory;
  const auto page = directory.write("page.txt", page_of(test::example_snapshot()));
  const auto said = directory.path() / "said.txt";
  test::ChildProcess promtool(
      {.argv = {"sh", "-c", "exec promtool check metrics < \"$0\"", page.string()},
       .output = said});
  EXPECT_EQ(promtool.wait(20s), 0) << test::content_of(said);
}

TEST(Prometheus, SaysWhatASnapshotSays) {
  const std::string page = page_of(test::example_snapshot());
  for (const char* line : {
           "belay_build_info{version=\"1.2.3\"} 1\n",
           "belay_source_up{service=\"shop\",source=\"tail\"} 1\n",
           "belay_source_rejected_total{service=\"shop\",source=\"tail\",reason=\"not_json\"} 8\n",
           "belay_requests_total{service=\"shop\",role=\"candidate\",code_class=\"5xx\"} 10\n",
           "belay_requests_total{service=\"shop\",role=\"baseline\",code_class=\"2xx\"} 160\n",
           "belay_request_duration_seconds_bucket{service=\"shop\",role=\"candidate\",le=\"0.25\"} "
           "90\n",
           "belay_request_duration_seconds_count{service=\"shop\",role=\"candidate\"} 100\n",
           "belay_route_errors_total{service=\"shop\",route=\"/api/items\"} 20\n",
           "belay_version_info{service=\"shop\",role=\"candidate\",version=\"v2\"} 1\n",
           "belay_rule_state{service=\"shop\",rule=\"shop-5xx\",state=\"bad\"} 1\n",
           "belay_rule_firing{service=\"shop\",rule=\"shop-5xx\",severity=\"critical\"} 1\n",
           "belay_rule_value{service=\"shop\",rule=\"shop-5xx\",condition=\"5xx rate\"} 0.124\n",
           "belay_rule_threshold{service=\"shop\",rule=\"shop-5xx\",condition=\"5xx rate\"} 0.05\n",
           "belay_verdict{service=\"shop\",verdict=\"fail\"} 1\n",
           "belay_verdict{service=\"idle\",verdict=\"unknown\"} 1\n",
           "belay_mode{service=\"shop\",mode=\"enforce\"} 1\n",
           "belay_gate_running{service=\"shop\"} 1\n",
           "belay_actions_total{service=\"shop\",action=\"rollback\",result=\"applied\"} 1\n",
           "belay_deployments_total{service=\"shop\",result=\"promoted\",verdict=\"pass\"} 1\n",
           "belay_deployments_total{service=\"shop\",result=\"failed\",verdict=\"fail\"} 0\n",
           "belay_deployments_total{service=\"idle\",result=\"promoted\",verdict=\"pass\"} 0\n",
           "belay_deployment_lead_time_seconds_bucket{service=\"shop\",le=\"3600\"} 0\n",
           "belay_deployment_lead_time_seconds_bucket{service=\"shop\",le=\"14400\"} 1\n",
           "belay_deployment_lead_time_seconds_sum{service=\"shop\"} 7200\n",
           "belay_deployment_recovery_seconds_bucket{service=\"shop\",le=\"600\"} 1\n",
           "belay_deployment_recovery_seconds_count{service=\"shop\"} 1\n",
           "belay_queue_jobs{service=\"shop\",queue=\"emails\",state=\"waiting\"} 41\n",
           "belay_queue_oldest_seconds{service=\"shop\",queue=\"emails\"} 1\n",
           "belay_probe_success{service=\"shop\",probe=\"healthz\",role=\"candidate\"} 0\n",
           "belay_probe_success{service=\"shop\",probe=\"home\",role=\"any\"} 1\n",
           "belay_probes_total{service=\"shop\",probe=\"healthz\",result=\"failed\"} 1\n",
           "belay_ingest_posts_total{result=\"refused\",service=\"shop\",source=\"tail\"} 1\n",
           "belay_ingest_posts_total{result=\"accepted\",service=\"shop\",source=\"tail\"} 0\n",
           "belay_notifications_total{result=\"sent\",sink=\"slack\"} 1\n",
       }) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

TEST(Prometheus, LeavesOutWhatIsNotKnown) {
  rules::Snapshot snapshot = test::example_snapshot();
  auto& shop = snapshot.services.at(1);
  shop.queues.at(0).last.oldest.reset();
  shop.queues.at(0).last.waiting.reset();
  shop.rollout.reset();
  const std::string page = page_of(snapshot);
  EXPECT_THAT(page, Not(HasSubstr("belay_queue_oldest_seconds")));
  EXPECT_THAT(page, Not(HasSubstr("state=\"waiting\"")));
  EXPECT_THAT(page, Not(HasSubstr("belay_gate_ends_timestamp_seconds")));
  EXPECT_THAT(page, Not(HasSubstr("rule=\"shop-queue\",condition=\"5xx rate\"} 0.124")));
}

TEST(Prometheus, TellsConditionsOfTheSameWordsApart) {
  rules::Snapshot snapshot = test::example_snapshot();
  auto& evidence = snapshot.services.at(1).rules.at(0).evidence;
  evidence.push_back(evidence.front());
  EXPECT_THAT(page_of(snapshot), HasSubstr("condition=\"5xx rate #2\"} 0.124\n"));
}

TEST(Prometheus, IsBlindToASourceThatIsSilent) {
  rules::Snapshot snapshot = test::example_snapshot();
  snapshot.sources.at(1).blind = true;
  EXPECT_THAT(page_of(snapshot), HasSubstr("belay_source_up{service=\"shop\",source=\"tail\"} 0"));
}

TEST(Prometheus, WritesOnePageASecondHoweverManyScrapersAsk) {
  const OwnCounts own;
  Prometheus prometheus("1", own);
  const steady_clock::time_point start{};
  prometheus.publish(test::example_snapshot(1));
  const std::string first = prometheus.render(start);
  prometheus.publish(test::example_snapshot(2));
  EXPECT_EQ(prometheus.render(start + 999ms), first);
  EXPECT_THAT(prometheus.render(start + 1s), HasSubstr("belay_engine_steps_total 8\n"));
}

TEST(Prometheus, AnswersBeforeTheFirstSnapshot) {
  const OwnCounts own;
  Prometheus prometheus("1", own);
  EXPECT_THAT(prometheus.render(), HasSubstr("belay_build_info{version=\"1\"} 1\n"));
}

TEST(Prometheus, CountsTheSeriesThatDidNotFit) {
  const OwnCounts own;
  Prometheus prometheus("1", own, {.series_per_family_max = 1, .series_max = 10'000});
  prometheus.publish(test::example_snapshot());
  const steady_clock::time_point start{};
  EXPECT_THAT(prometheus.render(start), Not(HasSubstr("reason=\"page\"")));
  Prometheus roomy("1", own, {.series_per_family_max = 2, .series_max = 10'000});
  roomy.publish(test::example_snapshot());
  EXPECT_THAT(roomy.render(start), HasSubstr("{reason=\"page\"} 0\n"));
  EXPECT_THAT(roomy.render(start + 2s), Not(HasSubstr("{reason=\"page\"} 0\n")));
}

TEST(Prometheus, IsPublishedToWhileItIsRead) {
  const OwnCounts own;
  Prometheus prometheus("1", own);
  std::jthread engine([&](const std::stop_token& stop) {
    for (std::uint64_t turn = 1; !stop.stop_requested(); ++turn) {
      prometheus.publish(test::example_snapshot(turn));
    }
  });
  steady_clock::time_point now{};
  for (int page = 0; page < 50; ++page) {
    EXPECT_THAT(prometheus.render(now += 2s), HasSubstr("belay_build_info"));
  }
}

}  // namespace
}  // namespace belay::exporters
