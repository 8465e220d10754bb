// Goal: under a flood of pushed events the daemon asks for patience, and a client that has some
// loses nothing: what clients sent = what was evaluated + what was refused. Method: the real
// binary, clients in parallel that post more than its lane holds, and what /metrics says
// afterwards.

#include <atomic>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "net/http_client.h"
#include "tests/support/child_process.h"
#include "tests/support/eventually.h"
#include "tests/support/gzip.h"
#include "tests/support/paths.h"
#include "tests/support/peak_memory.h"
#include "tests/support/scripted_peer.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

/// Of one post: below the bound on what may be inflated, and twice what the lane holds.
constexpr std::uint64_t kEventsEach = 140'000;
constexpr int kClients = 6;
constexpr int kPostsMax = 60;

/// Of what is told one in ten fails: the one is bad, the other fine, or not known yet.
constexpr const char* kRules = R"(rules:
  - { name: some, when: "error rate > 5% over 30m, min 100 requests", then: alert }
  - { name: most, when: "error rate > 50% over 30m, min 100 requests", then: alert }
)";

std::string many_events() {
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  const std::string one =
      fmt::format("{{\"ts\":{},\"service\":\"shop\",\"status\":200}}\n", now.count());
  const std::string failed =
      fmt::format("{{\"ts\":{},\"service\":\"shop\",\"status\":500}}\n", now.count());
  std::string all;
  for (std::uint64_t i = 0; i < kEventsEach; ++i) all += i % 10 == 0 ? failed : one;
  return gzip(all);
}

class FloodTest : public testing::Test {
 protected:
  FloodTest() {
    directory_.write("belay.yaml", fmt::format(R"(listen: 127.0.0.1:0
metrics: 127.0.0.1:{}
ingest: 127.0.0.1:{}
services:
  shop: {{ logs: {{ push: {{}}, lateness: 30m }}, rules: [rules.yaml] }}
)",
                                               metrics_, ingest_));
    directory_.write("rules.yaml", kRules);
  }
  [[nodiscard]] ChildProcess::Options daemon() const {
    return {.argv = {belay_binary().string(), "run"},
            .output = directory_.path() / "output",
            .directory = directory_.path()};
  }
  [[nodiscard]] std::string page(const std::string& path) const {
    const auto answer = net::http_call(
        {.url = fmt::format("http://127.0.0.1:{}{}", metrics_, path), .body_bytes_max = 1 << 20});
    const auto* response = std::get_if<net::HttpResponse>(&answer);
    return response == nullptr ? "" : fmt::format("{} {}", response->status, response->body);
  }
  /// The sum of all series of a family.
  [[nodiscard]] std::uint64_t sum_of(const std::string& family) const {
    const std::string text = "\n" + page("/metrics");
    double sum = 0;
    for (std::size_t at = 0; (at = text.find("\n" + family + "{", at)) != std::string::npos;) {
      const std::size_t end = text.find('\n', ++at);
      sum += std::stod(text.substr(text.rfind(' ', end)));
    }
    return static_cast<std::uint64_t>(sum);
  }

  [[nodiscard]] bool judges(const std::string& rule, const std::string& state) const {
    return page("/metrics")
               .find(fmt::format(R"(belay_rule_state{{service="shop",rule="{}",state="{}"}} 1)",
                                 rule, state)) != std::string::npos;
  }

  /// Posts until all is taken or enough was posted; waits as long as it is asked to.
  void be_a_client(const std::string& body) {
    for (int taken = 0; taken < 2 || refused_ == 0;) {
      if (++posts_ > kPostsMax) return;
      const auto answer = net::http_call({.method = "POST",
                                          .url = fmt::format("http://127.0.0.1:{}/events", ingest_),
                                          .headers = {{"Content-Encoding", "gzip"}},
                                          .body = body,
                                          .deadline = 60s});
      const auto* response = std::get_if<net::HttpResponse>(&answer);
      if (judges("some", "fine") || judges("most", "bad")) ++misjudged_;
      if (response != nullptr && response->status == 202) {
        ++taken;
        ++accepted_;
      } else if (response != nullptr && response->status == 429) {
        ++refused_;
        const std::chrono::seconds wait{std::stoi(response->header("retry-after").value_or("0"))};
        if (wait < 1s) ++strange_;
        const auto until = steady_clock::now() + wait;
        eventually([&] { return steady_clock::now() >= until; });
        --posts_;
      } else {
        ++strange_;
      }
    }
  }

  TemporaryDirectory directory_;
  std::uint16_t metrics_ = free_port();
  std::uint16_t ingest_ = free_port();
  std::atomic<int> posts_ = 0;
  std::atomic<std::uint64_t> accepted_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
  std::atomic<int> strange_ = 0;
  std::atomic<int> misjudged_ = 0;
};

TEST_F(FloodTest, AClientThatHonoursRetryAfterLosesNothingAndAllCountsAddUp) {
  ChildProcess child{daemon()};
  ASSERT_TRUE(eventually([&] { return page("/readyz").starts_with("200 "); }, 60s));
  const std::string body = many_events();
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < kClients; ++i) clients.emplace_back([&] { be_a_client(body); });
  }
  EXPECT_EQ(strange_, 0) << "an answer other than 202 and 429";
  EXPECT_GT(refused_, 0U) << "the flood was no flood";
  EXPECT_EQ(misjudged_, 0) << "neither right nor unknown";
  EXPECT_TRUE(eventually([&] { return judges("some", "bad"); })) << page("/metrics");
  const std::uint64_t events = accepted_ * kEventsEach;
  EXPECT_TRUE(eventually([&] { return sum_of("belay_requests_total") >= events; }, 60s))
      << page("/metrics");
  EXPECT_EQ(sum_of("belay_requests_total"), events) << "evaluated";
  EXPECT_TRUE(eventually([&] { return sum_of("belay_source_documents_total") == events; }));
  EXPECT_EQ(sum_of("belay_source_used_total"), events);
  EXPECT_EQ(sum_of("belay_source_rejected_total"), 0U);
  EXPECT_EQ(sum_of("belay_source_lost_total"), 0U);
  EXPECT_EQ(sum_of("belay_ingest_posts_total"), accepted_ + refused_);
  std::printf("the daemon held %d MiB at most\n",
              static_cast<int>(peak_memory_bytes(child.pid()) >> 20U));
  EXPECT_GT(peak_memory_bytes(child.pid()), 0U);
  EXPECT_LT(peak_memory_bytes(child.pid()), memory_mib(128, 1024));
  child.signal(SIGTERM);
  EXPECT_EQ(child.wait(20s), 0);
}

}  // namespace
}  // namespace belay::test
