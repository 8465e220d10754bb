// Goal: several services go as one train, stop when one fails, and go back as configured, killed
// or not. Method: the real binary with three services, a log that grows for each, and platforms
// made of files; its own verbs begin and follow the train.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/belay_run.h"
#include "tests/integration/slack_peer.h"
#include "tests/support/child_process.h"
#include "tests/support/eventually.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr const char* kServices[] = {"gateway", "orders", "journeys"};

/// A service whose platform is the file live-NAME; `runs` takes a line for each rollback, once it
/// is done: whoever kills on that line leaves nothing half done, which would rightly be done again.
std::string service(const std::string& name, const std::string& after) {
  return fmt::format(
      "  {0}:\n"
      "    logs: {{ file: {0}.log }}\n"
      "    after: [{1}]\n"
      "    platform: {{ command: {{ rollback: [sh, -c, "
      "'echo $BELAY_TARGET > live-{0}; echo {0} >> runs'], verify: [sh, -c, 'grep -qx "
      "$BELAY_TARGET live-{0}'] }} }}\n"
      "    rollout: {{ rules: [rules.yaml], verify for: 5s }}\n",
      name, after);
}

class TrainDaemonTest : public testing::Test {
 protected:
  void configure(const std::string& policy) {
    directory_.write("rules.yaml",
                     "rules:\n"
                     "  - name: errors\n"
                     "    when: error rate > 20% over 5s, min 10 requests, for 1s\n"
                     "    then: rollback\n");
    std::string text = "state: state\nlisten: 127.0.0.1:0\nmetrics: 127.0.0.1:0\nmode: enforce\n";
    text += "trains: { on fail: " + policy + " }\nservices:\n";
    text += service("gateway", "") + service("orders", "gateway") +
            service("journeys", "gateway, orders");
    text += "notify: { page: [ { slack: { webhook: \"${SLACK}\" } } ] }\n";
    directory_.write("belay.yaml", text);
    for (const std::string name : kServices) {
      directory_.write("live-" + name, "v2\n");
      directory_.write(name + ".log", "");
    }
    traffic_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  void run() {
    std::filesystem::remove(directory_.path() / "output");
    daemon_ = std::make_unique<ChildProcess>(
        ChildProcess::Options{.argv = {belay_binary().string(), "run"},
                              .environment = {"SLACK=" + slack_.url()},
                              .output = directory_.path() / "output",
                              .directory = directory_.path()});
    ASSERT_TRUE(eventually(
        [this] {
          return belay({"rollout", "status"}).code == 0;
        },
        60s))
        << content_of(directory_.path() / "output");
  }
  void kill() {
    daemon_->signal(SIGKILL);
    EXPECT_EQ(daemon_->wait(20s), 128 + SIGKILL);
  }
  BelayRun belay(const std::vector<std::string>& arguments) const {
    return run_belay(arguments, directory_.path(), {}, 300s);
  }
  BelayRun start_train(const std::string& wait) {
    std::vector<std::string> arguments = {"train", "start", "r1", "--for", "6s"};
    for (const std::string name : kServices)
      arguments.insert(arguments.end(), {"--candidate", name + "=v2", "--baseline", name + "=v1"});
    if (!wait.empty()) arguments.insert(arguments.end(), {"--wait", wait});
    return belay(arguments);
  }
  std::string runs() const { return content_of(directory_.path() / "runs"); }
  std::string said() const { return content_of(directory_.path() / "output"); }
  std::string state_of(const std::string& name) const {
    const BelayRun run = belay({"train", "status", "r1", "--output", "json"});
    const auto train = nlohmann::json::parse(run.text, nullptr, false);
    if (!train.is_object()) return run.text;
    for (const auto& rollout : train.at("rollouts"))
      if (rollout.at("service") == name) return rollout.at("state");
    return "none";
  }

  std::atomic<bool> is_orders_bad_ = false;
  std::atomic<bool> is_journeys_bad_ = false;
  TemporaryDirectory directory_;

 private:
  void serve(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock{mutex};
    std::set<std::string> begun;  // What was bad before its rollout began could not fail it.
    while (!stop.stop_requested()) {
      for (const std::string name : kServices) {
        if (said().find(name + ": watching v2") != std::string::npos) begun.insert(name);
        const bool is_new = content_of(directory_.path() / ("live-" + name)) == "v2\n";
        const bool is_bad = begun.contains(name) && ((name == "orders" && is_orders_bad_) ||
                                                     (name == "journeys" && is_journeys_bad_));
        std::ofstream log(directory_.path() / (name + ".log"), std::ios::app);
        answer(log, name, "v1", 200);
        if (is_new) answer(log, name, "v2", is_bad ? 500 : 200);
      }
      stopped.wait_for(lock, stop, 50ms, [] { return false; });
    }
  }
  static void answer(std::ofstream& log, const std::string& name, const std::string& version,
                     int status) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    log << fmt::format(
               R"({{"ts":{},"service":"{}","version":"{}","route":"/","status":{},"wall_ms":3}})",
               std::chrono::duration_cast<std::chrono::milliseconds>(now).count(), name, version,
               status)
        << '\n';
  }

  SlackPeer slack_;
  std::unique_ptr<ChildProcess> daemon_;
  std::jthread traffic_;
};

TEST_F(TrainDaemonTest, FineServicesArePromotedInTheirOrder) {
  configure("this");
  run();
  const BelayRun train = start_train("3m");
  EXPECT_EQ(train.code, 0) << train.text << said();
  EXPECT_EQ(runs(), "");
  const std::size_t orders = said().find("orders: watching v2");
  EXPECT_LT(said().find("gateway: v2: pass"), orders);
  EXPECT_LT(said().find("orders: v2: pass"), said().find("journeys: watching v2"));
}

TEST_F(TrainDaemonTest, OneThatFailsGoesBackAloneAndStopsTheRest) {
  is_orders_bad_ = true;
  configure("this");
  run();
  const BelayRun train = start_train("3m");
  EXPECT_EQ(train.code, 11) << train.text << said();
  EXPECT_EQ(runs(), "orders\n");
  EXPECT_EQ(state_of("gateway"), "promoted");
  EXPECT_EQ(state_of("journeys"), "aborted");
  EXPECT_THAT(train.text, HasSubstr("its train r1 has stopped: orders v2 failed"));
}

TEST_F(TrainDaemonTest, AllThatMovedGoesBackInReverse) {
  is_orders_bad_ = true;
  configure("all");
  run();
  const BelayRun train = start_train("3m");
  EXPECT_EQ(train.code, 11) << train.text << said();
  EXPECT_EQ(runs(), "orders\ngateway\n");
  EXPECT_EQ(content_of(directory_.path() / "live-gateway"), "v1\n");
  EXPECT_EQ(content_of(directory_.path() / "live-journeys"), "v2\n") << "it had not begun";
}

TEST_F(TrainDaemonTest, KilledAgainAndAgainItTakesEachBackOnce) {
  is_journeys_bad_ = true;
  configure("all");
  run();
  EXPECT_EQ(start_train("").code, 0);
  ASSERT_TRUE(eventually([this] { return state_of("orders") == "baking"; }, 60s)) << said();
  kill();
  run();
  EXPECT_EQ(state_of("journeys"), "pending") << "who waits is remembered";
  ASSERT_TRUE(eventually([this] { return runs() == "journeys\n"; }, 60s)) << said();
  kill();
  run();
  ASSERT_TRUE(eventually([this] { return runs() == "journeys\norders\n"; }, 90s)) << said();
  kill();
  run();
  const BelayRun train = belay({"train", "status", "r1", "--wait", "3m"});
  EXPECT_EQ(train.code, 11) << train.text << said();
  EXPECT_EQ(runs(), "journeys\norders\ngateway\n");
}

TEST_F(TrainDaemonTest, AnUnknownTrainAndAWrongOneAreRefused) {
  configure("this");
  run();
  const BelayRun unknown = belay({"train", "status", "nope"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.text, HasSubstr("no train of this name"));
  const BelayRun wrong = belay({"train", "start", "r2", "--candidate", "nobody=v2"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.text, HasSubstr("no service is called nobody"));
  EXPECT_EQ(belay({"train", "start", "r2", "--candidate", "gateway"}).code, 2);
  EXPECT_EQ(start_train("").code, 0);
  const BelayRun again =
      belay({"train", "start", "r1", "--for", "6s", "--candidate", "gateway=v2"});
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.text, HasSubstr("is in a rollout"));
  const BelayRun aborted = belay({"train", "abort", "r1", "--reason", "lunch"});
  EXPECT_EQ(aborted.code, 0) << aborted.text;
  EXPECT_EQ(belay({"train", "status", "r1", "--wait", "10s"}).code, 15);
}

}  // namespace
}  // namespace belay::test
