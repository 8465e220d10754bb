#include "rules/windows/coverage.h"

#include <gtest/gtest.h>

namespace belay::rules {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant kStart = from_unix_ms(1'795'000'000'000);
Instant at(int second) { return kStart + seconds{second}; }

/// A source that gives a sign every second of [from, to].
void live(Coverage& coverage, int from, int to) {
  for (int second = from; second <= to; ++second) coverage.sign(at(second));
}

TEST(CoverageTest, NothingIsCoveredBeforeTheFirstSign) {
  Coverage coverage(seconds{3});
  EXPECT_EQ(coverage.share(kStart, seconds{10}), 0);
  EXPECT_TRUE(coverage.silent(kStart));
  EXPECT_TRUE(coverage.warming(kStart, seconds{10}));
  live(coverage, 0, 5);
  EXPECT_DOUBLE_EQ(coverage.share(at(5), seconds{10}), 0.5);
}

TEST(CoverageTest, ALivingSourceCoversTheWholeWindow) {
  Coverage coverage(seconds{3});
  live(coverage, 0, 60);
  EXPECT_DOUBLE_EQ(coverage.share(at(60), seconds{60}), 1);
  EXPECT_FALSE(coverage.warming(at(60), seconds{60}));
  EXPECT_TRUE(coverage.warming(at(60), seconds{61}));
}

TEST(CoverageTest, SilenceIsCoveredWhileItIsShortAndNotAtAllWhenItIsLong) {
  Coverage coverage(seconds{3});
  live(coverage, 0, 10);
  EXPECT_DOUBLE_EQ(coverage.share(at(13), seconds{10}), 1);
  EXPECT_FALSE(coverage.silent(at(13)));
  EXPECT_TRUE(coverage.silent(at(13) + milliseconds{1}));
  EXPECT_DOUBLE_EQ(coverage.share(at(14), seconds{10}), 0.6);
  coverage.sign(at(14));
  EXPECT_DOUBLE_EQ(coverage.share(at(14), seconds{10}), 0.6);
  coverage.sign(at(16));
  EXPECT_DOUBLE_EQ(coverage.share(at(16), seconds{10}), 0.6);
}

TEST(CoverageTest, AnInterruptedSourceCoversNothingUntilItsNextSign) {
  Coverage coverage(seconds{3});
  live(coverage, 0, 4);
  coverage.interrupt(at(5));
  coverage.interrupt(at(6));
  EXPECT_DOUBLE_EQ(coverage.share(at(6), seconds{6}), 5.0 / 6);
  live(coverage, 7, 10);
  EXPECT_DOUBLE_EQ(coverage.share(at(10), seconds{10}), 0.8);
}

TEST(CoverageTest, AGapIsTakenOutOfWhatWasCovered) {
  Coverage coverage(seconds{3});
  live(coverage, 0, 20);
  coverage.gap(at(12), at(15));
  EXPECT_DOUBLE_EQ(coverage.share(at(20), seconds{10}), 0.7);
  coverage.gap(at(13), at(18));
  EXPECT_DOUBLE_EQ(coverage.share(at(20), seconds{10}), 0.4);
  coverage.gap(at(18), at(18));
  EXPECT_DOUBLE_EQ(coverage.share(at(20), seconds{10}), 0.4);
}

TEST(CoverageTest, AGapUpToNowIsNotCoveredByTheSignThatFollows) {
  Coverage coverage(seconds{3});
  live(coverage, 0, 10);
  coverage.gap(at(10), at(11));
  coverage.sign(at(12));
  EXPECT_DOUBLE_EQ(coverage.share(at(12), seconds{10}), 0.9);
}

TEST(CoverageTest, SignsOutOfOrderDoNotTakeAnythingBack) {
  Coverage coverage(seconds{3});
  live(coverage, 0, 10);
  coverage.sign(at(7));
  EXPECT_DOUBLE_EQ(coverage.share(at(10), seconds{10}), 1);
}

TEST(CoverageTest, AFlappingSourceLosesItsOldestTimeNotItsBound) {
  Coverage coverage(seconds{3});
  for (int i = 0; i < 4'000; ++i) {
    coverage.sign(at(4 * i));
    coverage.sign(at(4 * i + 1));
    coverage.interrupt(at(4 * i + 2));
  }
  EXPECT_DOUBLE_EQ(coverage.share(at(15'998), seconds{1'000}), 0.5);
  EXPECT_LT(coverage.share(at(15'998), seconds{15'998}), 0.2);
}

TEST(CoverageTest, ADayIsRemembered) {
  Coverage coverage(minutes{3});
  for (int i = 0; i <= 26 * 60; ++i) coverage.sign(kStart + minutes{i});
  EXPECT_DOUBLE_EQ(coverage.share(kStart + hours{26}, hours{24}), 1);
}

}  // namespace
}  // namespace belay::rules
