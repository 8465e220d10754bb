// Goal: no secret reaches anything that people read. Method: canaries in the places of secrets, a
// whole rollback by the real gate, and a search of everything that came out of it.

#include <atomic>
#include <csignal>
#include <filesystem>
#include <map>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/http_client.h"
#include "tests/integration/gate_world.h"
#include "tests/monitor/acting/cloudflare_peer.h"
#include "tests/monitor/acting/records.h"
#include "tests/support/eventually.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* kPlatformToken = "canary-platform-4f1c";
constexpr const char* kIngestToken = "canary-ingest-77ab";
constexpr const char* kHook = "canary-hook-91ce";

class SecretsTest : public testing::Test {
 protected:
  SecretsTest() {
    world_.configure(
        {.platform = "{ cloudflare: { script: shop } }",
         // Nobody listens there: what it is to be told is kept in the state.
         .of_notify = "audit: audit.jsonl\n  tell: [ { slack: { webhook: \"${file:hook}\" } } ]",
         .metrics = fmt::format("127.0.0.1:{}", port_),
         .more = "platforms: { cloudflare: { account: acc, token: \"${file:token}\", api: \"" +
                 peer_.base_url() +
                 "\" } }\ningest: { listen: \"127.0.0.1:0\", token: \"${file:ingest}\" }"});
    world_.write_secret("token", kPlatformToken);
    world_.write_secret("ingest", kIngestToken);
    world_.write_secret("hook", fmt::format("http://127.0.0.1:{}/{}", free_port(), kHook));
    world_.serve([this]() -> std::vector<GateWorld::Answer> {
      if (peer_.deployments_with("belay ") > 0) return {{kGoodVersion, 200}};
      return {{kBadVersion, 500}, {kGoodVersion, 200}};
    });
  }
  /// Of the page of metrics, while there is one.
  std::string metrics() const {
    const auto answer = net::http_call({.url = fmt::format("http://127.0.0.1:{}/metrics", port_)});
    const auto* response = std::get_if<net::HttpResponse>(&answer);
    return response == nullptr ? "" : response->body;
  }
  const std::uint16_t port_ = free_port();
  CloudflarePeer peer_;
  GateWorld world_;
};

TEST_F(SecretsTest, NoCanaryReachesLogMetricsJournalArgumentsMessagesOrRequests) {
  std::map<std::string, std::string> outputs;
  ChildProcess gate{world_.gate({"--candidate", kBadVersion})};
  ASSERT_TRUE(world_.says("done: roll back")) << world_.output();
  outputs["arguments"] = content_of(fmt::format("/proc/{}/cmdline", gate.pid()));
  EXPECT_TRUE(eventually([&] { return !(outputs["metrics"] = metrics()).empty(); }));
  EXPECT_EQ(gate.wait(60s), 11) << world_.output();
  outputs["terminal and log"] = world_.output();
  outputs["messages"] = world_.pages();
  outputs["audit file"] = content_of(world_.directory() / "audit.jsonl");
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(world_.directory() / "state"))
    if (entry.is_regular_file() && entry.path().filename() != "reserve")
      outputs["state/" + entry.path().filename().string()] = content_of(entry.path());
  bool was_used = false;
  for (const PeerRequest& request : peer_.requests()) {
    outputs["requests"] += request.target + "\n" + request.body + "\n";
    was_used =
        was_used || request.header("authorization").find(kPlatformToken) != std::string::npos;
  }
  EXPECT_TRUE(was_used) << "else the canary shows nothing";
  EXPECT_GT(outputs["state/journal.db"].size() + outputs["state/journal.db-wal"].size(), 1000U);
  EXPECT_FALSE(outputs["messages"].empty());
  EXPECT_FALSE(outputs["state/0000000000000001.json"].empty()) << "nothing was kept";
  for (const auto& [where, text] : outputs)
    for (const std::string& canary : {std::string(kPlatformToken), std::string(kIngestToken),
                                      std::string(kHook), world_.webhook()})
      EXPECT_EQ(text.find(canary), std::string::npos) << canary << " in " << where;
}

}  // namespace
}  // namespace belay::test
