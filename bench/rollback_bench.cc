// Row 9 of the goals: from the moment the deciding line is in the log file to the moment the
// platform has the request that rolls back: reading, judging, the durable journal, the read of the
// platform, and the call. The real binary, a gate of its own for each time, Cloudflare on loopback.

#include <algorithm>
#include <chrono>
#include <fstream>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "base/check.h"
#include "tests/monitor/acting/cloudflare_peer.h"
#include "tests/monitor/acting/records.h"
#include "tests/support/child_process.h"
#include "tests/support/eventually.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_directory.h"

namespace belay::bench {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr int kTimes = 50;

constexpr const char* kConfiguration = R"(state: state
metrics: 127.0.0.1:0
mode: enforce
platforms: {{ cloudflare: {{ account: acc, token: "${{TOKEN}}", api: "{}" }} }}
services:
  shop:
    platform: {{ cloudflare: {{ script: shop }} }}
    logs: {{ file: shop.log }}
    rollout: {{ rules: [rules.yaml] }}
notify:
  page: [ {{ slack: {{ webhook: "${{SLACK}}" }} }} ]
)";

constexpr const char* kRules = R"(rules:
  - name: shop-errors
    when: error rate > 20% over 5s, min 20 requests
    then: rollback
)";

class OneRollback {
 public:
  OneRollback() {
    place_.write("belay.yaml", fmt::format(kConfiguration, peer_.base_url()));
    place_.write("rules.yaml", kRules);
    place_.write("shop.log", "");
  }

  double milliseconds() {
    test::ChildProcess gate(
        {.argv = {test::belay_binary().string(), "gate", "--standalone", "--service", "shop",
                  "--candidate", test::kBadVersion, "--baseline", test::kGoodVersion},
         .environment = {"TOKEN=t", "SLACK=http://127.0.0.1:9/hook"},
         .output = place_.path() / "output",
         .directory = place_.path()});
    const bool watches = test::eventually([this] {
      return test::content_of(place_.path() / "output").find("watching") != std::string::npos;
    });
    BELAY_CHECK(watches, test::content_of(place_.path() / "output"));
    for (int i = 0; i < 19; ++i) log_error();
    const auto decided = SteadyClock::now();
    log_error();
    const bool acts = test::eventually([this] { return was_asked(); });
    const std::chrono::duration<double, std::milli> took = SteadyClock::now() - decided;
    BELAY_CHECK(acts, test::content_of(place_.path() / "output"));
    return took.count();
  }

 private:
  void log_error() {
    const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                            std::chrono::system_clock::now().time_since_epoch())
                            .count();
    std::ofstream(place_.path() / "shop.log", std::ios::app) << fmt::format(
        R"({{"ts":{},"service":"shop","version":"{}","route":"/","status":500,"wall_ms":3}})"
        "\n",
        now_ms, test::kBadVersion);
  }
  bool was_asked() {
    const auto requests = peer_.requests();
    return std::any_of(requests.begin(), requests.end(),
                       [](const test::PeerRequest& one) { return one.method == "POST"; });
  }

  test::CloudflarePeer peer_;
  test::TemporaryDirectory place_;
};

void DecisionToRollback(benchmark::State& state) {
  std::vector<double> took;
  for ([[maybe_unused]] auto unused : state)
    for (int i = 0; i < kTimes; ++i) took.push_back(OneRollback().milliseconds());
  std::sort(took.begin(), took.end());
  state.counters["p50_ms"] = took[took.size() / 2];
  state.counters["p99_ms"] = took[took.size() * 99 / 100];
}
BENCHMARK(DecisionToRollback)->Iterations(1)->Repetitions(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace belay::bench
