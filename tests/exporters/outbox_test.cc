// Goal: nothing that a receiver does is felt by who puts messages in, and every message is either
// delivered or counted. Method: receivers made of functions; waiting on their calls, never for
// time.

#include "exporters/outbox.h"

#include <atomic>
#include <condition_variable>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/eventually.h"

namespace belay::exporters {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using Result = Outbox::Attempt::Result;

rules::Notice notice(std::string headline) { return {.headline = std::move(headline)}; }

constexpr Outbox::Limits kAtOnce{
    .batch_max = 1, .spacing = 0ms, .backoff_min = 1ms, .backoff_max = 2ms, .drain = 5s};

/// Remembers what it was given, and answers what it is told to.
class Receiver {
 public:
  Outbox::Deliver deliver() {
    return [this](const Outbox::Batch& batch, const std::stop_token& stop) {
      std::unique_lock lock(mutex_);
      std::string told;
      for (const auto& each : batch.notices) told += (told.empty() ? "" : "+") + each.headline;
      if (batch.late > 0) told += " late";
      if (batch.dropped_before > 0) told += " -" + std::to_string(batch.dropped_before);
      told_.push_back(told);
      changed_.notify_all();
      changed_.wait(lock, stop, [this] { return !is_held_; });
      if (answers_.empty()) return Outbox::Attempt{.result = Result::delivered};
      const Outbox::Attempt answer = answers_.front();
      if (answers_.size() > 1) answers_.erase(answers_.begin());
      return answer;
    };
  }
  Outbox::Complain complain() {
    return [this](const std::string& line) {
      const std::lock_guard lock(mutex_);
      complaints_.push_back(line);
    };
  }
  /// The last answer stays.
  void answers(std::vector<Outbox::Attempt> answers) {
    const std::lock_guard lock(mutex_);
    answers_ = std::move(answers);
  }
  void hold(bool held) {
    const std::lock_guard lock(mutex_);
    is_held_ = held;
    changed_.notify_all();
  }
  bool was_called(std::size_t times) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, test::patience(20s), [&] { return told_.size() >= times; });
  }
  std::vector<std::string> told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  std::vector<std::string> complaints() {
    const std::lock_guard lock(mutex_);
    return complaints_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Outbox::Attempt> answers_;
  std::vector<std::string> told_;
  std::vector<std::string> complaints_;
  bool is_held_ = false;
};

class OutboxTest : public testing::Test {
 protected:
  std::unique_ptr<Outbox> outbox(Outbox::Limits limits) {
    return std::make_unique<Outbox>(limits, counts_, receiver_.deliver(), receiver_.complain());
  }
  Receiver receiver_;
  Notifications notifications_;
  NotificationCounts counts_ = notifications_.of("test");
};

TEST_F(OutboxTest, DeliversInOrder) {
  auto box = outbox(kAtOnce);
  for (const char* text : {"a", "b", "c"}) box->put(notice(text));
  box.reset();
  EXPECT_THAT(receiver_.told(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(counts_.sent.Value(), 3);
  EXPECT_EQ(counts_.waiting.Value(), 0);
  EXPECT_THAT(receiver_.complaints(), ElementsAre());
}

TEST_F(OutboxTest, TriesAgainUntilItArrives) {
  receiver_.answers({{.result = Result::try_again, .why = "down"},
                     {.result = Result::try_again, .why = "down"},
                     {.result = Result::delivered}});
  auto box = outbox(kAtOnce);
  box->put(notice("a"));
  ASSERT_TRUE(receiver_.was_called(3));
  box.reset();
  EXPECT_THAT(receiver_.told(), ElementsAre("a", "a", "a"));
  EXPECT_EQ(counts_.sent.Value(), 1);
  EXPECT_EQ(counts_.failed.Value(), 0);
  EXPECT_THAT(receiver_.complaints(), ElementsAre("down; will be tried again"));
}

TEST_F(OutboxTest, WaitsAsLongAsItIsAskedTo) {
  receiver_.answers({{.result = Result::try_again, .why = "429", .retry_after = 120ms},
                     {.result = Result::delivered}});
  auto box = outbox(kAtOnce);
  const auto start = std::chrono::steady_clock::now();
  box->put(notice("a"));
  ASSERT_TRUE(receiver_.was_called(2));
  EXPECT_GE(std::chrono::steady_clock::now() - start, 120ms);
}

TEST_F(OutboxTest, SaysOfWhatWasTriedForLongThatItIsLate) {
  receiver_.answers({{.result = Result::try_again, .why = "down"}, {.result = Result::delivered}});
  Outbox::Limits limits = kAtOnce;
  limits.late_after = 20ms;
  limits.backoff_min = limits.backoff_max = 60ms;
  auto box = outbox(limits);
  box->put(notice("a"));
  ASSERT_TRUE(receiver_.was_called(2));
  EXPECT_EQ(receiver_.told().back(), "a late");
}

TEST_F(OutboxTest, ShowsNoMessageThatWaitsOnceItHasEnded) {
  receiver_.answers({{.result = Result::try_again, .why = "down"}});
  auto other = outbox(kAtOnce);
  other->put(notice("of its successor"));
  Outbox::Limits limits = kAtOnce;
  limits.drain = 1ms;
  auto box = outbox(limits);
  box->put(notice("a"));
  EXPECT_EQ(counts_.waiting.Value(), 2);
  box.reset();
  EXPECT_EQ(counts_.waiting.Value(), 1);
  receiver_.answers({{.result = Result::delivered}});
}

TEST_F(OutboxTest, EndsOnceItIsToldToAndItsDestructorGivesItNoMoreTime) {
  receiver_.answers({{.result = Result::try_again, .why = "down"}});
  Outbox::Limits limits = kAtOnce;
  limits.drain = 20ms;
  auto box = outbox(limits);
  box->put(notice("a"));
  box->begin_to_end();
  EXPECT_TRUE(test::eventually([&] { return counts_.failed.Value() == 1; }));
  EXPECT_EQ(receiver_.complaints().back(), "1 message lost: Belay ends");
}

TEST_F(OutboxTest, GivesUpAtOnceWhatIsRefused) {
  receiver_.answers({{.result = Result::refused, .why = "gone"}, {.result = Result::delivered}});
  auto box = outbox(kAtOnce);
  box->put(notice("a"));
  box->put(notice("b"));
  box.reset();
  EXPECT_THAT(receiver_.told(), ElementsAre("a", "b"));
  EXPECT_EQ(counts_.failed.Value(), 1);
  EXPECT_EQ(counts_.sent.Value(), 1);
  EXPECT_THAT(receiver_.complaints(), ElementsAre("1 message lost: gone"));
}

TEST_F(OutboxTest, GivesUpWhatIsTooOld) {
  receiver_.answers({{.result = Result::try_again, .why = "down"}});
  Outbox::Limits limits = kAtOnce;
  limits.give_up_after = 20ms;
  auto box = outbox(limits);
  box->put(notice("a"));
  EXPECT_TRUE(test::eventually([&] { return counts_.failed.Value() == 1; }));
  EXPECT_EQ(counts_.waiting.Value(), 0);
  EXPECT_THAT(receiver_.complaints().back(), HasSubstr("not delivered within 20ms"));
}

TEST_F(OutboxTest, DropsTheOldestThatIsNotUnderWayWhenFullAndSaysHowMany) {
  receiver_.hold(true);
  Outbox::Limits limits = kAtOnce;
  limits.waiting_max = 2;
  auto box = outbox(limits);
  box->put(notice("a"));
  ASSERT_TRUE(receiver_.was_called(1));
  for (const char* text : {"b", "c", "d", "e"}) box->put(notice(text));
  EXPECT_EQ(counts_.dropped.Value(), 2);
  receiver_.hold(false);
  box.reset();
  EXPECT_THAT(receiver_.told(), ElementsAre("a", "d -2", "e"));
}

TEST_F(OutboxTest, TellsTogetherWhatWaits) {
  receiver_.hold(true);
  Outbox::Limits limits = kAtOnce;
  limits.batch_max = 3;
  auto box = outbox(limits);
  box->put(notice("a"));
  ASSERT_TRUE(receiver_.was_called(1));
  for (const char* text : {"b", "c", "d", "e"}) box->put(notice(text));
  receiver_.hold(false);
  box.reset();
  EXPECT_THAT(receiver_.told(), ElementsAre("a", "b+c+d", "e"));
  EXPECT_EQ(counts_.sent.Value(), 5);
}

TEST_F(OutboxTest, IsNeverInTheWayOfWhoPutsIn) {
  receiver_.hold(true);
  auto box = outbox(kAtOnce);
  for (int i = 0; i < 10'000; ++i) box->put(notice("a"));
  EXPECT_LE(receiver_.told().size(), 1U);
  EXPECT_GE(counts_.dropped.Value(), 10'000 - 257);
  receiver_.hold(false);
}

TEST_F(OutboxTest, EndsInTimeAlthoughTheReceiverHangs) {
  receiver_.hold(true);
  Outbox::Limits limits = kAtOnce;
  limits.drain = 50ms;
  auto box = outbox(limits);
  box->put(notice("a"));
  ASSERT_TRUE(receiver_.was_called(1));
  box->put(notice("b"));
  receiver_.answers({{.result = Result::try_again, .why = "stopped"}});
  const auto start = std::chrono::steady_clock::now();
  box.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  EXPECT_EQ(counts_.failed.Value(), 2);
  EXPECT_THAT(receiver_.complaints().back(), "2 messages lost: Belay ends");
}

}  // namespace
}  // namespace belay::exporters
