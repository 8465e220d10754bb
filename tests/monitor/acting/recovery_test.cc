#include <csignal>
#include <cstdio>
#include <list>

#include <gtest/gtest.h>

#include "monitor/journal.h"
#include "tests/monitor/acting/cloudflare_peer.h"
#include "tests/monitor/acting/records.h"
#include "tests/support/child_process.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_directory.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

/// One order, killed at one stage of its first life, on a platform that behaves in one way.
struct Case {
  test::PeerBehaviour behaviour;
  std::string stage;
  test::CloudflarePeer peer;
  test::TemporaryDirectory place;
  std::unique_ptr<test::ChildProcess> child;

  Case(test::PeerBehaviour how, std::string when) : behaviour(how), stage(std::move(when)) {
    peer.behave({how});
  }
  void start(const std::string& kill_at) {
    child = std::make_unique<test::ChildProcess>(test::ChildProcess::Options{
        .argv = {(test::belay_binary().parent_path() / "acting_child").string(), "act",
                 (place.path() / "state").string(), peer.base_url(), kill_at},
        .output = place.path() / "said"});
  }
};

TEST(RecoveryTest, KilledAtEachStageOnEachBehaviourTheRollbackIsAppliedExactlyOnce) {
  std::list<Case> cases;
  for (const test::PeerBehaviour how : test::kEveryPeerBehaviour) {
    for (const char* stage : {"intent", "read", "call", "sent", "outcome"}) {
      cases.emplace_back(how, stage);
    }
  }
  for (Case& one : cases) one.start(one.stage);
  for (Case& one : cases) ASSERT_EQ(one.child->wait(60s), 128 + SIGKILL) << one.stage;
  for (Case& one : cases) one.start("never");
  const std::string mark = "belay " + test::intent_id(1);
  for (Case& one : cases) {
    SCOPED_TRACE("behaviour " + std::to_string(static_cast<int>(one.behaviour)) + ", killed at " +
                 one.stage);
    EXPECT_EQ(one.child->wait(60s), 0) << test::content_of(one.place.path() / "said");
    EXPECT_EQ(one.peer.deployments_with(mark), 1);
    auto journal = Journal::open(one.place.path() / "state");
    ASSERT_TRUE(journal.ok()) << journal.error().message;
    const auto known = (*journal)->recover(from_unix_ms(1'795'000'000'000));
    ASSERT_TRUE(known.ok());
    EXPECT_TRUE(known->open_orders.empty()) << "the order is closed";
    EXPECT_EQ(known->remembered.actions.size(), 1U);
  }
  std::printf("%zu kills, each one deployment\n", cases.size());
}

}  // namespace
}  // namespace belay::monitor
