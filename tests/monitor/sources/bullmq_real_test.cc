#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "monitor/sources/bullmq.h"
#include "tests/monitor/sources/source_run.h"
#include "tests/support/child_process.h"
#include "tests/support/paths.h"
#include "tests/support/redis_server.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using rules::QueueSample;

/// The source against queues that the real BullMQ made, in each major of tests/npm.
class BullmqRealTest : public testing::TestWithParam<std::string> {
 protected:
  /// Runs tests/integration/bullmq-load.mjs to its end; what it says.
  json load(const std::string& mode, const std::vector<std::string>& more = {}) {
    const std::filesystem::path output = directory_.path() / (mode + ".out");
    const auto script = test::source_dir() / "tests" / "integration" / "bullmq-load.mjs";
    std::vector<std::string> argv = {"node",  script.string(), mode,      "--bullmq", GetParam(),
                                     "--url", server_.url(),   "--queue", "mail"};
    argv.insert(argv.end(), more.begin(), more.end());
    test::ChildProcess child({.argv = argv, .output = output});
    EXPECT_EQ(child.wait(100s), 0) << test::content_of(output);
    const std::string said = test::content_of(output);
    const json answer = json::parse(said, nullptr, false);
    if (answer.is_discarded()) ADD_FAILURE() << said;
    return answer;
  }

  BullmqOptions options() {
    return {.url = net::RedisUrl::parse(server_.url()).value(), .every = 20ms};
  }

  /// What all polls together saw happen.
  static QueueSample::Flow total(SourceRun& run) {
    QueueSample::Flow sum;
    for (const QueueSample& sample : run.all<QueueSample>()) {
      if (!sample.flow) continue;
      sum.completed += sample.flow->completed;
      sum.failed_attempts += sample.flow->failed_attempts;
      sum.retries += sample.flow->retries;
      sum.stalled += sample.flow->stalled;
    }
    return sum;
  }

  /// Runs a load while the source watches; compares what both counted.
  void expect_equal_counts(const std::string& mode, const std::vector<std::string>& more = {}) {
    load("create");
    BullmqSource source(options());
    SourceRun run(source);
    ASSERT_TRUE(run.until<QueueSample>([](const auto& sample) { return sample.flow.has_value(); }));
    const json seen = load(mode, more);
    const std::uint32_t failed_attempts = seen.at("attemptsFailed");
    const std::uint32_t completed = seen.at("completed");
    const std::uint32_t failed = seen.at("failed");
    test::eventually([&] { return total(run).completed >= completed; });
    test::eventually([&] { return total(run).failed_attempts >= failed_attempts; });
    const QueueSample::Flow flow = total(run);
    EXPECT_EQ(flow.completed, completed) << seen;
    EXPECT_EQ(flow.failed_attempts, failed_attempts) << seen;
    EXPECT_EQ(flow.retries, failed_attempts - failed) << seen;
    EXPECT_EQ(flow.stalled, seen.at("stalled").get<std::uint32_t>()) << seen;
    EXPECT_TRUE(run.all<rules::SourceGap>().empty());
  }

  test::RedisServer server_;
  test::TemporaryDirectory directory_;
};

TEST_P(BullmqRealTest, WhatStandsInAQueueIsWhatBullmqCounts) {
  const json counts = load("still").at("counts");
  ASSERT_EQ(counts.size(), 2U);
  BullmqSource source(options());
  SourceRun run(source);
  const std::vector<QueueSample> samples = run.at_least<QueueSample>(2);
  ASSERT_GE(samples.size(), 2U);
  for (std::size_t which = 0; which < 2; ++which) {
    const QueueSample& sample = samples[which];
    const json expected = counts.at(run.text(sample.queue));
    const auto count = [&expected](const char* state) {
      return expected.at(state).get<std::uint64_t>();
    };
    EXPECT_EQ(sample.waiting, count("wait")) << expected;
    EXPECT_EQ(sample.depth, count("wait") + count("paused") + count("prioritized")) << expected;
    EXPECT_EQ(sample.active, count("active")) << expected;
    EXPECT_EQ(sample.delayed, count("delayed")) << expected;
    EXPECT_EQ(sample.failed, count("failed")) << expected;
    ASSERT_TRUE(sample.oldest.has_value());
    EXPECT_GT(*sample.oldest, Duration::zero());
    EXPECT_LT(*sample.oldest, 5min);
  }
}

TEST_P(BullmqRealTest, AHealthyLoadIsCountedExactly) {
  expect_equal_counts("work", {"--fail", "0"});
}

TEST_P(BullmqRealTest, AFailingLoadIsCountedExactly) {
  expect_equal_counts("work", {"--fail", "0.5", "--jobs", "150"});
}

TEST_P(BullmqRealTest, StalledJobsAreNoRetries) { expect_equal_counts("stall"); }

INSTANTIATE_TEST_SUITE_P(Majors, BullmqRealTest,
                         testing::Values("bullmq-v4", "bullmq-v5", "bullmq-v6"),
                         [](const auto& major) { return major.param.substr(7); });

}  // namespace
}  // namespace belay::monitor
