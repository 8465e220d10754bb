// Goal: what cannot be recorded is not done, and people hear of it. Method: the real gate, whose
// disk fails (strace answers its calls with an error) from just before a rule fires, or was full
// (a small one of its own) when it began.

#include <atomic>
#include <csignal>
#include <memory>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "monitor/journal.h"
#include "monitor/system_clock.h"
#include "net/http_client.h"
#include "tests/integration/gate_world.h"
#include "tests/monitor/acting/cloudflare_peer.h"
#include "tests/monitor/acting/records.h"
#include "tests/support/eventually.h"
#include "tests/support/may_trace.h"

namespace belay::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kNoRoom = "no room for its journal, and acts on nothing until there is";

struct Fault {
  const char* name;
  const char* call;
  const char* error;
  const char* told = "cannot use its journal, and acts on nothing until it is restarted";
};

class GateOnADisk : public testing::Test {
 protected:
  GateOnADisk() {
    world_.configure(
        {.platform = "{ cloudflare: { script: shop } }",
         .metrics = fmt::format("127.0.0.1:{}", port_),
         .more = "platforms: { cloudflare: { account: acc, token: \"${SLACK}\", api: \"" +
                 peer_.base_url() + "\" } }"});
    world_.serve([this]() -> std::vector<GateWorld::Answer> {
      if (posts() > 0) return {{kGoodVersion, 200}};
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

class DiskFaultTest : public GateOnADisk, public testing::WithParamInterface<Fault> {};

TEST_P(DiskFaultTest, WhatCannotBeRecordedIsNotDoneAndPaged) {
  if (!may_trace()) return;
  ChildProcess::Options options = world_.gate({"--candidate", kBadVersion});
  options.environment.push_back(without_leak_sanitizer());
  ChildProcess gate{options};
  ASSERT_TRUE(world_.says("watching")) << world_.output();
  const Fault& fault = GetParam();
  ChildProcess tracing({.argv = {"strace", "-f", "-p", std::to_string(gate.pid()), "-o",
                                 "/dev/null", "-e", fmt::format("trace={}", fault.call), "-e",
                                 fmt::format("inject={}:error={}", fault.call, fault.error)},
                        .output = world_.directory() / "strace"});
  const auto is_attached = [&] {
    return content_of(world_.directory() / "strace").find("attached") != std::string::npos;
  };
  ASSERT_TRUE(eventually(is_attached, 60s)) << content_of(world_.directory() / "strace");
  status_ = 500;
  std::string ready;  // From now on: the gate ends soon after.
  EXPECT_TRUE(
      eventually([&] { return (ready = readyz()).find("journal") != std::string::npos; }, 60s))
      << ready;
  EXPECT_THAT(ready, testing::StartsWith("503"));
  EXPECT_TRUE(world_.says(fault.told)) << world_.output();
  EXPECT_TRUE(eventually([&] { return world_.pages().find(fault.told) != std::string::npos; }, 60s))
      << world_.pages();
  gate.signal(SIGKILL);
  EXPECT_TRUE(gate.wait(20s).has_value());
  EXPECT_EQ(posts(), 0) << "acted unrecorded";
}

INSTANTIATE_TEST_SUITE_P(OnADiskThat, DiskFaultTest,
                         testing::Values(Fault{"IsFull", "pwrite64", "ENOSPC", kNoRoom},
                                         Fault{"IsReadOnly", "pwrite64", "EROFS"},
                                         Fault{"FailsToWrite", "pwrite64", "EIO"},
                                         Fault{"FailsToSync", "fdatasync", "EIO"}),
                         [](const auto& one) { return std::string(one.param.name); });

class FullDiskTest : public GateOnADisk {
 protected:
  FullDiskTest() {
    const std::filesystem::path state = world_.directory() / "earlier";
    const auto journal = monitor::Journal::open(state);
    EXPECT_TRUE(journal.ok());
    if (!journal.ok()) return;
    const Instant now = monitor::SystemClock{}.now();
    for (int number = 0; number < 200; ++number) {
      EXPECT_TRUE((*journal)->append({fired_entry(number, now)}).ok());
    }
    // As a process that was killed leaves it: all of it in the log, for which there is no room yet.
    std::filesystem::copy(state, world_.directory() / "kept");
  }
  /// A gate whose state is that one, on a disk that is full but for 8 MiB that `reserve` takes.
  /// Nothing: no disk may be mounted here.
  std::unique_ptr<ChildProcess> gate_on_a_full_disk(const std::string& reserve) {
    const std::string script =
        "mkdir -m 700 state && mount -t tmpfs -o size=12m,mode=0700 tmpfs state || "
        "{ echo no disk of our own; exit 1; }; "
        "cp kept/journal.db* state; "
        "dd if=/dev/zero of=state/reserve bs=1M count=8; "
        "dd if=/dev/zero of=state/filler bs=1k; " +
        reserve + "; chmod 600 state/*; exec \"$@\"";
    ChildProcess::Options options = world_.gate({"--candidate", kBadVersion});
    std::vector<std::string> argv = {"unshare", "--mount", "sh", "-c", script, "sh"};
    if (::geteuid() != 0) argv.insert(argv.begin() + 1, {"--user", "--map-root-user"});
    argv.insert(argv.end(), options.argv.begin(), options.argv.end());
    options.argv = argv;
    auto gate = std::make_unique<ChildProcess>(options);
    const auto output_has = [this](const char* text) {
      return world_.output().find(text) != std::string::npos;
    };
    EXPECT_TRUE(eventually([&] { return output_has("watching") || !gate->runs(); }, 60s))
        << world_.output();
    if (output_has("unshare failed") || output_has("no disk of our own")) {
      std::printf("no disk may be mounted here; JournalFaultTest fills one all the same\n");
      return nullptr;
    }
    EXPECT_TRUE(output_has("No space left on device")) << world_.output();
    return gate;
  }
};

TEST_F(FullDiskTest, TheReserveIsGivenUpToOpenTheJournalAndWhatIsDoneIsRecorded) {
  const auto gate = gate_on_a_full_disk("true");
  if (!gate) return;
  status_ = 500;
  EXPECT_EQ(gate->wait(60s), 11) << world_.output();
  EXPECT_THAT(world_.output(), Not(HasSubstr("acting on nothing"))) << "the journal was opened";
  EXPECT_THAT(world_.output(), Not(HasSubstr("acts on nothing"))) << "all of it was recorded";
  EXPECT_EQ(posts(), 1);
}

TEST_F(FullDiskTest, WithoutAReserveNothingIsDoneUnrecorded) {
  const auto gate = gate_on_a_full_disk("mv state/reserve state/filler-too");
  if (!gate) return;
  EXPECT_THAT(world_.output(), HasSubstr("acting on nothing")) << "no journal could be opened";
  EXPECT_TRUE(eventually(
      [&] { return world_.pages().find("cannot use its journal") != std::string::npos; }, 60s))
      << world_.pages();
  EXPECT_TRUE(eventually([&] { return readyz().starts_with("503"); }, 60s)) << readyz();
  EXPECT_THAT(readyz(), HasSubstr("journal"));
  status_ = 500;
  EXPECT_EQ(gate->wait(60s), 14) << world_.output();
  EXPECT_EQ(posts(), 0) << "acted unrecorded";
}

}  // namespace
}  // namespace belay::test
