// Goal: the doctor names what a rollout will miss, and changes nothing. Method: a real
// redis-server, Cloudflare's REST API and an incoming webhook on loopback, a growing log, and the
// real binary for what it says at its end.

#include "monitor/doctor/doctor.h"

#include <algorithm>
#include <atomic>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "monitor/api/local_endpoint.h"
#include "monitor/config/read_config.h"
#include "monitor/doctor/check_platform.h"
#include "monitor/state_directory.h"
#include "monitor/system_clock.h"
#include "net/http_client.h"
#include "net/redis.h"
#include "tests/monitor/acting/cloudflare_peer.h"
#include "tests/monitor/acting/records.h"
#include "tests/support/child_process.h"
#include "tests/support/eventually.h"
#include "tests/support/paths.h"
#include "tests/support/redis_server.h"
#include "tests/support/temporary_directory.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::Each;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kConfiguration = R"(state: state
listen: 127.0.0.1:0
metrics: 127.0.0.1:0
platforms: {{ cloudflare: {{ account: acc, token: canary-token, api: "{cloudflare}" }} }}
services:
  shop:
    platform: {{ cloudflare: {{ script: shop }} }}
    logs: {logs}
    probes: {{ healthz: {{ url: "{probe}", every: 100ms, timeout: 100ms }} }}
    queues: {{ redis: {{ url: "{redis}", names: [{queues}], every: 1s }} }}
    rules: [packs/queues]
    rollout: {{ rules: [rules.yaml] }}
flags:
  checkout: {{ redis: {{ url: "{redis}", key: checkout, expect: "on", safe: "off" }} }}
commands:
  drain: {{ argv: [{drain}] }}
notify:
  page: [ {{ slack: {{ webhook: "{slack}" }} }} ]
heartbeat: {{ url: "{heartbeat}" }}
)";

constexpr const char* kRules = R"(rules:
  - name: shop-errors
    when: 5xx rate > 5% over 1m, min 50 requests, for 30s
    then: rollback
  - name: depth
    when: queue emails depth > 100 for 1m
    then: alert
)";

class DoctorTest : public testing::Test {
 protected:
  DoctorTest() {
    place_.write("rules.yaml", kRules);
    peer_.allow({"Workers Scripts Write", "Workers Tail Read"});
    redis({"HSET", "bull:emails:meta", "version", "bullmq:5.0.0"});
    redis({"SET", "checkout", "on"});
    log(31, {test::kGoodVersion, test::kBadVersion});
  }

  void log(int requests, const std::vector<std::string>& versions) {
    std::string lines;
    for (int i = 0; i < requests; ++i) {
      lines += fmt::format(
          R"({{"ts":{},"service":"shop","version":"{}","route":"/","status":200,"wall_ms":3}})",
          unix_ms(SystemClock{}.now()), versions[static_cast<std::size_t>(i) % versions.size()]);
      lines += '\n';
    }
    place_.write("shop.log", lines);
  }
  void redis(std::vector<std::string> words) {
    auto connection = net::RedisConnection::connect(*net::RedisUrl::parse(redis_.url()), 20s);
    ASSERT_TRUE(connection.ok());
    ASSERT_TRUE((*connection)->pipeline({std::move(words)}, 20s).ok());
  }
  void configure() {
    place_.write(
        "belay.yaml",
        fmt::format(kConfiguration, fmt::arg("cloudflare", peer_.base_url()),
                    fmt::arg("probe", web_.url("/healthz")), fmt::arg("redis", redis_.url()),
                    fmt::arg("queues", queues_), fmt::arg("drain", drain_), fmt::arg("logs", logs_),
                    fmt::arg("slack", web_.url("/hook/s3cret")),
                    fmt::arg("heartbeat", heartbeat_)));
  }
  /// "LEVEL ABOUT: WHAT" of everything that is found.
  std::vector<std::string> findings(bool send_test = false) {
    configure();
    const ReadConfig read = read_config((place_.path() / "belay.yaml").string(), {});
    EXPECT_TRUE(read.config.has_value());
    if (!read.config) return {};
    const SystemClock clock;
    all_ = examine(*read.config, clock, {.lasts = 2s, .send_test = send_test});
    std::vector<std::string> lines;
    for (const Finding& one : all_) {
      lines.push_back(fmt::format("{} {}: {}", name_of(one.level), one.about, one.what));
    }
    return lines;
  }

  test::TemporaryDirectory place_;
  test::CloudflarePeer peer_;
  test::RedisServer redis_;
  std::atomic<int> status_ = 200;
  std::atomic<int> posts_ = 0;
  test::ScriptedPeer web_{[this](test::PeerConnection& connection) {
    connection.read_until("\r\n\r\n");
    if (connection.received().starts_with("POST")) ++posts_;
    connection.send(test::http_response(status_, "ok"));
  }};
  std::string queues_ = "emails";
  std::string drain_ = "sh";
  std::string heartbeat_ = web_.url("/beat");
  std::string logs_ = "{ file: shop.log, from: start }";
  Findings all_;
};

TEST_F(DoctorTest, FindsEverythingInOrderAndForetellsTheEvidence) {
  const auto found = findings();
  EXPECT_THAT(found, Contains("fine token: is active"));
  EXPECT_THAT(found, Contains(StartsWith("fine token: may deploy")));
  EXPECT_THAT(found, Contains(AllOf(StartsWith("fine deployment:"), HasSubstr("at 90%"))));
  EXPECT_THAT(found, Contains(StartsWith("fine rollback target:")));
  EXPECT_THAT(found, Contains(StartsWith("fine source tail: 31 events")));
  EXPECT_THAT(found, Contains(StartsWith("fine versions: the logs name")));
  EXPECT_THAT(found, Contains(StartsWith("fine probe healthz: passes")));
  EXPECT_THAT(found, Contains("fine queue emails: 0 jobs wait"));
  EXPECT_THAT(found, Contains("fine flag checkout: holds what is expected of it"));
  EXPECT_THAT(found, Contains("fine command drain: sh can be run"));
  EXPECT_THAT(found, Contains(AllOf(StartsWith("fine page:"), HasSubstr("nothing was sent"))));
  EXPECT_THAT(found, Contains(AllOf(HasSubstr("step 10%: 10 % for 10m gives"))));
  EXPECT_THAT(found, Each(Not(AnyOf(StartsWith("bad"), StartsWith("unknown")))))
      << testing::PrintToString(found);
  EXPECT_EQ(posts_, 0) << "nothing was sent";
  for (const auto& request : peer_.requests()) EXPECT_EQ(request.method, "GET");
  EXPECT_FALSE(std::filesystem::exists(place_.path() / "state")) << "nothing was made";
  EXPECT_THAT(found, Each(Not(HasSubstr("canary"))));
  EXPECT_THAT(found, Each(Not(HasSubstr("s3cret"))));
}

TEST_F(DoctorTest, AVerifyThatCannotTellIsFoundBeforeItMatters) {
  for (const auto& [verify, level] : std::vector<std::pair<std::string, std::string>>{
           {"exit 0", "fine"}, {"exit 1", "fine"}, {"exit 127", "bad"}, {"kill -9 $$", "bad"}}) {
    drain_ = fmt::format("sh, -c, \"touch {}/ran\"], verify: [sh, -c, \"{}\"",
                         place_.path().string(), verify);
    EXPECT_THAT(findings(), Contains(StartsWith(level + " command drain: verify sh gave ")));
  }
  EXPECT_FALSE(std::filesystem::exists(place_.path() / "ran")) << "only what looks is run";
}

TEST_F(DoctorTest, TheVerifyOfARollbackIsAskedAboutNobodysVersion) {
  for (const int code : {1, 0}) {
    place_.write(
        "verify.sh",
        fmt::format(
            "[ \"$BELAY_ACTION $BELAY_TARGET\" = 'rollback belay-doctor' ] || exit 7; exit {}",
            code));
    place_.write("shell.yaml", fmt::format(R"(state: state
listen: off
metrics: off
services:
  shop:
    platform: {{ command: {{ rollback: ["true"], verify: [sh, "{}/verify.sh"] }} }}
)",
                                           place_.path().string()));
    const ReadConfig read = read_config((place_.path() / "shell.yaml").string(), {});
    ASSERT_TRUE(read.config.has_value());
    const Findings found = examine(*read.config, SystemClock{}, {.lasts = 1s});
    EXPECT_TRUE(std::ranges::any_of(found, [code](const Finding& one) {
      const bool is_fine = one.level == Finding::Level::fine;
      return one.about == "platform" && is_fine == (code == 1) &&
             one.what.starts_with(fmt::format("verify sh gave exit code {}", code));
    })) << code;
  }
}

TEST_F(DoctorTest, OfAnAddressOnlyTheHostIsTold) {
  heartbeat_.replace(0, std::string_view("http://").size(), "http://me:canary@");
  const auto found = findings();
  EXPECT_THAT(found, Contains(HasSubstr("heartbeat: http://127.0.0.1:")));
  EXPECT_THAT(found, Each(Not(HasSubstr("canary"))));
  EXPECT_THAT(found, Each(Not(HasSubstr("/beat"))));
}

TEST_F(DoctorTest, ATokenWithoutTheRightToDeployIsFoundBeforeItMatters) {
  peer_.allow({"Workers Tail Read"});
  EXPECT_THAT(findings(), Contains(HasSubstr("bad token: lacks Workers Scripts Write")));
  peer_.allow({});
  EXPECT_THAT(findings(), Contains(StartsWith("note token: what it may do cannot be read")));
}

TEST_F(DoctorTest, WhatIsMissingIsNamed) {
  peer_.upload(test::kGoodVersion, {.is_deployable = false});
  queues_ = "emails, mispelt";
  drain_ = "./no-such-program";
  status_ = 503;
  redis({"SET", "checkout", "half"});
  const auto found = findings();
  EXPECT_THAT(found, Contains(AllOf(StartsWith("bad rollback target:"), HasSubstr("hundred"))));
  EXPECT_THAT(found, Contains(StartsWith("bad queue mispelt: there is no bull:mispelt:meta")));
  EXPECT_THAT(found, Contains(AllOf(StartsWith("bad command drain: /"),
                                    EndsWith("/no-such-program is not there, or cannot be run"))));
  EXPECT_THAT(found, Contains(StartsWith("bad probe healthz: fails (status)")));
  EXPECT_THAT(found, Contains(StartsWith("weak flag checkout: holds something else")));
  EXPECT_THAT(found, Contains(StartsWith("fine page:")))
      << "any answer shows that the host is there";
}

TEST_F(DoctorTest, VersionsThatTheLogsCallOtherwiseAreFound) {
  log(40, {"v2", "v1"});
  EXPECT_THAT(findings(), Contains(StartsWith("bad versions: the logs name v1, v2, which is not")));
  log(40, {""});
  EXPECT_THAT(findings(), Contains(StartsWith("bad versions: the requests in its logs name no")));
}

TEST_F(DoctorTest, WhatCannotBeFoundOutIsUnknownAndNotFine) {
  place_.write("shop.log", "");
  peer_.answer_always(test::http_response(503, "<html>"));
  redis_.kill();
  const auto found = findings();
  EXPECT_THAT(found, Contains(StartsWith("unknown token:")));
  EXPECT_THAT(found, Contains(StartsWith("unknown deployment:")));
  EXPECT_THAT(found, Contains(StartsWith("unknown source tail: is alive, and nothing came")));
  EXPECT_THAT(found, Contains(StartsWith("unknown source queues: redis cannot be reached")));
  EXPECT_THAT(found, Contains(StartsWith("unknown steps:")));
  EXPECT_EQ(worst_of(all_), Finding::Level::unknown);
}

TEST_F(DoctorTest, ARuleThatCanNeverFireIsNamed) {
  place_.write("rules.yaml",
               "rules:\n  - { name: p, when: probe nowhere fails 2 of 3, then: rollback }\n");
  EXPECT_THAT(findings(),
              Contains(AllOf(HasSubstr("rule p can never fire"), HasSubstr("no probe nowhere"))));
}

TEST_F(DoctorTest, ATestMessageIsSentWhenItIsAskedForAndARefusalIsSeen) {
  EXPECT_THAT(findings(true), Contains(AllOf(StartsWith("fine page:"), HasSubstr("took a test"))));
  EXPECT_EQ(posts_, 1);
  status_ = 404;
  EXPECT_THAT(findings(true), Contains(AllOf(StartsWith("bad page:"), HasSubstr("status 404"))));
}

TEST_F(DoctorTest, ARunningDaemonHoldsTheStateAndThatIsFine) {
  const auto held = StateDirectory::open(place_.path() / "state");
  ASSERT_TRUE(held.ok());
  EXPECT_THAT(findings(), Contains(AllOf(StartsWith("fine state:"), HasSubstr("is held by a"),
                                         HasSubstr(std::to_string(::getpid())))));
}

TEST_F(DoctorTest, AStateThatOthersMayEnterIsBad) {
  std::filesystem::create_directory(place_.path() / "state");
  std::filesystem::permissions(place_.path() / "state", std::filesystem::perms{0755});
  EXPECT_THAT(findings(), Contains(AllOf(StartsWith("bad state:"), HasSubstr("chmod 700"))));
}

class DoctorBinaryTest : public DoctorTest {
 protected:
  /// The exit code, and what was printed as JSON.
  int run(const std::string& lasts = "2s", const std::filesystem::path& from = {}) {
    configure();
    std::filesystem::remove(place_.path() / "said");  // It is appended to.
    test::ChildProcess child{
        {.argv = {test::belay_binary().string(), "doctor", "--for", lasts, "-o", "json", "-c",
                  (place_.path() / configuration_).string()},
         .output = place_.path() / "said",
         .directory = from.empty() ? place_.path() : from}};
    const int code = child.wait(60s).value_or(-1);
    const std::string said = test::content_of(place_.path() / "said");
    said_ = nlohmann::json::parse(said, nullptr, false);
    EXPECT_TRUE(said_.is_object()) << said;
    return code;
  }
  std::string configuration_ = "belay.yaml";
  nlohmann::json said_;
};

TEST_F(DoctorBinaryTest, TheExitCodeIsTheKindOfTheWorstFinding) {
  EXPECT_EQ(run(), 0) << said_;
  ASSERT_TRUE(said_.is_object());
  EXPECT_EQ(said_["ok"], true);
  EXPECT_EQ(said_["exit_code"], 0);
  EXPECT_GT(said_["findings"].size(), 10U);
  place_.write("shop.log", "");
  EXPECT_EQ(run(), 12) << said_;
  drain_ = "./no-such-program";
  EXPECT_EQ(run(), 78) << said_;
  EXPECT_EQ(said_["ok"], false);
}

TEST_F(DoctorBinaryTest, AServiceOfQueuesAloneIsFine) {
  place_.write("queues.yaml",
               fmt::format("metrics: off\nservices:\n  worker:\n    queues: {{ redis: "
                           "{{ url: \"{}\", names: [emails], every: 1s }} }}\n",
                           redis_.url()));
  configuration_ = "queues.yaml";
  EXPECT_EQ(run(), 0) << said_;
  redis({"DEL", "bull:emails:meta"});
  EXPECT_EQ(run(), 78) << said_ << ": a queue that does not exist is not fine";
}

TEST_F(DoctorBinaryTest, AProgramBesideTheConfigurationIsRunFromAnywhere) {
  const auto tail = place_.write("tail", "#!/bin/sh\ncat \"${0%/*}/shop.log\"\nexec sleep 60\n");
  std::filesystem::permissions(tail, std::filesystem::perms{0700});
  logs_ = "{ exec: [./tail], format: generic }";
  EXPECT_EQ(run("2s", "/"), 0) << said_;
}

TEST_F(DoctorBinaryTest, WhereADaemonRunsItIsAskedAndNoSourceIsReadTwice) {
  logs_ = "{ exec: [sh, -c, 'echo begun >> begun; tail -n +1 -F shop.log'], format: generic }";
  configure();
  const test::ChildProcess daemon{{.argv = {test::belay_binary().string(), "run"},
                                   .output = place_.path() / "daemon",
                                   .directory = place_.path()}};
  const auto knows_the_traffic = [this] {
    const auto endpoint = read_local_endpoint(place_.path() / "state");
    if (!endpoint.ok()) return false;
    const auto answer = net::http_call({.url = endpoint->url + "/api/v1/services/shop"});
    const auto* shown = std::get_if<net::HttpResponse>(&answer);
    return shown != nullptr && shown->body.find("\"requests\":16}") != std::string::npos &&
           shown->body.find("\"passing\":true") != std::string::npos &&
           shown->body.find("\"depth\":0") != std::string::npos;
  };
  ASSERT_TRUE(test::eventually(knows_the_traffic)) << test::content_of(place_.path() / "daemon");
  EXPECT_EQ(run("10m"), 0) << said_ << ": it need not wait, and nothing is unknown";
  std::vector<std::string> about;
  for (const auto& finding : said_["findings"])
    about.push_back(finding.value("about", "") + ": " + finding.value("what", ""));
  EXPECT_THAT(about, Contains(AllOf(StartsWith("daemon: http://127.0.0.1:"),
                                    HasSubstr("no source is read a second time"))));
  EXPECT_THAT(about, Contains(AllOf(StartsWith("source tail: 31 events since the daemon began"))));
  EXPECT_THAT(about, Contains(AllOf(StartsWith("step 10%: 10 % for 10m gives "))));
  EXPECT_EQ(test::content_of(place_.path() / "begun"), "begun\n") << "it was read once";
}

TEST_F(DoctorBinaryTest, ADaemonThatIsNamedAndDoesNotAnswerIsAFinding) {
  configure();
  const test::ChildProcess child{
      {.argv = {test::belay_binary().string(), "doctor", "--for", "2s", "-o", "json"},
       .environment = {"BELAY_URL=http://127.0.0.1:" + std::to_string(test::free_port())},
       .output = place_.path() / "said",
       .directory = place_.path()}};
  EXPECT_TRUE(test::eventually([this] {
    return test::content_of(place_.path() / "said").find("no daemon answers") != std::string::npos;
  }));
}

}  // namespace
}  // namespace belay::monitor
