// Goal: a running Belay fills the dashboard. Method: the real program plays its demo while a real
// prometheus scrapes it; every expression must have had data at some moment.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "net/http_client.h"
#include "tests/grafana/dashboard.h"
#include "tests/integration/prometheus_server.h"
#include "tests/support/eventually.h"
#include "tests/support/paths.h"
#include "tests/support/scripted_peer.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;

std::string page_of(std::uint16_t port) {
  const auto answer =
      net::http_call({.url = "http://127.0.0.1:" + std::to_string(port) + "/metrics",
                      .body_bytes_max = 1024 * 1024});
  const auto* response = std::get_if<net::HttpResponse>(&answer);
  return response != nullptr && response->status == 200 ? response->body : "";
}

class DemoScrape : public testing::Test {
 protected:
  TemporaryDirectory directory_;
  std::uint16_t port_ = free_port();
  ChildProcess belay_{{.argv = {belay_binary().string(), "demo", "--stay", "--metrics",
                                "127.0.0.1:" + std::to_string(port_)},
                       .output = directory_.path() / "demo.txt",
                       .directory = directory_.path()}};
};

TEST_F(DemoScrape, GivesDataToTheDashboardAndAPageToPromtool) {
  const PrometheusServer prometheus(port_, 500ms);
  std::vector<Expression> waiting = expressions_of(overview_dashboard());
  std::erase_if(waiting, is_about_what_the_demo_lacks);  // daemon_scrape_test.cc shows these.
  ASSERT_GT(waiting.size(), 20U);
  EXPECT_TRUE(eventually(
      [&] {
        std::erase_if(waiting, [&](const Expression& expression) {
          return prometheus.has_data(substituted(expression.text, "5s", "1m"));
        });
        return waiting.empty();
      },
      100s));
  for (const Expression& expression : waiting) {
    ADD_FAILURE() << expression.where << " has no data: " << expression.text;
  }
  EXPECT_EQ(promtool_complaints(page_of(port_)), "");
  belay_.signal(SIGTERM);
  EXPECT_TRUE(belay_.wait(20s).has_value());
  if (HasFailure()) {
    ADD_FAILURE() << content_of(directory_.path() / "demo.txt");
  }
}

}  // namespace
}  // namespace belay::test
