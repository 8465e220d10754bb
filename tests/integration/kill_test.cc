// Goal: the real binary, killed at any system call of an action and again during its recovery, acts
// exactly once. Method: strace kills it as it enters a call, for each of six ways in which the
// platform behaves. BELAY_TORTURE=minutes enumerates every call of the action for so long.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <thread>

#include <gtest/gtest.h>

#include "tests/integration/kill_case.h"

namespace belay::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kAtOnce = 10;

struct Points {
  KillPoint first;
  std::optional<KillPoint> second;
};

/// Before, at and after each step of an action: the journal's syncs and some of its writes; the
/// read, the call that changes something, and the read after it; the notices.
const std::vector<Points> kShort = {
    {{"fdatasync", 1}, {{"sendto", 2}}},
    {{"fdatasync", 2}, {}},
    {{"pwrite64", 1}, {}},
    {{"pwrite64", 5}, {}},
    {{"pwrite64", 9}, {{"fdatasync", 3}}},
    {{"connect", 2}, {{"connect", 1}}},
    {{"sendto", 1}, {{"sendto", 1}}},
    {{"sendto", 2}, {{"recvfrom", 2}}},
    {{"sendto", 3}, {}},
    {{"recvfrom", 1}, {}},
    {{"recvfrom", 2}, {{"recvfrom", 1}}},
    {{"recvfrom", 3}, {{"fdatasync", 1}}},
    {{"write", 2}, {}},
};

const char* const kCalls[] = {
    "fdatasync", "pwrite64", "sendto",     "recvfrom",   "connect",     "socket",      "poll",
    "close",     "write",    "setsockopt", "getsockopt", "getpeername", "getsockname", "socketpair",
    "fcntl",     "futex",    "pread64",    "newfstatat", "fsync",       "mprotect"};

struct Tally {
  int kills = 0;
  int again = 0;
  int survived = 0;
};

void run_all(std::list<KillCase>& cases, Tally& tally) {
  std::vector<std::thread> threads;
  for (KillCase& one : cases) threads.emplace_back([&one] { one.run(); });
  for (std::thread& thread : threads) thread.join();
  for (const KillCase& one : cases) {
    EXPECT_EQ(one.fault(), "");
    tally.kills += one.was_killed() ? 1 : 0;
    tally.again += one.was_killed_again() ? 1 : 0;
    tally.survived += one.was_killed() ? 0 : 1;
  }
}

class KillTest : public testing::TestWithParam<PeerBehaviour> {
 protected:
  ~KillTest() override {
    std::printf("%s: %d kills in the action, %d in the recovery, %d lives outlived it\n",
                name_of(GetParam()), tally_.kills, tally_.again, tally_.survived);
  }
  void run_short() {
    std::list<KillCase> cases;
    for (const Points& points : kShort) {
      cases.emplace_back(GetParam(), points.first, points.second);
      if (cases.size() < kAtOnce) continue;
      run_all(cases, tally_);
      cases.clear();
    }
    run_all(cases, tally_);
    EXPECT_GE(tally_.kills, 8) << "the points lie on the way of an action";
    EXPECT_GE(tally_.again, 1);
  }
  /// Every so-many-th call of every name, until none is left; killed again where chance says.
  void run_long(Clock::time_point until) {
    unsigned draw = 1;
    for (const char* call : kCalls) {
      bool is_left = true;
      for (int number = 1; is_left && Clock::now() < until; number += static_cast<int>(kAtOnce)) {
        std::list<KillCase> cases;
        for (int i = 0; i < static_cast<int>(kAtOnce); ++i) {
          draw = draw * 1103515245U + 12345U;
          const KillPoint second{kCalls[(draw >> 16U) % 7], 1 + static_cast<int>((draw >> 8U) % 4)};
          cases.emplace_back(GetParam(), KillPoint{call, number + i}, second);
        }
        run_all(cases, tally_);
        is_left = cases.back().was_killed();
      }
    }
  }
  Tally tally_;
};

TEST_P(KillTest, KilledAtItsSystemCallsItRollsBackExactlyOnce) {
  if (!KillCase::can_trace()) {
    std::printf("processes may not be traced here; GateKillTest kills them all the same\n");
    return;
  }
  const char* const minutes = std::getenv("BELAY_TORTURE");
  if (minutes == nullptr) {
    run_short();
  } else {
    run_long(Clock::now() + std::chrono::seconds{60 * std::atol(minutes) / 6});
  }
}

INSTANTIATE_TEST_SUITE_P(OnEachPlatform, KillTest, testing::ValuesIn(kEveryPeerBehaviour));

}  // namespace
}  // namespace belay::test
