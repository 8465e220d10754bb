#include "tests/integration/wrangler.h"

#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "monitor/platform/cloudflare.h"
#include "monitor/sources/exec_source.h"
#include "tests/integration/cloudflare_tail_peer.h"
#include "tests/monitor/acting/cloudflare_peer.h"
#include "tests/monitor/acting/records.h"
#include "tests/monitor/sources/source_run.h"
#include "tests/support/eventually.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_directory.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using rules::SourceHealth;
using End = test::CloudflareTailPeer::End;

constexpr auto kPatience = 60s;  // Wrangler takes seconds to load on a busy machine.

/// The real wrangler and our own code on the same deployments.
class WranglerDeploymentsTest : public testing::Test {
 protected:
  std::string wrangler(const std::vector<std::string>& arguments) {
    return test::run_wrangler(home_.path(), peer_.base_url(), arguments);
  }
  Standing::Kind standing() {
    const auto read = cloudflare_.read(order_, {});
    EXPECT_TRUE(read.ok()) << read.error().message;
    return read.ok() ? read->kind : Standing::Kind::other;
  }

  test::TemporaryDirectory home_;
  test::CloudflarePeer peer_;
  Cloudflare cloudflare_{{.account = "acct",
                          .script = "shop",
                          .token = Secret("token"),
                          .deadline = 20s,
                          .base_url = peer_.base_url()}};
  rules::Order order_ = test::rollback_order(1, from_unix_ms(1'795'000'000'000));
};

TEST_F(WranglerDeploymentsTest, WhatWeDeployWranglerListsAndItsVersionsAreThere) {
  ASSERT_TRUE(cloudflare_.apply(order_, {}).ok());
  const json listed =
      json::parse(wrangler({"deployments", "list", "--name", "shop", "--json"}), nullptr, false);
  ASSERT_EQ(listed.size(), 3U) << listed;
  // The newest last.
  const json& ours = listed.back();
  EXPECT_EQ(ours["versions"][0]["version_id"], test::kGoodVersion);
  EXPECT_EQ(ours["versions"][0]["percentage"], 100);
  const std::string message = ours["annotations"]["workers/message"];
  EXPECT_EQ(message.rfind("belay " + order_.intent, 0), 0U) << message;
  const std::string versions = wrangler({"versions", "list", "--name", "shop"});
  EXPECT_NE(versions.find(test::kGoodVersion), std::string::npos) << versions;
  EXPECT_NE(versions.find(test::kBadVersion), std::string::npos) << versions;
}

TEST_F(WranglerDeploymentsTest, WhatWePrintForPeopleToTypeDoesWhatWeWouldHaveDone) {
  ASSERT_EQ(standing(), Standing::Kind::expected);
  // Our own words, as the shell would split them.
  std::istringstream words(cloudflare_.by_hand(order_));
  const std::vector<std::string> typed{std::istream_iterator<std::string>(words), {}};
  ASSERT_EQ(typed.front(), "wrangler");
  wrangler({typed.begin() + 1, typed.end()});
  EXPECT_EQ(standing(), Standing::Kind::target);
}

TEST_F(WranglerDeploymentsTest, ARollbackOfWranglersIsReadBack) {
  wrangler({"rollback", test::kGoodVersion, "-y", "--name", "shop"});
  EXPECT_EQ(standing(), Standing::Kind::target);
  EXPECT_EQ(peer_.deployments_with("Rollback"), 1);
}

TEST_F(WranglerDeploymentsTest, WhatSomeoneDeploysWithWranglerAfterUsIsSomeoneElses) {
  ASSERT_TRUE(cloudflare_.apply(order_, {}).ok());
  ASSERT_EQ(standing(), Standing::Kind::ours);
  wrangler(
      {"versions", "deploy", std::string(test::kBadVersion) + "@100%", "-y", "--name", "shop"});
  EXPECT_EQ(standing(), Standing::Kind::other);
}

std::vector<std::string> traces_and_overload() {
  std::vector<std::string> messages;
  std::ifstream file(test::data_path("samples/replay.ndjson"));
  for (std::string line; std::getline(file, line);) messages.push_back(line);
  messages.emplace_back(
      R"({"outcome":"ok","scriptName":null,"exceptions":[],"logs":[],)"
      R"("eventTimestamp":1795182320647,"event":{"type":"overload","message":)"
      R"("Tail is currently in sampling mode due to the high volume of messages."}})");
  return messages;
}

/// The real `wrangler tail` as a source's program.
class WranglerTailTest : public testing::Test {
 protected:
  static bool documents(SourceRun& run, std::uint64_t count) {
    return test::eventually(
        [&] {
          const auto said = run.all<rules::SourceProgress>();
          return !said.empty() && said.back().documents >= count;
        },
        kPatience);
  }
  ExecSourceOptions options(const test::CloudflareTailPeer& peer) {
    return {.argv = test::wrangler_command(home_.path(), peer.base_url(),
                                           {"tail", "shop", "--format", "json"}),
            .parser = {.source = rules::SourceId{1}},
            .grace = 30s};
  }
  test::TemporaryDirectory home_;
};

TEST_F(WranglerTailTest, EveryTraceArrivesAndSamplingIsTold) {
  test::CloudflareTailPeer peer(traces_and_overload(), {});
  ExecSource source(options(peer));
  SourceRun run(source, rules::SourceId{1});
  ASSERT_TRUE(documents(run, 34));
  const rules::SourceProgress progress = run.all<rules::SourceProgress>().back();
  EXPECT_EQ(progress.documents, 34U);
  EXPECT_TRUE(progress.rejected.empty());
  EXPECT_TRUE(run.until<rules::SourceState>(
      [](const auto& state) { return state.health == SourceHealth::sampled; }));
  EXPECT_EQ(peer.greetings(), std::vector<std::string>{R"({"debug":false})"});

  EXPECT_GE(test::processes_in(home_.path()), 2) << "wrangler is a program that starts another";
  run.stop();
  EXPECT_EQ(test::processes_in(home_.path()), 0);
  EXPECT_EQ(peer.deleted(), 1) << "of its own accord: Cloudflare allows few tails of a Worker";
  EXPECT_TRUE(peer.strange().empty());
}

TEST_F(WranglerTailTest, ALostTailIsTakenUpByWranglerAndAClosedOneByUs) {
  test::CloudflareTailPeer peer(traces_and_overload(), {End::dropped, End::closed});
  ExecSource source(options(peer));
  SourceRun run(source, rules::SourceId{1});
  ASSERT_TRUE(documents(run, std::uint64_t{3} * 34));
  EXPECT_EQ(peer.created(), 3);
  const auto gaps = run.all<rules::SourceGap>();
  ASSERT_EQ(gaps.size(), 2U);
  EXPECT_EQ(gaps[0].reason, "reconnect") << "by itself: only its words tell";
  EXPECT_GE(gaps[0].span, 1s);
  EXPECT_EQ(gaps[1].reason, "restart");
  EXPECT_TRUE(run.until<rules::SourceState>([](const auto& state) {
    return state.health == SourceHealth::down &&
           state.detail.find("Tail connection lost. Reconnecting") != std::string::npos;
  }));
  EXPECT_TRUE(run.until<rules::SourceState>([](const auto& state) {
    return state.health == SourceHealth::down &&
           state.detail.find("exit code 0") != std::string::npos;
  }));
  run.stop();
  EXPECT_EQ(test::processes_in(home_.path()), 0);
  EXPECT_EQ(peer.deleted(), 3);
}

}  // namespace
}  // namespace belay::monitor
