#include "rules/judgement/hold.h"

#include <chrono>
#include <optional>
#include <string_view>

#include <gtest/gtest.h>

namespace belay::rules {
namespace {

using namespace std::chrono_literals;
using Change = Hold::Change;

/// One check a second: 'b'ad, 'f'ine, '?' unknown. The second at which it changed first, if it did.
std::optional<int> first_change(Hold& hold, std::string_view checks, Change wanted, int from = 0) {
  std::optional<int> first;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const Truth truth = checks[i] == 'b'   ? Truth::bad
                        : checks[i] == 'f' ? Truth::fine
                                           : Truth::unknown;
    const int second = from + static_cast<int>(i);
    if (hold.check(Instant{std::chrono::seconds{second}}, truth) == wanted && !first)
      first = second;
  }
  return first;
}

TEST(Hold, WithoutForFiresAtTheFirstBadMoment) {
  Hold hold(0s, std::nullopt);
  EXPECT_EQ(hold.glance(Instant{1500ms}, Truth::bad), Change::fired);
  EXPECT_EQ(hold.firing_since(), Instant{1500ms});
}

TEST(Hold, FiresWhenItWasBadAtEveryCheckForSoLong) {
  Hold hold(5s, std::nullopt);
  EXPECT_EQ(first_change(hold, "ffbbbbbbb", Change::fired), 7);
}

TEST(Hold, IsBrokenByOneFineCheck) {
  Hold hold(5s, std::nullopt);
  EXPECT_EQ(first_change(hold, "bbbbbfbbbbb", Change::fired), std::nullopt);
  EXPECT_EQ(first_change(hold, "b", Change::fired, 11), 11);
}

TEST(Hold, StopsItsClockWhileItIsUnknown) {
  Hold hold(5s, std::nullopt);
  // Three seconds are held before, two more are needed after.
  EXPECT_EQ(first_change(hold, "bbbb???????bbb", Change::fired), 13);
}

TEST(Hold, OfAWindowForgives) {
  Hold hold(4s, 6s);
  EXPECT_EQ(first_change(hold, "bbfbfb", Change::fired), 5);
  Hold never(4s, 6s);
  EXPECT_EQ(first_change(never, "bbfbffbbfbff", Change::fired), std::nullopt);
}

TEST(Hold, ClearsAfterBeingFineForAsLongAsItTookToFire) {
  Hold hold(3s, std::nullopt);
  EXPECT_EQ(first_change(hold, "bbbb", Change::fired), 3);
  EXPECT_EQ(first_change(hold, "fff", Change::cleared, 4), std::nullopt);
  EXPECT_TRUE(hold.is_firing());
  EXPECT_EQ(first_change(hold, "f", Change::cleared, 7), 7);
  EXPECT_FALSE(hold.is_firing());
  EXPECT_FALSE(hold.bad_since().has_value());
}

TEST(Hold, GoesOnFiringWhileItIsUnknownOrBadNowAndThen) {
  Hold hold(3s, std::nullopt);
  first_change(hold, "bbbb", Change::fired);
  EXPECT_EQ(first_change(hold, "ff??????ffbfff", Change::cleared, 4), std::nullopt);
  EXPECT_TRUE(hold.is_firing());
}

TEST(Hold, ThatFiresAtOnceForgetsHowLongTheEpisodeBeforeLasted) {
  Hold hold(0s, std::nullopt);
  first_change(hold, "bbbbbbbbbbbbbbbbbbbbf", Change::cleared);
  ASSERT_FALSE(hold.is_firing());
  EXPECT_EQ(hold.glance(Instant{30500ms}, Truth::bad), Change::fired);
  EXPECT_EQ(first_change(hold, "ff", Change::cleared, 31), 31);
}

}  // namespace
}  // namespace belay::rules
