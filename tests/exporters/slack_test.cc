// Goal: Slack's answers are understood, and its URL is never told. Method: a loopback peer that
// answers as Slack does.

#include "exporters/slack.h"

#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "tests/support/eventually.h"
#include "tests/support/scripted_peer.h"

namespace belay::exporters {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kSecretPath = "/services/T000/B000/hush";

struct Answer {
  int status = 200;
  std::string body = "ok";
  std::string retry_after;
};

/// An incoming webhook: gives its answers one after the other, the last one for ever.
class Webhook {
 public:
  explicit Webhook(std::vector<Answer> answers) : answers_(std::move(answers)) {
    server_.Post(kSecretPath, [this](const httplib::Request& request, httplib::Response& response) {
      const std::lock_guard lock(mutex_);
      bodies_.push_back(request.body);
      types_.push_back(request.get_header_value("Content-Type"));
      const Answer answer = answers_.front();
      if (answers_.size() > 1) answers_.erase(answers_.begin());
      response.status = answer.status;
      response.set_content(answer.body, "text/html");
      if (!answer.retry_after.empty()) response.set_header("Retry-After", answer.retry_after);
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    EXPECT_TRUE(test::eventually([this] { return server_.is_running(); }));
  }
  ~Webhook() {
    server_.stop();
    thread_.join();
  }
  Webhook(const Webhook&) = delete;
  Webhook& operator=(const Webhook&) = delete;

  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_) + kSecretPath;
  }
  std::vector<std::string> bodies() {
    const std::lock_guard lock(mutex_);
    return bodies_;
  }
  std::vector<std::string> types() {
    const std::lock_guard lock(mutex_);
    return types_;
  }

 private:
  std::mutex mutex_;
  std::vector<Answer> answers_;
  std::vector<std::string> bodies_;
  std::vector<std::string> types_;
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

class SlackTest : public testing::Test {
 protected:
  std::unique_ptr<Slack> slack(const std::string& url) {
    return std::make_unique<Slack>(
        Slack::Options{
            .webhook = Secret(url),
            .deadline = 200ms,
            .limits = {.spacing = 0ms, .backoff_min = 1ms, .backoff_max = 2ms, .drain = drain_}},
        counts_, [this](const std::string& line) {
          const std::lock_guard lock(mutex_);
          complaints_.push_back(line);
        });
  }
  std::vector<std::string> complaints() {
    const std::lock_guard lock(mutex_);
    return complaints_;
  }
  /// Of one notice, until its sink has ended.
  void tell(const std::string& url) { slack(url)->notify({.headline = "shop: 5xx"}); }

  std::chrono::milliseconds drain_ = 20s;
  std::mutex mutex_;
  std::vector<std::string> complaints_;
  Notifications notifications_;
  NotificationCounts counts_ = notifications_.of("slack");
};

TEST_F(SlackTest, PostsTheMessageAsJson) {
  Webhook webhook(std::vector<Answer>{{}});
  tell(webhook.url());
  ASSERT_EQ(webhook.bodies().size(), 1U);
  EXPECT_EQ(nlohmann::json::parse(webhook.bodies().front()).at("text"), "shop: 5xx");
  EXPECT_THAT(webhook.types(), ElementsAre("application/json; charset=utf-8"));
  EXPECT_EQ(counts_.sent.Value(), 1);
}

TEST_F(SlackTest, AWebhookAtAMetadataServiceIsRefusedAtOnce) {
  drain_ = 2s;
  tell("http://169.254.169.254/hush");
  EXPECT_EQ(counts_.failed.Value(), 1);
  ASSERT_FALSE(complaints().empty());
  EXPECT_THAT(complaints().back(), HasSubstr("metadata service"));
  EXPECT_THAT(complaints().back(), Not(HasSubstr("hush")));
}

TEST_F(SlackTest, TakesARefusalOfTheMessageAsFinal) {
  for (const Answer& answer :
       std::vector<Answer>{{400, "invalid_payload", ""}, {413, "too_large", ""}}) {
    Webhook webhook(std::vector<Answer>{answer});
    tell(webhook.url());
    EXPECT_EQ(webhook.bodies().size(), 1U) << answer.status;
    EXPECT_THAT(complaints().back(), HasSubstr(std::to_string(answer.status)));
    EXPECT_THAT(complaints().back(), HasSubstr(answer.body));
  }
  EXPECT_EQ(counts_.failed.Value(), 2);
  EXPECT_EQ(counts_.sent.Value(), 0);
}

TEST_F(SlackTest, LosesNoMessageToAWebhookThatIsDead) {
  Webhook webhook({{401, "unauthorized", ""},
                   {403, "invalid_token", ""},
                   {404, "no_service", ""},
                   {410, "channel_is_archived", ""},
                   Answer{}});
  tell(webhook.url());
  EXPECT_EQ(counts_.sent.Value(), 1);
  EXPECT_EQ(counts_.failed.Value(), 0);
  EXPECT_THAT(complaints(), ElementsAre("Slack answered 401 (unauthorized); will be tried again"));
}

TEST_F(SlackTest, TriesAgainWhatMayPass) {
  Webhook webhook({{500, "rollup_error", ""}, {503, "", ""}, {429, "", "0"}, Answer{}});
  auto sink = slack(webhook.url());
  sink->notify({.headline = "shop: 5xx"});
  EXPECT_TRUE(test::eventually([&] { return counts_.sent.Value() == 1; }));
  EXPECT_EQ(webhook.bodies().size(), 4U);
  EXPECT_EQ(counts_.failed.Value(), 0);
}

TEST_F(SlackTest, LosesNoMessageToThePageOfAProxy) {
  Webhook webhook({{302, "", ""},
                   {200, "<html>accept our terms</html>", ""},
                   {403, "<html>blocked</html>", ""},
                   {404, "Not Found", ""},
                   {407, "", ""},
                   Answer{}});
  tell(webhook.url());
  EXPECT_EQ(counts_.sent.Value(), 1);
  EXPECT_EQ(counts_.failed.Value(), 0);
}

TEST_F(SlackTest, WaitsAsLongAsSlackAsks) {
  Webhook webhook({{429, "", "1"}, Answer{}});
  auto sink = slack(webhook.url());
  const auto start = std::chrono::steady_clock::now();
  sink->notify({.headline = "shop: 5xx"});
  EXPECT_TRUE(test::eventually([&] { return counts_.sent.Value() == 1; }));
  EXPECT_GE(std::chrono::steady_clock::now() - start, 1s);
}

TEST_F(SlackTest, TriesAgainWhenSlackHangsAndIsNotInTheWay) {
  test::ScriptedPeer peer([](test::PeerConnection& connection) { connection.hang(); });
  drain_ = 50ms;
  auto sink = slack(peer.url(kSecretPath));
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 1'000; ++i) sink->notify({.headline = "shop: 5xx"});
  EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
  EXPECT_TRUE(test::eventually([&] { return peer.connections() >= 2; }));
}

TEST_F(SlackTest, NeverTellsItsUrl) {
  const std::string page = std::string("no such page: ") + kSecretPath;
  Webhook echoing(std::vector<Answer>{{404, page, ""}});
  drain_ = 50ms;
  tell(echoing.url());
  tell("http://127.0.0.1:" + std::to_string(test::free_port()) + kSecretPath);
  tell("ftp://127.0.0.1" + std::string(kSecretPath));
  tell("http://no such host" + std::string(kSecretPath));
  ASSERT_GE(complaints().size(), 4U);
  for (const std::string& line : complaints()) {
    EXPECT_THAT(line, Not(HasSubstr("hush")));
    EXPECT_THAT(line, Not(HasSubstr("127.0.0.1")));
  }
}

}  // namespace
}  // namespace belay::exporters
