#include "monitor/actor.h"

#include <atomic>
#include <condition_variable>
#include <latch>
#include <mutex>

#include <gtest/gtest.h>

#include "tests/monitor/acting/fake_platform.h"
#include "tests/monitor/acting/records.h"
#include "tests/support/eventually.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using test::FakePlatform;
using test::ManualClock;
using Phase = rules::ActionOutcome::Phase;

/// Collects outcomes; the test waits for them.
class Outcomes {
 public:
  Actor::Deliver deliver() {
    return [this](const rules::Order& /*order*/, rules::ActionOutcome outcome) {
      const std::scoped_lock lock(mutex_);
      all_.push_back(std::move(outcome));
      changed_.notify_all();
    };
  }
  std::vector<rules::ActionOutcome> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, test::patience(20s), [&] { return all_.size() >= count; });
    return all_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<rules::ActionOutcome> all_;
};

/// Hangs in its first read until it is stopped, or let go.
class HangingPlatform final : public Platform {
 public:
  Result<Standing> read(const rules::Order&, std::stop_token stop) override {
    std::unique_lock lock(mutex_);
    is_reading_ = true;
    changed_.notify_all();
    changed_.wait(lock, stop, [this] { return is_let_go_; });
    if (stop.stop_requested()) return Error{Error::Kind::unavailable, "stopped"};
    return Standing{Standing::Kind::ours, "there"};
  }
  Status apply(const rules::Order&, std::stop_token) override { return Done{}; }
  [[nodiscard]] std::string by_hand(const rules::Order&) const override { return ""; }
  void wait_until_reading() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::stop_token{}, test::patience(20s), [this] { return is_reading_; });
  }
  void let_go() {
    const std::scoped_lock lock(mutex_);
    is_let_go_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool is_reading_ = false;
  bool is_let_go_ = false;
};

TEST(ActorTest, DeliversWhatBecameOfEachOrder) {
  ManualClock clock;
  Platforms platforms;
  platforms.add_rollback("shop", std::make_unique<FakePlatform>(clock));
  Outcomes outcomes;
  Actor actor(platforms, clock, outcomes.deliver());
  actor.submit(test::fake_order(1, clock));
  const auto told = outcomes.wait_for(1);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].intent, test::intent_id(1));
  EXPECT_EQ(told[0].phase, Phase::applied);
}

TEST(ActorTest, AnOrderThatIsRecalledWhileItWaitsIsNotSent) {
  ManualClock clock;
  Platforms platforms;
  auto made = std::make_unique<FakePlatform>(clock);
  FakePlatform& platform = *made;
  std::atomic<int> sent = 0;
  platform.script_ = {test::Behaviour::throttled};
  platform.on_apply_ = [&sent] { ++sent; };
  platforms.add_rollback("shop", std::move(made));
  Outcomes outcomes;
  Actor actor(platforms, clock, outcomes.deliver());
  actor.recall(test::intent_id(1), "nobody knows it: nothing happens");
  actor.submit(test::fake_order(1, clock));
  ASSERT_TRUE(test::eventually([&] { return sent == 1; }));
  actor.recall(test::intent_id(1), "disarmed");
  const auto told = outcomes.wait_for(1);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].phase, Phase::rejected);
  EXPECT_EQ(sent, 1);
}

TEST(ActorTest, AnOrderThatNothingCanCarryOutIsRejectedAndAnOpenOneAbandoned) {
  const ManualClock clock;
  const Platforms none;
  Outcomes outcomes;
  Actor actor(none, clock, outcomes.deliver());
  actor.submit(test::fake_order(1, clock));
  ASSERT_EQ(outcomes.wait_for(1).size(), 1U);
  actor.resume(test::fake_order(2, clock));
  const auto told = outcomes.wait_for(2);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].phase, Phase::rejected);
  EXPECT_EQ(told[1].phase, Phase::abandoned);
  EXPECT_EQ(actor.open(), 0U);
}

TEST(ActorTest, AnOrderIsNotTakenTwiceWhileItIsOpen) {
  const ManualClock clock;
  auto hanging = std::make_unique<HangingPlatform>();
  HangingPlatform& platform = *hanging;
  Platforms platforms;
  platforms.add_rollback("shop", std::move(hanging));
  Outcomes outcomes;
  Actor actor(platforms, clock, outcomes.deliver());
  actor.resume(test::fake_order(1, clock));
  platform.wait_until_reading();
  actor.submit(test::fake_order(1, clock));
  EXPECT_EQ(actor.open(), 1U);
  platform.let_go();
  actor.submit(test::fake_order(2, clock));
  EXPECT_EQ(outcomes.wait_for(2).size(), 2U);
}

TEST(ActorTest, OneThatWaitsForItsPlatformDoesNotHoldUpTheOthers) {
  ManualClock clock;
  auto lame = std::make_unique<FakePlatform>(clock);
  lame->read_script_.assign(1000, test::ReadBehaviour::unreachable);
  Platforms platforms;
  platforms.add_rollback("lame", std::move(lame));
  platforms.add_rollback("shop", std::make_unique<FakePlatform>(clock));
  Outcomes outcomes;
  Actor actor(platforms, clock, outcomes.deliver());
  rules::Order first = test::fake_order(1, clock);
  first.service = "lame";
  actor.submit(first);
  actor.submit(test::fake_order(2, clock));
  const auto told = outcomes.wait_for(1);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].intent, test::intent_id(2));
  EXPECT_TRUE(test::eventually([&] { return actor.open() == 1; }));
}

TEST(ActorTest, NoServiceWaitsForTheCallOfAnother) {
  ManualClock clock;
  auto hanging = std::make_unique<HangingPlatform>();
  HangingPlatform& slow = *hanging;
  Platforms platforms;
  platforms.add_rollback("slow", std::move(hanging));
  platforms.add_rollback("shop", std::make_unique<FakePlatform>(clock));
  Outcomes outcomes;
  Actor actor(platforms, clock, outcomes.deliver());
  rules::Order first = test::fake_order(1, clock);
  first.service = "slow";
  actor.submit(first);
  slow.wait_until_reading();
  actor.submit(test::fake_order(2, clock));
  const auto told = outcomes.wait_for(1);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].intent, test::intent_id(2));
  EXPECT_TRUE(test::eventually([&] { return actor.open() == 1; }));
  slow.let_go();
  EXPECT_EQ(outcomes.wait_for(2).size(), 2U);
}

TEST(ActorTest, StoppingEndsTheCallUnderWayAfterTheGraceAndLeavesTheIntentOpen) {
  const ManualClock clock;
  auto hanging = std::make_unique<HangingPlatform>();
  HangingPlatform& platform = *hanging;
  Platforms platforms;
  platforms.add_rollback("shop", std::move(hanging));
  Outcomes outcomes;
  ActorOptions options;
  options.stop_grace = 20ms;
  Actor actor(platforms, clock, outcomes.deliver(), options);
  actor.submit(test::fake_order(1, clock));
  platform.wait_until_reading();
  actor.stop();
  EXPECT_EQ(outcomes.wait_for(0).size(), 0U);
  EXPECT_EQ(actor.open(), 1U);
}

/// Ends its read only when the others have been told to end theirs.
class StubbornPlatform final : public Platform {
 public:
  StubbornPlatform(std::latch& reading, std::latch& told) : reading_(reading), told_(told) {}
  Result<Standing> read(const rules::Order&, std::stop_token stop) override {
    reading_.count_down();
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any stopped;
    stopped.wait(lock, stop, [] { return false; });
    told_.count_down();
    are_all_told = test::eventually([this] { return told_.try_wait(); });
    return Error{Error::Kind::unavailable, "stopped"};
  }
  Status apply(const rules::Order&, std::stop_token) override { return Done{}; }
  [[nodiscard]] std::string by_hand(const rules::Order&) const override { return ""; }

  std::atomic<bool> are_all_told = false;

 private:
  std::latch& reading_;
  std::latch& told_;
};

TEST(ActorTest, StoppingEndsTheCallsOfAllServicesAtOnce) {
  const ManualClock clock;
  std::latch reading(2);
  std::latch told(2);
  Platforms platforms;
  std::vector<const StubbornPlatform*> stubborn;
  for (const char* service : {"shop", "cart"}) {
    auto platform = std::make_unique<StubbornPlatform>(reading, told);
    stubborn.push_back(platform.get());
    platforms.add_rollback(service, std::move(platform));
  }
  Outcomes outcomes;
  ActorOptions options;
  options.stop_grace = 20ms;
  Actor actor(platforms, clock, outcomes.deliver(), options);
  rules::Order order = test::fake_order(1, clock);
  actor.submit(order);
  order = test::fake_order(2, clock);
  order.service = "cart";
  actor.submit(order);
  reading.wait();
  actor.stop();
  for (const StubbornPlatform* platform : stubborn) EXPECT_TRUE(platform->are_all_told);
}

TEST(ActorTest, StoppingLetsTheCallUnderWayFinishWithinTheGrace) {
  const ManualClock clock;
  auto hanging = std::make_unique<HangingPlatform>();
  HangingPlatform& platform = *hanging;
  Platforms platforms;
  platforms.add_rollback("shop", std::move(hanging));
  Outcomes outcomes;
  Actor actor(platforms, clock, outcomes.deliver());
  actor.submit(test::fake_order(1, clock));
  platform.wait_until_reading();
  std::thread stopping([&] { actor.stop(); });
  platform.let_go();
  stopping.join();
  const auto told = outcomes.wait_for(1);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].phase, Phase::applied);
}

TEST(ActorTest, IsStuckWhenOneStepTakesLongerThanItsCallsMay) {
  ManualClock clock;
  auto hanging = std::make_unique<HangingPlatform>();
  HangingPlatform& platform = *hanging;
  Platforms platforms;
  platforms.add_rollback("shop", std::move(hanging));
  Outcomes outcomes;
  Actor actor(platforms, clock, outcomes.deliver());
  EXPECT_FALSE(actor.is_stuck());
  actor.submit(test::fake_order(1, clock));
  platform.wait_until_reading();
  EXPECT_FALSE(actor.is_stuck());
  clock.advance(3min);
  EXPECT_TRUE(actor.is_stuck());
  platform.let_go();
  ASSERT_EQ(outcomes.wait_for(1).size(), 1U);
}

}  // namespace
}  // namespace belay::monitor
