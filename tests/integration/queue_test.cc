// Goal: a daemon sees what BullMQ does, and blindness when Redis is gone. Method: the real binary,
// a real redis-server loaded by the real BullMQ, and what /metrics says of it.

#include <csignal>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/http_client.h"
#include "net/redis.h"
#include "tests/support/child_process.h"
#include "tests/support/eventually.h"
#include "tests/support/paths.h"
#include "tests/support/redis_server.h"
#include "tests/support/scripted_peer.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* kDepth = "belay_queue_depth{service=\"mailer\",queue=\"mail\"}";

constexpr const char* kRules = R"(rules:
  - name: mail-depth
    when: queue "mail" depth > 10
    then: alert
  - name: mail-failures
    when: queue "mail" failure rate > 10% over 1m, min 20 jobs
    then: alert
)";

constexpr const char* kConfiguration = R"(metrics: 127.0.0.1:{port}
services:
  mailer:
    queues: {{ redis: {{ url: "{redis}", names: [mail], every: 1s }} }}
    rules: [packs/queues, rules.yaml]
)";

class QueueTest : public testing::Test {
 protected:
  QueueTest() {
    directory_.write("rules.yaml", kRules);
    directory_.write("belay.yaml", fmt::format(kConfiguration, fmt::arg("port", port_),
                                               fmt::arg("redis", redis_.url())));
  }
  /// Runs bullmq-load.mjs to its end.
  void load(const std::string& mode, std::vector<std::string> more = {}) {
    const auto script = source_dir() / "tests" / "integration" / "bullmq-load.mjs";
    std::vector<std::string> argv = {"node",  script.string(), mode,      "--bullmq", "bullmq-v5",
                                     "--url", redis_.url(),    "--queue", "mail"};
    argv.insert(argv.end(), more.begin(), more.end());
    const auto said = directory_.path() / (mode + ".out");
    ChildProcess child({.argv = argv, .output = said});
    ASSERT_EQ(child.wait(100s), 0) << content_of(said);
  }
  [[nodiscard]] ChildProcess::Options daemon() const {
    return {.argv = {belay_binary().string(), "run"},
            .output = directory_.path() / "output",
            .directory = directory_.path()};
  }
  [[nodiscard]] std::string get(const std::string& path) const {
    const auto answer = net::http_call(
        {.url = fmt::format("http://127.0.0.1:{}{}", port_, path), .body_bytes_max = 1 << 20});
    const auto* response = std::get_if<net::HttpResponse>(&answer);
    return response == nullptr ? "" : fmt::format("{} {}", response->status, response->body);
  }
  /// Waits until a page holds a line, or a part of one.
  [[nodiscard]] bool shows(const std::string& text, const std::string& path = "/metrics") const {
    return eventually([&] { return get(path).find(text) != std::string::npos; }, 60s);
  }
  [[nodiscard]] bool says(const std::string& text) const {
    return eventually(
        [&] { return content_of(directory_.path() / "output").find(text) != std::string::npos; },
        60s);
  }
  RedisServer redis_;
  TemporaryDirectory directory_;
  std::uint16_t port_ = free_port();
};

TEST_F(QueueTest, RulesFireOnWhatBullmqDoesAndRedisGoneIsUnknownAndNotZero) {
  load("still");
  ChildProcess child{daemon()};
  // 7 waiting and 5 prioritized ones.
  EXPECT_TRUE(shows(std::string(kDepth) + " 12\n")) << get("/metrics");
  EXPECT_TRUE(shows("belay_queue_oldest_seconds{service=\"mailer\",queue=\"mail\"} "));
  EXPECT_TRUE(says("mail-depth is firing")) << content_of(directory_.path() / "output");
  load("work", {"--fail", "0.5", "--jobs", "60"});
  EXPECT_TRUE(says("mail-failures is firing")) << content_of(directory_.path() / "output");

  redis_.kill();
  EXPECT_TRUE(shows("not connected", "/readyz")) << get("/readyz");
  EXPECT_TRUE(shows("belay_rule_state{service=\"mailer\",rule=\"mail-depth\",state=\"unknown\"} 1"))
      << get("/metrics");
  EXPECT_TRUE(eventually([&] { return get("/metrics").find(kDepth) == std::string::npos; }, 60s))
      << "a depth that nobody knows is shown: " << get("/metrics");

  redis_.start();
  load("create");
  EXPECT_TRUE(shows(std::string(kDepth) + " 0\n")) << get("/metrics");
  EXPECT_TRUE(shows("\"ready\"", "/readyz")) << get("/readyz");
  child.signal(SIGTERM);
  EXPECT_EQ(child.wait(20s), 0);
}

TEST_F(QueueTest, ADeletedQueueIsUnknownForAWhileAndThenForgotten) {
  directory_.write("belay.yaml", fmt::format(R"(metrics: 127.0.0.1:{}
services:
  mailer:
    queues: {{ redis: {{ url: "{}", every: 1s }} }}
    rules: [rules.yaml]
)",
                                             port_, redis_.url()));
  directory_.write("rules.yaml",
                   "rules: [{ name: deep, when: 'queue ~\".*\" depth > 10', then: alert }]\n");
  const auto redis =
      net::RedisConnection::connect(net::RedisUrl::parse(redis_.url()).value(), 20s).value();
  const auto command = [&](net::RedisConnection::Command words) {
    ASSERT_TRUE(redis->pipeline({std::move(words)}, 20s).ok());
  };
  command({"HSET", "bull:news:meta", "version", "bullmq:5.0.0"});
  load("still");
  ChildProcess child{daemon()};
  EXPECT_TRUE(shows(std::string(kDepth) + " 12\n")) << get("/metrics");
  EXPECT_TRUE(says("deep is firing"));
  net::RedisConnection::Command del = {"DEL"};
  const auto keys = redis->pipeline({{"KEYS", "bull:mail:*"}}, 20s);
  ASSERT_TRUE(keys.ok());
  for (const auto& key : keys->front().items) del.push_back(key.text);
  command(del);
  const std::string state = "belay_rule_state{service=\"mailer\",rule=\"deep\",state=";
  EXPECT_TRUE(shows(state + "\"unknown\"} 1")) << get("/metrics");
  EXPECT_TRUE(says("the queue \"mail\" was deleted")) << content_of(directory_.path() / "output");
  EXPECT_TRUE(shows(state + "\"fine\"} 1")) << get("/metrics");
  EXPECT_EQ(get("/metrics").find("queue=\"mail\""), std::string::npos);
  child.signal(SIGTERM);
  EXPECT_EQ(child.wait(20s), 0);
}

}  // namespace
}  // namespace belay::test
