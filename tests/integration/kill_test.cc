// Goal: the real binary, killed at any system call of an action and again during its recovery, acts
// exactly once. Method: strace kills it as it enters a call, for each of six ways in which the
// platform behaves. BELAY_TORTURE=minutes goes for so long through every call that a traced action
// makes, in an order that BELAY_TORTURE_SEED repeats, and says which it did not come to.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <list>
#include <map>
#include <random>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/integration/kill_case.h"
#include "tests/support/may_trace.h"

namespace belay::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kAtOnce = 10;
/// A life mostly waits for what may still take effect.
constexpr std::size_t kAtOnceInTorture = 30;

/// What is called more often than that repeats itself while an answer is waited for.
constexpr int kNumberMax = 50;

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

/// Where a recovery reads, asks, acts and records; its loading of libraries is not meant.
const char* const kRecoveryCalls[] = {"fdatasync", "pwrite64", "sendto", "recvfrom",
                                      "connect",   "socket",   "poll"};

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
  /// Each point of a traced action once, in the seed's order, as far as the time goes; killed again
  /// where chance says.
  void run_long(Clock::time_point until, std::mt19937& chance) {
    KillCase::Traced traced = KillCase::trace(GetParam());
    ASSERT_EQ(traced.fault, "");
    std::vector<KillPoint>& points = traced.points;
    std::erase_if(points, [](const KillPoint& point) { return point.number > kNumberMax; });
    std::shuffle(points.begin(), points.end(), chance);
    const auto from = Clock::now();
    std::size_t reached = 0;
    while (reached < points.size() && Clock::now() < until) {
      std::list<KillCase> cases;
      while (cases.size() < kAtOnceInTorture && reached < points.size()) {
        const KillPoint second{kRecoveryCalls[chance() % std::size(kRecoveryCalls)],
                               1 + static_cast<int>(chance() % 4)};
        cases.emplace_back(GetParam(), points[reached++], second);
      }
      run_all(cases, tally_);
    }
    EXPECT_GT(tally_.kills, 0);
    const double minutes = std::chrono::duration<double>(Clock::now() - from).count() / 60;
    const auto lives = static_cast<double>(reached);
    std::printf(
        "%s: %zu of %zu calls (of each name the first %d at most) reached, %.0f lives a minute; a "
        "whole round: %.0f minutes\n",
        name_of(GetParam()), reached, points.size(), kNumberMax, lives / minutes,
        static_cast<double>(points.size()) * minutes / lives);
    tell_missed(points, reached);
  }
  static void tell_missed(const std::vector<KillPoint>& points, std::size_t reached) {
    std::map<std::string, int> missed;
    for (std::size_t i = reached; i < points.size(); ++i) ++missed[points[i].call];
    std::string text;
    for (const auto& [call, count] : missed) {
      const auto all = std::ranges::count(points, call, &KillPoint::call);
      text += fmt::format(" {} {}/{}", call, count, all);
    }
    if (!text.empty()) std::printf("%s: not reached:%s\n", name_of(GetParam()), text.c_str());
  }
  Tally tally_;
};

/// Another order each time, unless it is asked for.
unsigned seed() {
  const char* const wanted = std::getenv("BELAY_TORTURE_SEED");
  return wanted == nullptr ? std::random_device{}() % 1'000'000U
                           : static_cast<unsigned>(std::atol(wanted));
}

TEST_P(KillTest, KilledAtItsSystemCallsItRollsBackExactlyOnce) {
  if (!may_trace()) return;
  const char* const minutes = std::getenv("BELAY_TORTURE");
  if (minutes == nullptr) return run_short();
  static const unsigned drawn = seed();
  static const Clock::time_point end = Clock::now() + std::chrono::minutes{std::atol(minutes)};
  std::printf("BELAY_TORTURE_SEED=%u repeats this order\n", drawn);
  std::mt19937 chance(drawn);
  // What a behaviour leaves of its share the next ones have.
  const auto to_come =
      std::end(kEveryPeerBehaviour) - std::ranges::find(kEveryPeerBehaviour, GetParam());
  run_long(Clock::now() + (end - Clock::now()) / to_come, chance);
}

INSTANTIATE_TEST_SUITE_P(OnEachPlatform, KillTest, testing::ValuesIn(kEveryPeerBehaviour));

TEST(KillPointsTest, AreTheCallsOfATracedAction) {
  if (!may_trace()) return;
  const KillCase::Traced traced = KillCase::trace(PeerBehaviour::clean);
  ASSERT_EQ(traced.fault, "");
  std::map<std::string, int> most;
  for (const KillPoint& point : traced.points) most[point.call] = point.number;
  std::string text;
  for (const auto& [call, count] : most) text += fmt::format(" {} {}", call, count);
  std::printf("%zu calls:%s\n", traced.points.size(), text.c_str());
  for (const Points& points : kShort)
    EXPECT_TRUE(most.contains(points.first.call)) << points.first.call << " is not on the way";
  for (const char* call : kRecoveryCalls) EXPECT_TRUE(most.contains(call)) << call;
}

TEST(KillPointsTest, AreCountedByNameAndThread) {
  std::string text;
  for (const KillPoint& point : points_of("11 sendto(7, \"a(\", 2) = 2\n"
                                          "12 poll([{fd=3}], 1, 5 <unfinished ...>\n"
                                          "11 sendto(7, \"b\", 1) = 1\n"
                                          "12 <... poll resumed>) = 0 (Timeout)\n"
                                          "12 sendto(7, \"c\", 1) = 1\n"
                                          "11 --- SIGTERM {si_signo=SIGTERM} ---\n"
                                          "11 +++ killed by SIGKILL +++\n"))
    text += fmt::format("{} {}, ", point.call, point.number);
  EXPECT_EQ(text, "poll 1, sendto 1, sendto 2, ");
}

}  // namespace
}  // namespace belay::test
