// Goal: a running daemon fills what of the dashboard the demo has no data for. Method: the real
// binary with a queue of the real BullMQ, evidence that is broken, lost and posted, a gate that
// passes, and people who are told; a real prometheus scrapes it.

#include <chrono>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/time.h"
#include "tests/grafana/dashboard.h"
#include "tests/integration/daemon_api.h"
#include "tests/integration/prometheus_server.h"
#include "tests/integration/queue_load.h"
#include "tests/support/redis_server.h"
#include "tests/support/scripted_peer.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;

class DaemonScrapeTest : public DaemonApiTest {
 protected:
  void start_with_everything() {
    write_papers("{\"ts\":1,\"status\":\n" + std::string(200, '-') + "\n");
    GateWorld::Settings settings;
    settings.metrics = fmt::format("127.0.0.1:{}", metrics_);
    settings.more = fmt::format("ingest: 127.0.0.1:{}", ingest_);
    settings.services = fmt::format(
        "  papers: {{ mode: observe, logs: {{ file: papers.log }} }}\n"
        "  post: {{ mode: observe, logs: {{ push: {{}} }} }}\n"
        "  mailer: {{ mode: observe, queues: {{ redis: {{ url: \"{}\", names: [mail], every: 1s }} "
        "}} }}\n",
        redis_.url());
    start(settings);
  }
  void write_papers(const std::string& text) const {
    std::ofstream(world_.directory() / "papers.log", std::ios::trunc) << text;
  }
  /// What each look at prometheus gives occasion to.
  void stir() {
    write_papers("no JSON\n" + std::string(++stirred_ % 2 == 0 ? 10 : 100, '-') + "\n");
    static_cast<void>(net::http_call({.method = "POST",
                                      .url = fmt::format("http://127.0.0.1:{}/events", ingest_),
                                      .body = "{}\n"}));
  }
  void pass_a_gate() {
    const auto committed = std::chrono::system_clock::now() - 2h;
    const auto ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(committed.time_since_epoch());
    const BelayRun gate =
        belay({"gate", "--service", "shop", "--candidate", "v2", "--baseline", "v1", "--for", "8s",
               "--committed-at", format_utc(from_unix_ms(ms.count()))});
    EXPECT_EQ(gate.code, 0) << gate.text;
  }

  RedisServer redis_;
  std::uint16_t metrics_ = free_port();
  std::uint16_t ingest_ = free_port();
  int stirred_ = 0;
};

TEST_F(DaemonScrapeTest, GivesDataToWhatTheDemoLacks) {
  ASSERT_EQ(load_queue(redis_.url(), "still"), "");
  ASSERT_NO_FATAL_FAILURE(start_with_everything());
  serve(200);
  const PrometheusServer prometheus(metrics_, 500ms);
  std::vector<Expression> waiting = expressions_of(overview_dashboard());
  std::erase_if(waiting, [](const Expression& one) { return !is_about_what_the_demo_lacks(one); });
  ASSERT_EQ(waiting.size(), 13U) << "an expression for which the demo had data, or a new one";
  ASSERT_EQ(load_queue(redis_.url(), "work", {"--fail", "0.5"}), "");
  pass_a_gate();
  eventually(
      [&] {
        stir();
        std::erase_if(waiting, [&](const Expression& expression) {
          return prometheus.has_data(substituted(expression.text, "5s", "1m"));
        });
        return waiting.empty();
      },
      60s);
  for (const Expression& expression : waiting)
    ADD_FAILURE() << expression.where << " has no data: " << expression.text;
  if (HasFailure()) ADD_FAILURE() << world_.output();
}

}  // namespace
}  // namespace belay::test
