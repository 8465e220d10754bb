#include "monitor/demo/demo_service.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include <httplib.h>
#include <nlohmann/json.hpp>

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr std::size_t kThreads = 24;
constexpr const char* kBadVersion = "v2";
/// Of the traffic, in percent: what the bad version does not bear.
constexpr int kTooMuch = 30;

/// How one call of a version goes. A fixed cycle, so that the demo tells the same story each time.
struct Behaviour {
  std::chrono::milliseconds takes{};
  bool throws = false;
};

Behaviour behaviour_of(const std::string& version, int percent, const std::string& path,
                       std::uint64_t call) {
  const auto usual = std::chrono::milliseconds{6 + call * 7 % 29};
  if (version != kBadVersion) return {usual, call % 400 == 399};
  const bool is_broken = path == "/api/cart" || path == "/api/checkout";
  return {usual + 10ms, is_broken && percent > kTooMuch && call % 4 != 0};
}

class DemoService {
 public:
  explicit DemoService(const std::string& log_path) : log_(log_path, std::ios::app) {
    server_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    server_.set_tcp_nodelay(true);
    server_.Get("/healthz", [](const auto&, httplib::Response& response) {
      response.set_content(R"({"status":"ok"})", "application/json");
    });
    server_.Get("/api/.*",
                [this](const auto& request, auto& response) { call(request, response); });
    server_.Get("/deployment", [this](const auto&, httplib::Response& response) {
      const std::lock_guard lock{mutex_};
      response.set_content(json(split_).dump(), "application/json");
    });
    server_.Post("/deployment", [this](const httplib::Request& request, auto& response) {
      deploy(request, response);
    });
    server_.Post("/slack", [this](const httplib::Request& request, httplib::Response& response) {
      const std::lock_guard lock{mutex_};
      slack_ += json::parse(request.body, nullptr, false).dump() + "\n";
      response.set_content("ok", "text/plain");
    });
    server_.Get("/slack", [this](const auto&, httplib::Response& response) {
      const std::lock_guard lock{mutex_};
      response.set_content(slack_, "text/plain");
    });
  }

  int serve() {
    const int port = server_.bind_to_any_port("127.0.0.1");
    if (port <= 0 || !log_) return 1;
    std::printf("%d\n", port);
    std::fflush(stdout);
    return server_.listen_after_bind() ? 0 : 1;
  }

 private:
  void deploy(const httplib::Request& request, httplib::Response& response) {
    const json wanted = json::parse(request.body, nullptr, false);
    if (!wanted.is_object()) {
      response.status = 400;
      return;
    }
    const std::lock_guard lock{mutex_};
    split_ = wanted.get<std::map<std::string, int>>();
  }

  /// Every hundred calls hold exactly the shares of the split, well mixed.
  std::pair<std::string, int> version_of(std::uint64_t call) {
    const std::lock_guard lock{mutex_};
    int place = static_cast<int>(call * 37 % 100);
    for (const auto& [version, percent] : split_) {
      place -= percent;
      if (place < 0) return {version, percent};
    }
    return *split_.rbegin();
  }

  void call(const httplib::Request& request, httplib::Response& response) {
    const auto [version, percent] = version_of(calls_++);
    const Behaviour behaviour =
        behaviour_of(version, percent, request.path, calls_of_[version == kBadVersion]++);
    const auto wall = std::chrono::system_clock::now();
    const auto start = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(behaviour.takes);
    const auto took =
        std::chrono::round<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
    if (behaviour.throws) {
      response.status = 500;
    } else {
      response.set_content(R"({"items":[]})", "application/json");
    }
    write_trace(request, version, behaviour.throws, wall, took);
  }

  void write_trace(const httplib::Request& request, const std::string& version, bool threw,
                   std::chrono::system_clock::time_point wall, std::chrono::milliseconds took) {
    const auto at = std::chrono::floor<std::chrono::milliseconds>(wall).time_since_epoch().count();
    json trace{{"wallTime", took.count()},
               {"cpuTime", 2},
               {"truncated", false},
               {"executionModel", "stateless"},
               {"outcome", threw ? "exception" : "ok"},
               {"scriptVersion", {{"id", version}}},
               {"scriptName", "shop"},
               {"diagnosticsChannelEvents", json::array()},
               {"exceptions", json::array()},
               {"logs", json::array()},
               {"eventTimestamp", at},
               {"event",
                {{"request",
                  {{"url", "https://shop.example.test" + request.path},
                   {"method", request.method},
                   {"headers", {{"cf-ray", std::to_string(calls_.load())}}}}}}}};
    if (threw) {
      trace["exceptions"].push_back(
          {{"name", "TypeError"},
           {"message", "Cannot read properties of undefined (reading 'price')"},
           {"timestamp", at}});
    } else {
      trace["event"]["response"] = {{"status", 200}};
    }
    const std::lock_guard lock{mutex_};
    log_ << trace.dump() << '\n' << std::flush;
  }

  httplib::Server server_;
  std::atomic<std::uint64_t> calls_ = 0;
  std::atomic<std::uint64_t> calls_of_[2] = {};
  std::mutex mutex_;
  std::ofstream log_;
  std::map<std::string, int> split_ = {{"v1", 100}};
  std::string slack_;
};

}  // namespace

int serve_demo(const std::string& log_path) { return DemoService{log_path}.serve(); }

}  // namespace belay::monitor
