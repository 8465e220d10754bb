#pragma once

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "monitor/api/local_endpoint.h"
#include "net/http_client.h"
#include "tests/integration/belay_run.h"
#include "tests/integration/gate_world.h"
#include "tests/support/eventually.h"

namespace belay::test {

/// A running daemon with an API, a token `ci` with the scope `gate` and one, `eyes`, with `read`.
class DaemonApiTest : public testing::Test {
 protected:
  static constexpr const char* kToken = "0123456789abcdef0123456789abcdef";
  static constexpr const char* kEyes = "fedcba9876543210fedcba9876543210";

  void start(const GateWorld::Settings& settings = {}) {
    GateWorld::Settings with_api = settings;
    with_api.more += "\nlisten: 127.0.0.1:" + std::to_string(listens_on_) +
                     "\ntokens:\n  ci: { token: \"${CI}\", scopes: [gate] }\n"
                     "  eyes: { token: \"${EYES}\", scopes: [read] }\n";
    world_.configure(with_api);
    run();
  }
  void run() {
    std::filesystem::remove(world_.directory() / "output");
    ChildProcess::Options options = world_.run();
    options.environment.push_back("CI=" + std::string(kToken));
    options.environment.push_back("EYES=" + std::string(kEyes));
    if (descriptors_max_ > 0) {
      const std::string script = "ulimit -n " + std::to_string(descriptors_max_) + "; exec \"$@\"";
      options.argv.insert(options.argv.begin(), {"sh", "-c", script, "sh"});
    }
    daemon_ = std::make_unique<ChildProcess>(options);
    ASSERT_TRUE(world_.says("the API is on")) << world_.output();
    const auto endpoint = monitor::read_local_endpoint(world_.directory() / "state");
    ASSERT_TRUE(endpoint.ok()) << endpoint.error().message;
    url_ = endpoint->url;
    // The engine has published.
    ASSERT_TRUE(eventually([this] { return get("/api/v1/status").status == 200; }));
  }
  void stop() {
    daemon_->signal(SIGTERM);
    EXPECT_EQ(daemon_->wait(std::chrono::seconds{20}), 0) << world_.output();
    daemon_.reset();
  }
  void serve(int candidate_status) {
    candidate_status_ = candidate_status;
    world_.serve(world_.rollout("v2", "v1", [this] { return candidate_status_.load(); }));
  }

  net::HttpResponse call(net::HttpRequest request) const {
    request.url = url_ + request.url;
    const auto outcome = net::http_call(request);
    const auto* response = std::get_if<net::HttpResponse>(&outcome);
    return response != nullptr ? *response : net::HttpResponse{};
  }
  net::HttpResponse get(const std::string& path) const { return call({.url = path}); }
  net::HttpResponse post(const std::string& path, const std::string& body,
                         const std::string& token = kToken) const {
    return call(
        {.method = "POST",
         .url = path,
         .headers = {{"Authorization", "Bearer " + token}, {"Content-Type", "application/json"}},
         .body = body});
  }
  /// A verb in the directory of the daemon, as its user types it.
  BelayRun belay(const std::vector<std::string>& arguments,
                 const std::vector<std::string>& environment = {}) const {
    return run_belay(arguments, world_.directory(), environment);
  }

  std::atomic<int> candidate_status_ = 200;
  std::uint16_t listens_on_ = 0;  ///< 0: on any.
  int descriptors_max_ = 0;       ///< Of the daemon; 0: as many as the test.
  GateWorld world_;
  std::string url_;
  std::unique_ptr<ChildProcess> daemon_;
};

}  // namespace belay::test
