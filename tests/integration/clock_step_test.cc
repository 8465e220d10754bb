// Goal: a step of the wall clock by an hour neither fires nor clears a rule, whether the log goes
// by that clock or by another. Method: the real daemon under libfaketime, which moves
// CLOCK_REALTIME under it while its evidence flows on; its monotonic clocks stay as they are, as
// with a real step.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "net/http_client.h"
#include "tests/support/child_process.h"
#include "tests/support/eventually.h"
#include "tests/support/libfaketime.h"
#include "tests/support/paths.h"
#include "tests/support/scripted_peer.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr const char* kRules = R"(rules:
  - { name: hot, when: "5xx rate > 5% over 5s, min 10 requests, for 2s", then: alert }
  - { name: calm, when: "error rate > 90% over 5s, min 10 requests, for 1s", then: alert }
  - { name: few, when: "requests rate < 1/s over 5s, for 1s", then: alert }
  - { name: silent, when: "no data from tail for 5s", then: alert }
)";

enum class Writer { is_right, is_set_too };

class ClockStepTest : public testing::TestWithParam<Writer> {
 protected:
  ClockStepTest() {
    step_to("+0");
    directory_.write("shop.log", "");
    directory_.write("rules.yaml", kRules);
    directory_.write("belay.yaml", fmt::format(R"(listen: 127.0.0.1:0
metrics: 127.0.0.1:{}
services:
  shop: {{ logs: {{ file: shop.log }}, rules: [rules.yaml] }}
)",
                                               port_));
  }
  void step_to(const std::string& offset) const {
    directory_.write("clock.new", offset + "\n");
    std::filesystem::rename(directory_.path() / "clock.new", directory_.path() / "clock");
  }
  [[nodiscard]] ChildProcess::Options daemon() const {
    return {.argv = {belay_binary().string(), "run"},
            .environment = {"LD_PRELOAD=" + libfaketime(),
                            "FAKETIME_TIMESTAMP_FILE=" + (directory_.path() / "clock").string(),
                            "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
                            "DONT_FAKE_MONOTONIC=1", "ASAN_OPTIONS=verify_asan_link_order=0"},
            .output = output(),
            .directory = directory_.path()};
  }
  [[nodiscard]] std::filesystem::path output() const { return directory_.path() / "output"; }
  [[nodiscard]] std::string metrics() const {
    const auto answer = net::http_call(
        {.url = fmt::format("http://127.0.0.1:{}/metrics", port_), .body_bytes_max = 1 << 20});
    const auto* response = std::get_if<net::HttpResponse>(&answer);
    return response == nullptr ? "" : response->body;
  }

  /// One request in four fails, as seen by somebody whose clock is right, or is set as well.
  void append_requests() const {
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now().time_since_epoch() + writer_is_off_);
    std::ofstream log(directory_.path() / "shop.log", std::ios::app);
    for (const int status : {200, 200, 200, 500}) {
      log << fmt::format("{{\"ts\":{},\"service\":\"shop\",\"status\":{}}}\n", now.count(), status);
    }
  }
  /// Evidence flows, ten times a second, until `condition`.
  template <typename Condition>
  bool flow_until(Condition&& condition) {
    return eventually(
        [&] {
          if (steady_clock::now() >= next_) {
            append_requests();
            next_ = steady_clock::now() + 100ms;
          }
          return condition();
        },
        60s);
  }
  void flow_for(std::chrono::seconds lasts) {
    const auto until = steady_clock::now() + lasts;
    ASSERT_TRUE(flow_until([&] { return steady_clock::now() >= until; }));
  }
  [[nodiscard]] bool shows(const std::string& rule, const std::string& state) const {
    return metrics().find(fmt::format(
               "belay_rule_state{{service=\"shop\",rule=\"{}\",state=\"{}\"}} 1", rule, state)) !=
           std::string::npos;
  }
  [[nodiscard]] std::size_t times_said(const std::string& text) const {
    const std::string said = content_of(output());
    std::size_t times = 0;
    for (std::size_t at = 0; (at = said.find(text, at)) != std::string::npos; ++at) ++times;
    return times;
  }

  TemporaryDirectory directory_;
  std::uint16_t port_ = free_port();
  std::chrono::seconds writer_is_off_{0};
  steady_clock::time_point next_ = steady_clock::now();
};

/// The minutes since midnight that a line of the daemon's log names.
int minutes_of(const std::string& log_line) {
  const std::size_t colon = log_line.find(':');
  if (colon == std::string::npos || colon < 2) return -1;
  return std::stoi(log_line.substr(colon - 2, 2)) * 60 + std::stoi(log_line.substr(colon + 1, 2));
}

TEST_P(ClockStepTest, AnHourForwardAndBackFiresAndClearsNothing) {
  ChildProcess child{daemon()};
  ASSERT_TRUE(flow_until([&] { return times_said("hot is firing") == 1; }))
      << content_of(output()) << metrics();
  for (const char* offset : {"+3600", "+0", "+3600"}) {
    step_to(offset);
    if (GetParam() == Writer::is_set_too) writer_is_off_ = std::chrono::seconds{std::stoi(offset)};
    // Longer than every window and every hold.
    flow_for(8s);
    EXPECT_TRUE(shows("hot", "bad")) << offset << metrics();
    EXPECT_TRUE(shows("calm", "fine")) << offset << metrics();
    EXPECT_TRUE(shows("few", "fine")) << offset << metrics();
    EXPECT_TRUE(shows("silent", "fine")) << offset << metrics();
  }
  child.signal(SIGTERM);
  EXPECT_EQ(child.wait(20s), 0) << content_of(output());
  const std::string said = content_of(output());
  EXPECT_EQ(times_said("hot "), 1U) << said;
  for (const char* rule : {"calm ", "few ", "silent "}) EXPECT_EQ(times_said(rule), 0U) << said;
  // The step did reach the daemon: its log's own times show it.
  const std::size_t last = said.rfind('\n', said.size() - 2);
  const int minutes = (minutes_of(said.substr(last + 1)) - minutes_of(said) + 1440) % 1440;
  EXPECT_GE(minutes, 60) << said;
}

INSTANTIATE_TEST_SUITE_P(ByALog, ClockStepTest,
                         testing::Values(Writer::is_right, Writer::is_set_too),
                         [](const auto& one) {
                           return one.param == Writer::is_right ? "OfAnotherClock" : "OfTheSame";
                         });

}  // namespace
}  // namespace belay::test
