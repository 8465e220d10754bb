// Goal: a daemon sees what BullMQ does, and blindness when Redis is gone. Method: the real binary,
// a real redis-server loaded by the real BullMQ, and what /metrics says of it.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/redis.h"
#include "tests/integration/queue_load.h"
#include "tests/integration/running_daemon.h"
#include "tests/support/redis_server.h"

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

constexpr const char* kConfiguration = R"(services:
  mailer:
    queues: {{ redis: {{ url: "{}", names: [mail], every: 1s }} }}
    rules: [packs/queues, rules.yaml]
)";

class QueueTest : public testing::Test {
 protected:
  QueueTest() {
    belay_.write("rules.yaml", kRules);
    belay_.configure(fmt::format(kConfiguration, redis_.url()));
  }
  void load(const std::string& mode, const std::vector<std::string>& more = {}) {
    ASSERT_EQ(load_queue(redis_.url(), mode, more), "");
  }
  RedisServer redis_;
  RunningDaemon belay_;
};

TEST_F(QueueTest, RulesFireOnWhatBullmqDoesAndRedisGoneIsUnknownAndNotZero) {
  load("still");
  belay_.start();
  // 7 waiting and 5 prioritized ones.
  EXPECT_TRUE(belay_.shows(std::string(kDepth) + " 12\n")) << belay_.get();
  EXPECT_TRUE(belay_.shows("belay_queue_oldest_seconds{service=\"mailer\",queue=\"mail\"} "));
  EXPECT_TRUE(belay_.says("mail-depth is firing")) << belay_.output();
  load("work", {"--fail", "0.5", "--jobs", "60"});
  EXPECT_TRUE(belay_.says("mail-failures is firing")) << belay_.output();

  redis_.kill();
  EXPECT_TRUE(belay_.shows("not connected", "/readyz")) << belay_.get("/readyz");
  EXPECT_TRUE(
      belay_.shows("belay_rule_state{service=\"mailer\",rule=\"mail-depth\",state=\"unknown\"} 1"))
      << belay_.get();
  EXPECT_TRUE(belay_.hides(kDepth)) << "a depth that nobody knows is shown: " << belay_.get();

  redis_.start();
  load("create");
  EXPECT_TRUE(belay_.shows(std::string(kDepth) + " 0\n")) << belay_.get();
  EXPECT_TRUE(belay_.shows("\"ready\"", "/readyz")) << belay_.get("/readyz");
  EXPECT_EQ(belay_.stop(), 0);
}

TEST_F(QueueTest, ADeletedQueueIsUnknownForAWhileAndThenForgotten) {
  belay_.configure(fmt::format(R"(services:
  mailer:
    queues: {{ redis: {{ url: "{}", every: 1s }} }}
    rules: [rules.yaml]
)",
                               redis_.url()));
  belay_.write("rules.yaml",
               "rules: [{ name: deep, when: 'queue ~\".*\" depth > 10', then: alert }]\n");
  const auto redis =
      net::RedisConnection::connect(net::RedisUrl::parse(redis_.url()).value(), 20s).value();
  const auto command = [&](net::RedisConnection::Command words) {
    ASSERT_TRUE(redis->pipeline({std::move(words)}, 20s).ok());
  };
  command({"HSET", "bull:news:meta", "version", "bullmq:5.0.0"});
  load("still");
  belay_.start();
  EXPECT_TRUE(belay_.shows(std::string(kDepth) + " 12\n")) << belay_.get();
  EXPECT_TRUE(belay_.says("deep is firing"));
  net::RedisConnection::Command del = {"DEL"};
  const auto keys = redis->pipeline({{"KEYS", "bull:mail:*"}}, 20s);
  ASSERT_TRUE(keys.ok());
  for (const auto& key : keys->front().items) del.push_back(key.text);
  command(del);
  const std::string state = "belay_rule_state{service=\"mailer\",rule=\"deep\",state=";
  EXPECT_TRUE(belay_.shows(state + "\"unknown\"} 1")) << belay_.get();
  EXPECT_TRUE(belay_.says("the queue \"mail\" was deleted")) << belay_.output();
  EXPECT_TRUE(belay_.shows(state + "\"fine\"} 1")) << belay_.get();
  EXPECT_EQ(belay_.get().find("queue=\"mail\""), std::string::npos);
  EXPECT_EQ(belay_.stop(), 0);
}

}  // namespace
}  // namespace belay::test
