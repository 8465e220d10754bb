// Goal: what cannot be recorded is not done, and people hear of it. Method: the real gate, whose
// disk fails (strace answers its calls with an error) from just before a rule fires.

#include <atomic>
#include <csignal>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/journal.h"
#include "monitor/system_clock.h"
#include "net/http_client.h"
#include "tests/integration/gate_world.h"
#include "tests/monitor/acting/cloudflare_peer.h"
#include "tests/monitor/acting/records.h"
#include "tests/support/eventually.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct Fault {
  const char* name;
  const char* call;
  const char* error;
};

class DiskFaultTest : public testing::TestWithParam<Fault> {
 protected:
  DiskFaultTest() {
    world_.configure(
        {.platform = "{ cloudflare: { script: shop } }",
         .metrics = fmt::format("127.0.0.1:{}", port_),
         .more = "platforms: { cloudflare: { account: acc, token: \"${SLACK}\", api: \"" +
                 peer_.base_url() + "\" } }"});
    world_.serve([this]() -> std::vector<GateWorld::Answer> {
      return {{kBadVersion, status_}, {kGoodVersion, 200}};
    });
  }
  std::string readyz() const {
    const auto answer = net::http_call({.url = fmt::format("http://127.0.0.1:{}/readyz", port_)});
    const auto* response = std::get_if<net::HttpResponse>(&answer);
    return response == nullptr ? "" : fmt::format("{} {}", response->status, response->body);
  }
  int posts() {
    int count = 0;
    for (const PeerRequest& request : peer_.requests()) count += request.method == "POST" ? 1 : 0;
    return count;
  }
  const std::uint16_t port_ = free_port();
  std::atomic<int> status_ = 200;
  CloudflarePeer peer_;
  GateWorld world_;
};

TEST_P(DiskFaultTest, WhatCannotBeRecordedIsNotDoneAndPaged) {
  ChildProcess gate{world_.gate({"--candidate", kBadVersion})};
  ASSERT_TRUE(world_.says("watching")) << world_.output();
  const Fault& fault = GetParam();
  ChildProcess tracing({.argv = {"strace", "-f", "-p", std::to_string(gate.pid()), "-o",
                                 "/dev/null", "-e", fmt::format("trace={}", fault.call), "-e",
                                 fmt::format("inject={}:error={}", fault.call, fault.error)},
                        .output = world_.directory() / "strace"});
  const auto traced = [&] { return content_of(world_.directory() / "strace"); };
  ASSERT_TRUE(eventually([&] { return !traced().empty(); }, 60s));
  if (traced().find("attached") == std::string::npos) {
    std::printf("processes may not be traced here: %s\n", traced().c_str());
    return;
  }
  status_ = 500;
  EXPECT_TRUE(world_.says("acts on nothing until it is restarted")) << world_.output();
  EXPECT_TRUE(eventually([&] { return readyz().starts_with("503"); }, 60s)) << readyz();
  EXPECT_THAT(readyz(), HasSubstr("journal"));
  EXPECT_TRUE(eventually(
      [&] { return world_.pages().find("cannot use its journal") != std::string::npos; }, 60s))
      << world_.pages();
  gate.signal(SIGKILL);
  EXPECT_TRUE(gate.wait(20s).has_value());
  EXPECT_EQ(posts(), 0) << "acted unrecorded";
}

INSTANTIATE_TEST_SUITE_P(OnADiskThat, DiskFaultTest,
                         testing::Values(Fault{"IsFull", "pwrite64", "ENOSPC"},
                                         Fault{"IsReadOnly", "pwrite64", "EROFS"},
                                         Fault{"FailsToWrite", "pwrite64", "EIO"},
                                         Fault{"FailsToSync", "fdatasync", "EIO"}),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace belay::test
