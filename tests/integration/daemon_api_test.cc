// Goal: the API and the verbs over it, as a user meets them. Method: the real binary and real
// sockets; a shop whose log grows as two versions answer.

#include "tests/integration/daemon_api.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/paths.h"
#include "tests/support/scripted_peer.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST_F(DaemonApiTest, ADisarmIsShownAtOnceAndSurvivesAKill) {
  start();
  EXPECT_EQ(post("/api/v1/disarm", R"({"for":"2h"})").status, 200);
  EXPECT_THAT(get("/api/v1/services/shop").body, HasSubstr("disarmed_until_ms"));
  daemon_->signal(SIGKILL);
  EXPECT_EQ(daemon_->wait(10s), 128 + SIGKILL);
  run();
  EXPECT_THAT(get("/api/v1/services/shop").body, HasSubstr("disarmed_until_ms"));
  EXPECT_EQ(belay({"disarm", "--for", "0s"}).code, 0);
  EXPECT_THAT(get("/api/v1/services/shop").body, testing::Not(HasSubstr("disarmed_until_ms")));
}

TEST_F(DaemonApiTest, DisarmNeedsNoDaemon) {
  start();
  EXPECT_EQ(belay({"disarm", "shop", "--for", "1h"}).code, 0);
  stop();
  const BelayRun alone = belay({"disarm", "--for", "2h"});
  EXPECT_EQ(alone.code, 0) << alone.text;
  EXPECT_THAT(alone.text, HasSubstr("the next one that does will know"));
  run();
  EXPECT_THAT(get("/api/v1/services/shop").body, HasSubstr("disarmed_until_ms"));
}

TEST_F(DaemonApiTest, TokensAreAskedForAndNeverShown) {
  start();
  EXPECT_EQ(post("/api/v1/disarm", R"({"for":"1h"})", "wrong").status, 401);
  EXPECT_EQ(post("/api/v1/disarm", R"({"for":"1h"})", kEyes).status, 403);
  EXPECT_EQ(call({.method = "POST", .url = "/api/v1/disarm"}).status, 401);
  EXPECT_EQ(get("/api/v1/services").status, 200);
  const BelayRun remote = belay({"disarm", "--for", "1h"}, {"BELAY_URL=" + url_});
  EXPECT_EQ(remote.code, 2) << remote.text;
  EXPECT_THAT(remote.text, HasSubstr("BELAY_TOKEN"));
  EXPECT_EQ(
      belay({"disarm", "--for", "1h"}, {"BELAY_URL=" + url_, "BELAY_TOKEN=" + std::string(kToken)})
          .code,
      0);
  stop();
  EXPECT_EQ(world_.output().find(kToken), std::string::npos);
}

TEST_F(DaemonApiTest, HostileRequestsAreRefusedAndTheOthersAnswered) {
  start();
  EXPECT_EQ(post("/api/v1/disarm", std::string((1 << 20) + 1, ' ')).status, 413);
  EXPECT_EQ(call({.url = "/api/v1/services", .headers = {{"X", std::string(20'000, 'x')}}}).status,
            431);
  const net::HttpResponse bomb = post("/api/v1/rollouts", std::string(1 << 20, '['));
  EXPECT_EQ(bomb.status, 400);
  EXPECT_EQ(bomb.header("Content-Type"), "application/problem+json");
  const auto port = static_cast<std::uint16_t>(std::stoi(url_.substr(url_.rfind(':') + 1)));
  std::vector<std::unique_ptr<RawClient>> half_open;
  for (int which = 0; which < 1000; ++which) {
    half_open.push_back(std::make_unique<RawClient>(port));
    half_open.back()->send(which % 2 == 0 ? "GET /api/v1/services HTTP/1.1\r\nX"
                                          : "POST /api/v1/disarm HTTP/1.1\r\nHost: localhost\r\n"
                                            "Content-Length: 1000\r\n\r\n{");
  }
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get("/api/v1/status").status, 200);
}

TEST_F(DaemonApiTest, AThousandClientsAtOnceAreAnsweredOrTurnedAway) {
  start();
  std::atomic<int> answered = 0;
  std::atomic<int> turned_away = 0;
  std::vector<std::jthread> clients;
  for (int thread = 0; thread < 50; ++thread) {
    clients.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        const int status = call({.url = "/api/v1/services", .deadline = 30s}).status;
        if (status == 200) ++answered;
        if (status == 503) ++turned_away;
      }
    });
  }
  clients.clear();
  EXPECT_EQ(answered + turned_away, 1000);
  EXPECT_GT(answered, 0);
}

TEST_F(DaemonApiTest, EventsAreFollowedOverARealConnection) {
  start();
  const auto port = static_cast<std::uint16_t>(std::stoi(url_.substr(url_.rfind(':') + 1)));
  RawClient client(port);
  client.send("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(client.read_until("event: snapshot\n"));
  EXPECT_EQ(post("/api/v1/disarm", R"({"service":"shop","for":"2h"})").status, 200);
  ASSERT_TRUE(client.read_until("event: service\n"));
  ASSERT_TRUE(client.read_until("disarmed_until_ms"));
}

TEST_F(DaemonApiTest, AGateThroughTheDaemonEndsWithItsVerdict) {
  start();
  serve(500);
  const BelayRun gate =
      belay({"gate", "--service", "shop", "--candidate", "v2", "--baseline", "v1", "--for", "10m"});
  EXPECT_EQ(gate.code, 11) << gate.text << world_.output();
  EXPECT_THAT(gate.text, HasSubstr("candidate  v2"));
  EXPECT_EQ(world_.line_of("live"), "v1");
  EXPECT_EQ(world_.lines_of("runs"), 1);
}

TEST_F(DaemonApiTest, AGateGoesOnWithADaemonThatIsStartedAgain) {
  listens_on_ = free_port();
  start();
  serve(200);
  auto gate = std::async(std::launch::async, [this] {
    return belay(
        {"gate", "--service", "shop", "--candidate", "v2", "--baseline", "v1", "--for", "8s"});
  });
  ASSERT_TRUE(eventually(
      [this] { return get("/api/v1/rollouts").body.find("baking") != std::string::npos; }));
  daemon_->signal(SIGKILL);
  EXPECT_EQ(daemon_->wait(10s), 128 + SIGKILL);
  run();
  const BelayRun ended = gate.get();
  EXPECT_EQ(ended.code, 0) << ended.text << world_.output();
}

TEST_F(DaemonApiTest, AGateTellsEachMomentOnceAndWhyNothingWasDone) {
  start();
  EXPECT_THAT(belay({"disarm", "shop", "--for", "1h"}).text, HasSubstr("disarmed until"));
  serve(500);
  const BelayRun gate =
      belay({"gate", "--service", "shop", "--candidate", "v2", "--baseline", "v1", "--for", "10m"});
  EXPECT_EQ(gate.code, 10) << gate.text;
  EXPECT_THAT(gate.text, HasSubstr("\nnothing was done: disarmed until "));
  EXPECT_THAT(belay({"rollout", "status"}).text,
              HasSubstr("  done       nothing: disarmed until "));
  EXPECT_THAT(belay({"history"}).text,
              HasSubstr("  not_acted         shop              did not roll back from v2 to v1: "
                        "disarmed"));
  const std::size_t first = gate.text.find(" begins\n");
  ASSERT_NE(first, std::string::npos) << gate.text;
  EXPECT_EQ(gate.text.find(" begins\n", first + 1), std::string::npos) << gate.text;
  EXPECT_EQ(world_.lines_of("runs"), 0);
  EXPECT_THAT(belay({"disarm", "shop", "--for", "0s"}).text, HasSubstr("shop is armed again"));
}

TEST_F(DaemonApiTest, ARolloutOfNoLengthIsRefusedAndToldHowToSayIt) {
  // A platform that cannot split the traffic has one step of its own.
  start(
      {.platform = "{ command: { rollback: [\"true\"], verify: [\"true\"], move: [\"true\"] } }"});
  const BelayRun run = belay({"rollout", "start", "--service", "shop", "--candidate", "v2"});
  EXPECT_EQ(run.code, 2) << run.text;
  EXPECT_THAT(run.text, HasSubstr("nothing says how long to watch: give a time (`--for 10m`)"));
  EXPECT_THAT(belay({"rollout", "status"}).text, HasSubstr("no rollouts"));
}

TEST_F(DaemonApiTest, AGoodCandidatePassesThroughTheDaemon) {
  start();
  serve(200);
  const BelayRun gate = belay({"gate", "--service", "shop", "--candidate", "v2", "--baseline", "v1",
                               "--for", "8s", "--output", "jsonl"},
                              {"BELAY_URL=" + url_, "BELAY_TOKEN=" + std::string(kToken)});
  EXPECT_EQ(gate.code, 0) << gate.text;
  EXPECT_EQ(world_.lines_of("runs"), 0);
}

TEST_F(DaemonApiTest, WranglersFileAboutAnotherWorkerIsNoCandidateOfTheService) {
  start({.services =
             "  till: { mode: observe, aliases: [till-worker], logs: { file: till.log } }\n"});
  std::ofstream(world_.directory() / "out")
      << R"({"type":"deploy","worker_name":"till-worker","version_id":"v2"})"
      << "\n";
  const BelayRun gate = belay({"gate", "--service", "shop", "--from-wrangler", "out"});
  EXPECT_EQ(gate.code, 2) << gate.text;
  EXPECT_THAT(gate.text, HasSubstr("is about the Worker till-worker, which is till"));
  EXPECT_EQ(belay({"gate", "--standalone", "--service", "shop", "--from-wrangler", "out",
                   "--config", "belay.yaml"},
                  {"CI=" + std::string(kToken), "EYES=" + std::string(kEyes),
                   "SLACK=" + world_.webhook()})
                .code,
            2);
  EXPECT_THAT(get("/api/v1/rollouts").body, testing::Not(HasSubstr("v2")));
}

class InterruptTest : public DaemonApiTest {
 protected:
  /// A gate of v2 against v1 through the daemon, which is judged by now.
  void gate(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {belay_binary().string(), "gate", "--service",  "shop",
                                          "--candidate",           "v2",   "--baseline", "v1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    gate_ = std::make_unique<ChildProcess>(ChildProcess::Options{
        .argv = arguments, .output = world_.directory() / "gate", .directory = world_.directory()});
    ASSERT_TRUE(eventually([this] { return says("baking"); })) << said();
  }
  [[nodiscard]] std::string said() const { return content_of(world_.directory() / "gate"); }
  [[nodiscard]] bool says(const std::string& text) const {
    return said().find(text) != std::string::npos;
  }
  std::unique_ptr<ChildProcess> gate_;
};

TEST_F(InterruptTest, LeavesTheRolloutToTheDaemonUnlessItIsToldOtherwise) {
  start();
  serve(200);
  gate({"--for", "10m"});
  gate_->signal(SIGINT);
  EXPECT_EQ(gate_->wait(20s), 130) << said();
  EXPECT_THAT(said(), HasSubstr("the daemon goes on with the rollout"));
  EXPECT_THAT(get("/api/v1/rollouts").body, HasSubstr("\"state\":\"baking\""));
  EXPECT_EQ(world_.lines_of("runs"), 0);
}

TEST_F(InterruptTest, RollsBackOnceAndWaitsForWhatCameOfIt) {
  start();
  serve(200);
  gate({"--for", "10m", "--on-interrupt", "rollback", "--fail-on", "unknown"});
  gate_->signal(SIGTERM);
  EXPECT_EQ(gate_->wait(60s), 11) << said();
  EXPECT_EQ(world_.line_of("live"), "v1");
  EXPECT_EQ(world_.lines_of("runs"), 1);
  EXPECT_THAT(said(), HasSubstr("rolled back by "));
  EXPECT_THAT(said(), HasSubstr("the gate was interrupted"));
  EXPECT_TRUE(eventually([this] {
    return world_.pages().find("rolled back by ") != std::string::npos;
  })) << "people are told";
}

TEST_F(InterruptTest, ASecondSignalLeavesTheRollbackToTheDaemon) {
  start();
  serve(200);
  gate({"--for", "10m", "--on-interrupt", "rollback"});
  gate_->signal(SIGINT);
  ASSERT_TRUE(eventually([this] { return says("rolling_back"); })) << said();
  gate_->signal(SIGINT);
  EXPECT_EQ(gate_->wait(20s), 130) << said();
  EXPECT_TRUE(eventually([this] { return world_.line_of("live") == "v1"; }));
  EXPECT_EQ(world_.lines_of("runs"), 1);
}

TEST_F(InterruptTest, WhatMayNotBeRolledBackIsLeftAndSaid) {
  start();
  serve(200);
  EXPECT_EQ(post("/api/v1/disarm", R"({"service":"shop","for":"1h"})").status, 200);
  gate({"--for", "10m", "--on-interrupt", "rollback"});
  gate_->signal(SIGINT);
  EXPECT_EQ(gate_->wait(20s), 130) << said();
  EXPECT_THAT(said(), HasSubstr("not rolled back: "));
  EXPECT_THAT(said(), HasSubstr("disarmed until"));
  EXPECT_EQ(world_.lines_of("runs"), 0);
  EXPECT_THAT(get("/api/v1/rollouts").body, HasSubstr("\"state\":\"baking\""));
}

TEST_F(DaemonApiTest, APersonRollsBackOnceThroughTheVerb) {
  start();
  serve(200);
  const BelayRun begun = belay({"rollout", "start", "--service", "shop", "--candidate", "v2",
                                "--baseline", "v1", "--for", "10m", "--output", "json"});
  ASSERT_EQ(begun.code, 0) << begun.text;
  const std::string id = nlohmann::json::parse(begun.text).at("id");
  const BelayRun back = belay({"rollout", "rollback", id, "--reason", "wrong branch"});
  EXPECT_EQ(back.code, 0) << back.text;
  EXPECT_EQ(belay({"rollout", "rollback", id}).code, 0) << "the same one";
  EXPECT_TRUE(eventually(
      [&] { return get("/api/v1/rollouts/" + id).body.find("recovered") != std::string::npos; },
      60s));
  EXPECT_EQ(world_.line_of("live"), "v1");
  EXPECT_EQ(world_.lines_of("runs"), 1);
  EXPECT_EQ(belay({"rollout", "rollback", id}).code, 2) << "it is over";
  EXPECT_EQ(world_.lines_of("runs"), 1);
}

TEST_F(DaemonApiTest, AServiceIsKnownByItsAliasEverywhere) {
  start({.of_service = "aliases: [shop-worker]"});
  serve(200);
  EXPECT_EQ(get("/api/v1/services/shop-worker").status, 200);
  EXPECT_EQ(belay({"disarm", "shop-worker", "--for", "1h"}).code, 0);
  EXPECT_THAT(get("/api/v1/services/shop").body, HasSubstr("disarmed_until_ms"));
  EXPECT_EQ(belay({"disarm", "shop", "--for", "0s"}).code, 0);
  std::ofstream(world_.directory() / "wrangler.ndjson")
      << R"({"type":"version-upload","worker_name":"shop-worker","version_id":"v2"})"
      << "\n";
  const std::vector<std::string> from = {
      "--from-wrangler", "wrangler.ndjson", "--baseline", "v1", "--for", "8s"};
  std::vector<std::string> gate = {"gate"};
  gate.insert(gate.end(), from.begin(), from.end());
  const BelayRun through_daemon = belay(gate);
  EXPECT_EQ(through_daemon.code, 0) << through_daemon.text;
  stop();
  EXPECT_EQ(belay({"disarm", "shop-worker", "--for", "1h"}).code, 0);
  const BelayRun unknown = belay({"disarm", "shop-wroker", "--for", "1h"});
  EXPECT_EQ(unknown.code, 2) << "no brake may be thought to be on that is not";
  EXPECT_THAT(unknown.text, HasSubstr("it has shop"));
  run();
  EXPECT_THAT(get("/api/v1/services/shop").body, HasSubstr("disarmed_until_ms"));
  EXPECT_EQ(belay({"disarm", "shop", "--for", "0s"}).code, 0);
  stop();
  gate.insert(gate.begin() + 1, "--standalone");
  const BelayRun alone = belay(gate, {"CI=" + std::string(kToken), "EYES=" + std::string(kEyes),
                                      "SLACK=http://127.0.0.1:9/hook"});
  EXPECT_EQ(alone.code, 0) << alone.text;
}

TEST_F(DaemonApiTest, WithoutABaselineTheDaemonTakesWhatHadMostRequests) {
  start();
  serve(200);
  ASSERT_TRUE(eventually([this] {
    return get("/api/v1/services/shop").body.find("\"version\":\"v1\",\"requests\"") !=
           std::string::npos;
  }));
  const BelayRun gate = belay({"gate", "--service", "shop", "--candidate", "v2", "--for", "8s"});
  EXPECT_EQ(gate.code, 0) << gate.text;
  EXPECT_THAT(gate.text, HasSubstr("baseline   v1"));
  EXPECT_THAT(gate.text, HasSubstr("baseline v1: most requests in the last ten minutes"));
}

TEST_F(DaemonApiTest, TheSameKeyIsTheSameRolloutThroughTheVerbs) {
  start();
  serve(200);
  const std::vector<std::string> begin = {
      "rollout", "start", "--service",         "shop", "--candidate", "v2",  "--baseline", "v1",
      "--for",   "10m",   "--idempotency-key", "one",  "--output",    "json"};
  const BelayRun first = belay(begin);
  ASSERT_EQ(first.code, 0) << first.text;
  const BelayRun second = belay(begin);
  ASSERT_EQ(second.code, 0) << second.text;
  const std::string id = nlohmann::json::parse(first.text).at("id");
  EXPECT_EQ(nlohmann::json::parse(second.text).at("id"), id);
  const BelayRun aborted = belay({"rollout", "abort", id, "--reason", "enough"});
  EXPECT_EQ(aborted.code, 0) << aborted.text;
  const BelayRun shown = belay({"rollout", "status", id});
  EXPECT_THAT(shown.text, HasSubstr("aborted"));
  EXPECT_EQ(belay({"rollout", "status", "nope"}).code, 2);
}

TEST_F(DaemonApiTest, WithoutADaemonAGateSaysSo) {
  world_.configure({});
  const BelayRun gate = belay({"gate", "--service", "shop", "--candidate", "v2"});
  EXPECT_EQ(gate.code, 69) << gate.text;
  EXPECT_THAT(gate.text, HasSubstr("--standalone"));
  const std::string nobody = "BELAY_URL=http://127.0.0.1:" + std::to_string(free_port());
  EXPECT_EQ(belay({"gate", "--service", "shop", "--candidate", "v2"}, {nobody}).code, 69);
  EXPECT_EQ(
      belay({"gate", "--standalone", "--service", "shop", "--candidate", "v2"}, {nobody}).code, 2);
  EXPECT_EQ(belay({"disarm", "--for", "1h"}, {nobody}).code, 69) << "another machine's state";
}

}  // namespace
}  // namespace belay::test
