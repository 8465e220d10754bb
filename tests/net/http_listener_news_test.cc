// Goal: answers that are not known yet, and answers without an end. Method: the real listener, raw
// connections, and news that the test makes.

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/http_listener.h"
#include "tests/support/eventually.h"
#include "tests/support/scripted_peer.h"

namespace belay::net {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::RawClient;

constexpr std::string_view kRequest = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";

/// A listener whose answers wait for `news` to become greater than zero, and count who waits.
class HttpListenerNewsTest : public testing::Test {
 protected:
  void listen(HttpListener::Respond respond, ListenerLimits limits = {}) {
    auto listener = HttpListener::start("127.0.0.1:0", std::move(respond), limits);
    ASSERT_TRUE(listener.ok());
    listener_ = std::move(listener).value();
  }
  void tell() {
    ++news_;
    listener_->wake();
  }
  /// One place that is given back when the answer goes.
  std::shared_ptr<void> place() {
    ++waiting_;
    return {static_cast<void*>(&waiting_), [this](void*) { --waiting_; }};
  }
  Outgoing later() {
    Outgoing answer;
    answer.later = [this, place = place()]() -> std::optional<Outgoing> {
      ++asked_;
      if (news_ == 0) return std::nullopt;
      return Outgoing{.body = "news"};
    };
    return answer;
  }
  Outgoing stream() {
    Outgoing answer{.content_type = "text/event-stream"};
    answer.stream = [this, place = place(), told = 0]() mutable -> std::optional<std::string> {
      ++asked_;
      if (news_ == told) return "";
      told = news_;
      return "news " + std::to_string(told) + "\n";
    };
    return answer;
  }

  std::atomic<int> news_ = 0;
  std::atomic<int> asked_ = 0;
  std::atomic<int> waiting_ = 0;
  std::unique_ptr<HttpListener> listener_;
};

TEST_F(HttpListenerNewsTest, AnAnswerThatIsNotKnownYetComesWithTheNews) {
  listen([this](const Incoming&) { return later(); });
  RawClient client(listener_->port());
  client.send(kRequest);
  ASSERT_TRUE(eventually([this] { return asked_ > 0; }));
  EXPECT_EQ(client.received(), "");
  tell();
  ASSERT_TRUE(client.read_until("news"));
  EXPECT_NE(client.received().find("Content-Length: 4\r\n"), std::string::npos);
  client.send(kRequest);  // The connection goes on.
  ASSERT_TRUE(client.read_at_least(client.received().size() + 10));
}

TEST_F(HttpListenerNewsTest, OthersAreAnsweredWhileSomeWait) {
  listen([this](const Incoming& request) {
    return request.path == "/x" ? later() : Outgoing{.body = "at once"};
  });
  std::vector<std::unique_ptr<RawClient>> waiting;
  for (int which = 0; which < 100; ++which) {
    waiting.push_back(std::make_unique<RawClient>(listener_->port()));
    waiting.back()->send(kRequest);
  }
  ASSERT_TRUE(eventually([this] { return waiting_ == 100; }));
  RawClient other(listener_->port());
  other.send("GET /y HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(other.read_until("at once"));
  tell();
  for (const auto& client : waiting) EXPECT_TRUE(client->read_until("news"));
}

TEST_F(HttpListenerNewsTest, AStreamGoesOnFromNewsToNews) {
  listen([this](const Incoming&) { return stream(); });
  RawClient client(listener_->port());
  client.send(kRequest);
  ASSERT_TRUE(client.read_until("\r\n\r\n"));
  EXPECT_EQ(client.received().find("Content-Length"), std::string::npos);
  // A wake that came while a piece was written is not lost: these would take 12 s otherwise.
  const auto begin = std::chrono::steady_clock::now();
  for (int which = 1; which <= 50; ++which) {
    tell();
    ASSERT_TRUE(client.read_until("news " + std::to_string(which) + "\n"));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST_F(HttpListenerNewsTest, WhoGoesGivesItsPlaceBack) {
  listen([this](const Incoming& request) { return request.path == "/x" ? later() : stream(); });
  {
    RawClient one(listener_->port());
    one.send(kRequest);
    RawClient other(listener_->port());
    other.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
    ASSERT_TRUE(eventually([this] { return waiting_ == 2; }));
  }
  EXPECT_TRUE(eventually([this] { return waiting_ == 0; }));
}

TEST_F(HttpListenerNewsTest, WhoWaitsForNewsDoesNotGiveWay) {
  listen([this](const Incoming&) { return later(); }, {.connections_max = 2});
  RawClient waiting(listener_->port());
  waiting.send(kRequest);
  ASSERT_TRUE(eventually([this] { return waiting_ == 1; }));
  std::vector<std::unique_ptr<RawClient>> half_open;
  for (int which = 0; which < 20; ++which) {
    half_open.push_back(std::make_unique<RawClient>(listener_->port()));
    half_open.back()->send("GET / HTTP/1.1\r\nX");
  }
  half_open.front()->read_to_end();  // It has given way.
  tell();
  EXPECT_TRUE(waiting.read_until("news"));
}

TEST_F(HttpListenerNewsTest, WhoDoesNotReadItsStreamIsLetGo) {
  listen(
      [this](const Incoming&) {
        Outgoing answer;
        answer.stream = [place = place()] { return std::optional(std::string(1 << 20, 'x')); };
        return answer;
      },
      {.read_deadline = 200ms});
  RawClient client(listener_->port());
  client.send(kRequest);
  ASSERT_TRUE(eventually([this] { return waiting_ == 1; }));
  EXPECT_TRUE(eventually([this] { return waiting_ == 0; }));
}

TEST_F(HttpListenerNewsTest, TheEndOfTheListenerIsToldToThoseWhoWait) {
  listen([this](const Incoming& request) { return request.path == "/x" ? later() : stream(); });
  RawClient one(listener_->port());
  one.send(kRequest);
  RawClient other(listener_->port());
  other.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(eventually([this] { return waiting_ == 2; }));
  listener_.reset();
  one.read_to_end();
  other.read_to_end();
  EXPECT_TRUE(one.received().starts_with("HTTP/1.1 503 ")) << one.received();
  EXPECT_EQ(waiting_, 0);
}

TEST_F(HttpListenerNewsTest, NewsThatThrowIsAnInternalErrorOrTheEndOfTheStream) {
  listen([](const Incoming& request) {
    Outgoing answer;
    if (request.path == "/x") {
      answer.later = []() -> std::optional<Outgoing> { throw std::runtime_error("secret"); };
    } else {
      answer.stream = []() -> std::optional<std::string> { throw std::runtime_error("secret"); };
    }
    return answer;
  });
  for (const char* path : {"/x", "/stream"}) {
    RawClient client(listener_->port());
    client.send("GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    client.read_to_end();
    EXPECT_TRUE(client.received().starts_with(path == std::string("/x") ? "HTTP/1.1 500 "
                                                                        : "HTTP/1.1 200 "));
    EXPECT_EQ(client.received().find("secret"), std::string::npos) << client.received();
  }
}

}  // namespace
}  // namespace belay::net
