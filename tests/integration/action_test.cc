// Goal: action.yml does for a job what its inputs and outputs promise. Method: its steps are run
// as the runner would, against a real daemon.

#include <atomic>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/action_runner.h"
#include "tests/integration/daemon_api.h"
#include "tests/support/scripted_peer.h"

namespace belay::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class ActionTest : public DaemonApiTest {
 protected:
  ActionRunner::Ran act(std::map<std::string, std::string> more) {
    more.merge(std::map<std::string, std::string>{
        {"url", url_}, {"token", kToken}, {"service", "shop"}, {"baseline", "v1"}});
    return runner_.run(std::move(more), is_cancelled_);
  }
  /// From now on the runner cancels the job once a rollout is judged.
  void cancel() {
    is_cancelled_ = [this] {
      return get("/api/v1/rollouts").body.find("\"state\":\"baking\"") != std::string::npos;
    };
  }
  std::function<bool()> is_cancelled_;
  ActionRunner runner_;
};

TEST_F(ActionTest, AGoodVersionPasses) {
  start();
  serve(200);
  const ActionRunner::Ran ran = act({{"version", "v2"}, {"for", "8s"}});
  EXPECT_EQ(ran.code, 0) << ran.log;
  EXPECT_EQ(ran.outputs.at("verdict"), "pass");
  EXPECT_EQ(ran.outputs.at("failed-rules"), "");
  EXPECT_EQ(ran.outputs.at("report-url"),
            url_ + "/api/v1/rollouts/" + ran.outputs.at("rollout-id") + "/report");
  EXPECT_THAT(ran.summary, HasSubstr("## Belay: pass"));
  EXPECT_THAT(ran.log, Not(HasSubstr("::error")));
  EXPECT_THAT(ran.log, Not(HasSubstr(kToken)));
}

TEST_F(ActionTest, ABadTimeOfTheCommitIsRefusedByTheDaemon) {
  start();
  const ActionRunner::Ran ran = act({{"version", "v2"}, {"committed-at", "yesterday"}});
  EXPECT_EQ(ran.code, 2) << ran.log;
  EXPECT_THAT(ran.log, HasSubstr("a time is written 2026-11-20T13:45:20Z"));
}

TEST_F(ActionTest, ABadVersionFailsTheJobAndSaysWhy) {
  start();
  serve(500);
  const std::string file = world_.directory() / "wrangler.ndjson";
  std::ofstream(file) << R"({"type":"version-upload","worker_name":"shop","version_id":"v2"})"
                      << "\n";
  const ActionRunner::Ran ran = act({{"from-wrangler", file}});
  EXPECT_EQ(ran.code, 11) << ran.log;
  EXPECT_EQ(ran.outputs.at("verdict"), "fail, put back");
  EXPECT_EQ(world_.line_of("live"), "v1");
  EXPECT_THAT(ran.summary, HasSubstr("| candidate | `v2` |"));
  EXPECT_THAT(ran.summary, HasSubstr("## What it was judged on"));
  EXPECT_THAT(ran.summary, HasSubstr("`shop-errors`"));
  EXPECT_EQ(ran.outputs.at("failed-rules"), "shop-errors") << "although it is fine again";
  EXPECT_THAT(ran.log, HasSubstr("::error title=shop-errors::error rate > 20%25 over 5s"));
  EXPECT_THAT(ran.log, testing::ContainsRegex(
                           "::error title=Belay::fail, put back: shop-errors: error rate .*; "
                           "since then: shop-errors is fine"));
}

TEST_F(ActionTest, ItSaysAsMuchOfTheDefaultJudgement) {
  start({.rules = "rules:\n  - { name: slow, when: p95 latency > 10s over 5s, then: alert }\n",
         .of_rollout = "compare: true"});
  serve(500);
  const ActionRunner::Ran ran = act({{"version", "v2"}});
  // It is watched for less than that judgement looks back.
  EXPECT_EQ(ran.code, 14) << ran.log;
  const std::string failed = ran.outputs.at("failed-rules");
  EXPECT_THAT(failed, testing::AnyOf("default/broken", "default/clear"));
  EXPECT_THAT(ran.log, HasSubstr("::error title=" + failed + "::v2 fails "));
  EXPECT_THAT(ran.log, HasSubstr("::error title=Belay::fail, not recovered: v2 fails "));
}

TEST_F(ActionTest, UnknownFailsTheJobOnlyIfItIsToldTo) {
  start();
  EXPECT_EQ(act({{"version", "v2"}, {"for", "2s"}}).code, 12);
  EXPECT_EQ(act({{"version", "v3"}, {"for", "2s"}, {"fail-on", "fail"}, {"service", "shop"}}).code,
            0);
}

TEST_F(ActionTest, BlanksBesideTheVerdictsThatFailTheJobAreNoPartOfThem) {
  start();
  serve(500);
  EXPECT_EQ(act({{"version", "v2"}, {"fail-on", "unknown, fail\n"}}).code, 11);
  EXPECT_EQ(act({{"version", "v3"}, {"for", "2s"}, {"fail-on", "fail ,unknown"}}).code, 12);
}

TEST_F(ActionTest, AWordThatNoVerdictHasBeginsNothingAndFailsTheJob) {
  start();
  serve(500);
  for (const char* words : {"Fail", "failed", "", " ", "fail,", "fail unknown", "none"}) {
    const ActionRunner::Ran ran = act({{"version", "v2"}, {"fail-on", words}});
    EXPECT_EQ(ran.code, 2) << words;
    EXPECT_THAT(ran.log, HasSubstr("say fail, unknown, or both with a comma between")) << words;
  }
  const ActionRunner::Ran ran = act({{"version", "v2"}, {"on-interrupt", "Rollback"}});
  EXPECT_EQ(ran.code, 2) << ran.log;
  EXPECT_THAT(get("/api/v1/rollouts").body, Not(HasSubstr("v2")));
}

TEST_F(ActionTest, WhatAProxySaysWhileTheDaemonRestartsIsNoVerdict) {
  std::atomic<int> polls = 0;
  ScriptedPeer daemon{[&polls](PeerConnection& connection) {
    connection.read_until("\r\n\r\n");
    std::string answer = http_response(200, R"({"id":"r1","exit_code":0,"result":"pass"})");
    if (connection.received().starts_with("POST")) answer = http_response(201, R"({"id":"r1"})");
    const bool is_poll = connection.received().find("?wait=") != std::string::npos;
    const int poll = is_poll ? ++polls : 0;
    if (poll == 1) answer = http_response(502, "<html>Bad Gateway</html>");
    if (poll == 2) answer = http_response(401, R"({"title":"not one of our tokens"})");
    connection.send(answer);
  }};
  url_ = "http://127.0.0.1:" + std::to_string(daemon.port());
  const ActionRunner::Ran ran = act({{"version", "v2"}});
  EXPECT_EQ(ran.code, 0) << ran.log;
  EXPECT_EQ(ran.outputs.at("verdict"), "pass");
  EXPECT_EQ(polls, 3);
}

TEST_F(ActionTest, ACancelledJobLeavesTheRolloutToTheDaemon) {
  start();
  serve(200);
  cancel();
  const ActionRunner::Ran ran = act({{"version", "v2"}});
  EXPECT_EQ(ran.code, 130) << ran.log;
  EXPECT_THAT(ran.log, HasSubstr("the daemon goes on with the rollout"));
  EXPECT_THAT(get("/api/v1/rollouts").body, HasSubstr("\"state\":\"baking\""));
}

TEST_F(ActionTest, ACancelledJobIsRolledBackIfItIsToldTo) {
  start();
  serve(200);
  cancel();
  const ActionRunner::Ran ran = act({{"version", "v2"}, {"on-interrupt", "rollback"}});
  EXPECT_EQ(ran.code, 130) << ran.log;
  EXPECT_THAT(ran.log, HasSubstr("the daemon rolls back the rollout"));
  EXPECT_TRUE(eventually([this] { return world_.line_of("live") == "v1"; }));
  EXPECT_EQ(world_.lines_of("runs"), 1);
}

TEST_F(ActionTest, WhatIsWrongWithTheInputsIsOneErrorLine) {
  start();
  EXPECT_EQ(act({}).code, 2);
  const ActionRunner::Ran wrong = act({{"version", "v2"}, {"service", "nope%0A::error::x\n::y"}});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.log, Not(HasSubstr("\n::y")));
  EXPECT_EQ(act({{"version", "v2"}, {"token", "a-wrong-token-of-someone"}}).code, 2);
}

TEST_F(ActionTest, WithoutADaemonTheJobEndsWith69) {
  url_ = "http://127.0.0.1:" + std::to_string(free_port());
  EXPECT_EQ(act({{"version", "v2"}}).code, 69);
}

}  // namespace
}  // namespace belay::test
