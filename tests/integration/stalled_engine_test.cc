// Goal: /healthz tells of an engine that does not step any more. Method: a daemon, someone who is
// told and does not return, and a client of the real listener.

#include <condition_variable>
#include <mutex>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/config/read_config.h"
#include "monitor/daemon.h"
#include "net/http_client.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;

/// Holds up the engine's thread while it is told to.
class HoldUp : public exporters::Sink {
 public:
  void publish(const rules::Snapshot& /*snapshot*/) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !holds_; });
  }
  void notify(const rules::Notice& /*notice*/) override {}
  void set(bool holds) {
    const std::scoped_lock lock(mutex_);
    holds_ = holds;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool holds_ = false;
};

std::string get(std::uint16_t port, const std::string& path) {
  const auto answer = net::http_call({.url = fmt::format("http://127.0.0.1:{}{}", port, path)});
  const auto* response = std::get_if<net::HttpResponse>(&answer);
  return response == nullptr ? "" : fmt::format("{} {}", response->status, response->body);
}

TEST(StalledEngineTest, HealthzIsBadWhileTheEngineIsHeldUpAndGoodAgainAfterwards) {
  const TemporaryDirectory directory;
  directory.write("shop.log", "");
  const auto file = directory.write(
      "belay.yaml", "metrics: 127.0.0.1:0\nservices:\n  shop: { logs: { file: shop.log } }\n");
  auto read = monitor::read_config(file.string(), monitor::Interpolation::of_process());
  ASSERT_TRUE(read.config.has_value());
  HoldUp hold_up;
  auto daemon = monitor::Daemon::start(std::move(*read.config), {&hold_up});
  ASSERT_TRUE(daemon.ok());
  const std::uint16_t port = *(*daemon)->metrics_port();
  const auto shows = [port](const std::string& path, const std::string& text) {
    return eventually([&] { return get(port, path).find(text) != std::string::npos; }, 60s);
  };
  EXPECT_TRUE(shows("/healthz", "200 "));
  EXPECT_TRUE(shows("/readyz", "200 "));
  hold_up.set(true);
  EXPECT_TRUE(shows("/healthz", "the engine has not stepped for")) << get(port, "/healthz");
  EXPECT_TRUE(get(port, "/readyz").starts_with("503 "));
  hold_up.set(false);
  EXPECT_TRUE(shows("/healthz", "200 ")) << get(port, "/healthz");
}

}  // namespace
}  // namespace belay::test
