#pragma once

#include <vector>

#include <gtest/gtest.h>

#include "monitor/attempt.h"
#include "tests/monitor/acting/fake_platform.h"

namespace belay::test {

/// What was told of one order, over all lives of the process.
struct Story {
  std::vector<rules::ActionOutcome> told;
  int lives = 1;
  Duration took{};
  [[nodiscard]] rules::ActionOutcome::Phase end() const {
    return told.empty() ? rules::ActionOutcome::Phase::unknown : told.back().phase;
  }
};

/// Lives through an order, time jumping to whatever is due. After a kill, a second later, the next
/// life resumes it.
inline Story live(FakePlatform& platform, ManualClock& clock, const rules::Order& order,
                  const monitor::ActorOptions& options, bool resumed = false) {
  Story story;
  const Instant began = clock.now();
  for (bool is_over = false; !is_over;) {
    monitor::Attempt attempt(
        order, platform, clock, options, [] { return 0.5; }, resumed || story.lives > 1);
    try {
      while (!attempt.is_over()) {
        clock.advance_to(attempt.due());
        if (auto outcome = attempt.step({})) story.told.push_back(*outcome);
      }
      is_over = true;
    } catch (const Killed&) {
      ++story.lives;
      clock.advance(std::chrono::seconds{1});
    }
  }
  story.took = clock.now() - began;
  return story;
}

/// An order, the platform that is to carry it out, and a clock that only the test moves.
class AttemptFixture : public testing::Test {
 protected:
  Story live() { return test::live(platform_, clock_, order_, options_); }
  ManualClock clock_;
  FakePlatform platform_{clock_};
  monitor::ActorOptions options_;
  rules::Order order_ = fake_order(1, clock_);
};

}  // namespace belay::test
