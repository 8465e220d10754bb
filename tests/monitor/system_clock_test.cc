#include "monitor/system_clock.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

const Instant kStart = from_unix_ms(1'795'182'320'000);
constexpr Duration kBoot = 5h;

TEST(SlewedTimeTest, FollowsTheBootClockWhileTheWallClockAgrees) {
  SlewedTime time(kStart, kBoot);
  EXPECT_EQ(time.at(kBoot, kStart), kStart);
  EXPECT_EQ(time.at(kBoot + 90s, kStart + 90s), kStart + 90s);
}

TEST(SlewedTimeTest, AStepOfTheWallClockMovesTheEngineByFiveMillisecondsASecond) {
  SlewedTime time(kStart, kBoot);
  Instant last = kStart;
  for (Duration passed = 100ms; passed <= 10s; passed += 100ms) {
    last = time.at(kBoot + passed, kStart + passed + 1h);
  }
  EXPECT_EQ(last, kStart + 10s + 50ms);
}

TEST(SlewedTimeTest, AStepBackNeverTurnsTheEngineBack) {
  SlewedTime time(kStart, kBoot);
  Instant last = kStart;
  for (Duration passed = 1ms; passed <= 3s; passed += 1ms) {
    const Instant now = time.at(kBoot + passed, kStart + passed - 1h);
    ASSERT_GE(now, last);
    last = now;
  }
  EXPECT_EQ(last, kStart + 3s - 15ms);
}

TEST(SlewedTimeTest, SmallDriftsAreMadeUpForAndThenHeld) {
  SlewedTime time(kStart, kBoot);
  Instant last = kStart;
  for (Duration passed = 100ms; passed <= 60s; passed += 100ms) {
    last = time.at(kBoot + passed, kStart + passed + 80ms);
  }
  EXPECT_EQ(last, kStart + 60s + 80ms);
}

TEST(SlewedTimeTest, IsAheadOfAWallClockThatWasSetAndOfNoOther) {
  SlewedTime time(kStart, kBoot);
  EXPECT_EQ(time.ahead(kBoot + 1s, kStart + 1s + 900ms), 0s);
  EXPECT_EQ(time.ahead(kBoot + 2s, kStart + 2s - 900ms), 0s);
  EXPECT_EQ(time.ahead(kBoot + 3s, kStart + 3s - 1h), 3600s);
  EXPECT_EQ(time.ahead(kBoot + 4s, kStart + 4s + 1h), -3600s);
}

TEST(SlewedTimeTest, AThreadThatWasNotScheduledDoesNotLeap) {
  SlewedTime time(kStart, kBoot);
  EXPECT_EQ(time.at(kBoot + 2h, kStart + 2h + 1h), kStart + 2h + 5ms);
}

TEST(SystemClockTest, NeverGoesBackForAnyThread) {
  const SystemClock clock;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&clock] {
      Instant last = clock.now();
      for (int reads = 0; reads < 20'000; ++reads) {
        const Instant now = clock.now();
        ASSERT_GE(now, last);
        last = now;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace belay::monitor
