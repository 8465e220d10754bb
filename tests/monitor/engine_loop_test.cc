#include "monitor/engine_loop.h"

#include <atomic>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/system_clock.h"
#include "rules/language/parser.h"
#include "tests/support/eventually.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::Eq;

/// A journal in memory that can be told to fail.
class FakeJournal : public Journal {
 public:
  Status append(const std::vector<rules::JournalEntry>& entries) override {
    if (fails) return Error{Error::Kind::failed, "the disk has failed"};
    if (!has_room) return Error{Error::Kind::unavailable, "no space left on device"};
    for (const rules::JournalEntry& entry : entries) kinds.push_back(entry.kind);
    return Done{};
  }
  Result<Recovered> recover(Instant /*now*/) override { return Recovered{}; }
  Status read(std::size_t /*entries_max*/,
              const std::function<void(const rules::JournalEntry&)>& /*each*/) override {
    return Done{};
  }
  Status usable() override {
    if (is_gone) return Error{Error::Kind::failed, "the state was removed"};
    return Done{};
  }
  std::optional<std::string> trouble() override {
    return is_full ? std::optional<std::string>{"the disk is full"} : std::nullopt;
  }

  bool fails = false;
  std::atomic<bool> has_room = true;
  std::atomic<bool> is_full = false;             ///< Nothing has failed yet.
  std::atomic<bool> is_gone = false;             ///< Likewise.
  std::vector<rules::JournalEntry::Kind> kinds;  ///< The engine's thread writes it; read it after.
};

class FakeSink : public exporters::Sink {
 public:
  void publish(const rules::Snapshot& snapshot) override {
    const std::lock_guard lock{mutex_};
    shown_ = snapshot;
    changed_.notify_all();
  }
  void notify(const rules::Notice& notice) override {
    const std::lock_guard lock{mutex_};
    notices_.push_back(notice);
    changed_.notify_all();
  }
  bool wait_for(rules::Notice::Kind kind) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, test::patience(20s), [&] {
      return std::ranges::any_of(notices_, [&](const auto& notice) { return notice.kind == kind; });
    });
  }
  /// Of the only service, as it was shown last.
  std::optional<rules::RolloutStatus> rollout() {
    const std::lock_guard lock{mutex_};
    return shown_.services.empty() ? std::nullopt : shown_.services[0].rollout;
  }
  std::vector<rules::Notice> notices() {
    const std::lock_guard lock{mutex_};
    return notices_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<rules::Notice> notices_;
  rules::Snapshot shown_;
};

/// A service in mode enforce whose only rule a single failed probe makes fire.
rules::Plan plan() {
  rules::Rule rule{.name = "down",
                   .sentence = *rules::parse_sentence("probe healthz fails 1 of 1").sentence,
                   .then = {rules::Then::Kind::rollback, {}}};
  rules::ServicePlan shop{.name = "shop",
                          .mode = rules::Mode::enforce,
                          .rollout_rules = {rule},
                          .on_fail = {{rules::Then::Kind::rollback, {}}}};
  rules::Plan plan;
  plan.sources = {{.name = "healthz", .kind = rules::SourceKind::probe, .service = "shop"}};
  plan.services = {shop};
  return plan;
}

class EngineLoopTest : public testing::Test {
 protected:
  void start(bool with_journal = true) {
    loop_.emplace(rules::Engine{plan(), clock_.now()},
                  EngineLoop::Parts{inbox_,
                                    clock_,
                                    with_journal ? &journal_ : nullptr,
                                    [this](const rules::Order&) { ++orders_; },
                                    {&sink_}});
    thread_ = std::jthread([this](std::stop_token stop) { loop_->run(std::move(stop)); });
  }
  void begin_a_gate(Duration lasts) {
    // Fine when the gate begins: what was bad before cannot act.
    inbox_.deliver(rules::SourceState{.source = {}, .at = clock_.now()});
    inbox_.deliver(rules::TextDefined{.source = {}, .id = kV2, .text = "v2"});
    inbox_.deliver(rules::Probe{.source = {}, .version = kV2, .at = clock_.now()});
    inbox_.deliver(rules::RolloutStarted{.at = clock_.now(),
                                         .service = "shop",
                                         .candidate = "v2",
                                         .baseline = "v1",
                                         .lasts = lasts});
    ASSERT_TRUE(sink_.wait_for(rules::Notice::Kind::rollout_started));
    inbox_.deliver(rules::Probe{.source = {}, .version = kV2, .at = clock_.now()});
  }
  void fail_a_gate() {
    begin_a_gate(1min);
    inbox_.deliver(rules::Probe{
        .source = {}, .version = kV2, .at = clock_.now(), .failure = rules::ProbeFailure::timeout});
    ASSERT_TRUE(sink_.wait_for(rules::Notice::Kind::fired));
  }

  static constexpr rules::TextId kV2{1};
  Inbox inbox_;
  SystemClock clock_;
  FakeJournal journal_;
  FakeSink sink_;
  std::atomic<int> orders_ = 0;
  std::optional<EngineLoop> loop_;
  std::jthread thread_;
};

TEST_F(EngineLoopTest, AnOrderGoesOutAfterItsIntentIsDurable) {
  start();
  fail_a_gate();
  EXPECT_TRUE(sink_.wait_for(rules::Notice::Kind::acting));
  thread_ = {};
  EXPECT_EQ(orders_, 1);
  EXPECT_THAT(journal_.kinds, Contains(rules::JournalEntry::Kind::intent));
  EXPECT_FALSE(loop_->degraded());
  EXPECT_EQ(loop_->journal_trouble(), "");
}

TEST_F(EngineLoopTest, NothingIsDoneUnrecordedAndSomebodyIsPaged) {
  journal_.fails = true;
  start();
  fail_a_gate();
  ASSERT_TRUE(sink_.wait_for(rules::Notice::Kind::not_acted));
  thread_ = {};
  EXPECT_EQ(orders_, 0);
  EXPECT_TRUE(loop_->degraded());
  EXPECT_THAT(loop_->journal_trouble(), testing::HasSubstr("cannot be written"));
  EXPECT_TRUE(std::ranges::any_of(sink_.notices(), [](const auto& notice) { return notice.page; }));
}

TEST_F(EngineLoopTest, AGateThatIsFinePasses) {
  start();
  begin_a_gate(1s);
  ASSERT_TRUE(sink_.wait_for(rules::Notice::Kind::rollout_ended));
  thread_ = {};
  ASSERT_TRUE(sink_.rollout());
  EXPECT_EQ(sink_.rollout()->verdict, rules::Outcome::pass) << sink_.rollout()->why;
}

TEST_F(EngineLoopTest, WhatARestartWouldNotKnowIsNotShownAsPassed) {
  journal_.fails = true;
  start();
  begin_a_gate(1s);
  ASSERT_TRUE(sink_.wait_for(rules::Notice::Kind::rollout_ended));
  thread_ = {};
  ASSERT_TRUE(sink_.rollout());
  EXPECT_EQ(sink_.rollout()->verdict, rules::Outcome::unknown);
  EXPECT_EQ(sink_.rollout()->state, rules::RolloutState::inconclusive);
  EXPECT_TRUE(std::ranges::any_of(sink_.notices(), [](const auto& notice) {
    return notice.kind == rules::Notice::Kind::rollout_ended && notice.page;
  }));
}

TEST_F(EngineLoopTest, WithoutAJournalItJudgesAndTellsButDoesNothing) {
  start(false);
  fail_a_gate();
  thread_ = {};
  EXPECT_EQ(orders_, 0);
  EXPECT_TRUE(loop_->degraded());
}

TEST_F(EngineLoopTest, SaysThatTheDiskIsFullBeforeSomethingMustBeDone) {
  journal_.is_full = true;
  start();
  EXPECT_EQ(loop_->journal_trouble(), "the disk is full");
  EXPECT_FALSE(loop_->degraded());
  ASSERT_EQ(sink_.notices().size(), 1U);
  EXPECT_TRUE(sink_.notices()[0].page);
  EXPECT_THAT(sink_.notices()[0].headline, testing::HasSubstr("begins no further action"));
  fail_a_gate();
  EXPECT_TRUE(sink_.wait_for(rules::Notice::Kind::acting));
  thread_ = {};
  EXPECT_EQ(orders_, 1);
}

TEST_F(EngineLoopTest, SaysThatTheStateIsGoneBeforeSomethingMustBeRecorded) {
  start();
  ASSERT_EQ(loop_->journal_trouble(), "");
  journal_.is_gone = true;
  ASSERT_TRUE(sink_.wait_for(rules::Notice::Kind::not_acted));
  EXPECT_TRUE(belay::test::eventually([this] { return !loop_->journal_trouble().empty(); }));
  EXPECT_TRUE(loop_->degraded());
  thread_ = {};
  const auto notices = sink_.notices();
  ASSERT_EQ(notices.size(), 1U) << "said once";
  EXPECT_TRUE(notices[0].page);
  EXPECT_THAT(notices[0].details, Contains("the state was removed"));
}

TEST_F(EngineLoopTest, WhatThereWasNoRoomForIsRecordedInItsOrderAndActedUponAgain) {
  journal_.has_room = false;
  start();
  fail_a_gate();
  ASSERT_TRUE(sink_.wait_for(rules::Notice::Kind::not_acted));
  EXPECT_TRUE(loop_->degraded());
  EXPECT_THAT(loop_->journal_trouble(), testing::HasSubstr("cannot be written"));
  journal_.has_room = true;
  ASSERT_TRUE(belay::test::eventually([this] { return !loop_->degraded(); }));
  ASSERT_TRUE(belay::test::eventually([this] { return loop_->journal_trouble().empty(); }));
  EXPECT_EQ(orders_, 0) << "what was refused stays so";
  // The next version, which turns bad on the same probe.
  constexpr rules::TextId kV3{2};
  inbox_.deliver(rules::TextDefined{.source = {}, .id = kV3, .text = "v3"});
  inbox_.deliver(rules::Probe{.source = {}, .version = kV3, .at = clock_.now()});
  // Fine, before it begins.
  ASSERT_TRUE(loop_->between_steps([](rules::Engine&) { return Done{}; }).ok());
  ASSERT_TRUE(loop_->between_steps([](rules::Engine&) { return Done{}; }).ok());
  inbox_.deliver(rules::RolloutStarted{
      .at = clock_.now(), .service = "shop", .candidate = "v3", .baseline = "v1", .lasts = 1min});
  ASSERT_TRUE(belay::test::eventually(
      [this] { return sink_.rollout() && sink_.rollout()->candidate == "v3"; }));
  inbox_.deliver(rules::Probe{.source = {}, .version = kV3, .at = clock_.now()});
  ASSERT_TRUE(belay::test::eventually([this] {
    return sink_.rollout()->why.find("bad before") == std::string::npos;
  })) << sink_.rollout()->why;
  inbox_.deliver(rules::Probe{
      .source = {}, .version = kV3, .at = clock_.now(), .failure = rules::ProbeFailure::timeout});
  EXPECT_TRUE(belay::test::eventually([this] { return orders_ == 1; })) << sink_.rollout()->why;
  thread_ = {};
  using Kind = rules::JournalEntry::Kind;
  std::vector<Kind> kinds;
  std::ranges::copy_if(journal_.kinds, std::back_inserter(kinds), [](Kind kind) {
    return kind == Kind::rollout_started || kind == Kind::intent || kind == Kind::outcome;
  });
  EXPECT_THAT(kinds, testing::ElementsAre(Kind::rollout_started, Kind::intent, Kind::outcome,
                                          Kind::rollout_started, Kind::intent));
  int told = 0;
  for (const rules::Notice& notice : sink_.notices())
    told += static_cast<int>(notice.headline.find("no room for its journal") != std::string::npos);
  EXPECT_EQ(told, 1);
}

TEST_F(EngineLoopTest, AFullDiskThatHasRoomAgainIsNoTroubleAnyMore) {
  journal_.is_full = true;
  start();
  journal_.is_full = false;
  EXPECT_TRUE(belay::test::eventually([this] { return loop_->journal_trouble().empty(); }));
}

TEST_F(EngineLoopTest, WhatWaitsForRoomIsWrittenBeforeItStops) {
  journal_.has_room = false;
  start();
  fail_a_gate();
  ASSERT_TRUE(sink_.wait_for(rules::Notice::Kind::not_acted));
  journal_.has_room = true;
  thread_ = {};
  EXPECT_THAT(journal_.kinds, Contains(rules::JournalEntry::Kind::intent));
  EXPECT_THAT(journal_.kinds, Contains(rules::JournalEntry::Kind::outcome));
}

TEST_F(EngineLoopTest, DoesNotSayThatItActsWhereTheOutcomesRoomIsStillMissing) {
  journal_.has_room = false;
  start();
  fail_a_gate();
  ASSERT_TRUE(sink_.wait_for(rules::Notice::Kind::not_acted));
  journal_.is_full = true;
  journal_.has_room = true;
  ASSERT_TRUE(belay::test::eventually([this] { return !loop_->degraded(); }));
  const auto all_clears = [this] {
    return std::ranges::count_if(sink_.notices(), [](const rules::Notice& notice) {
      return notice.headline.find("has room for") != std::string::npos;
    });
  };
  EXPECT_EQ(all_clears(), 0);
  journal_.is_full = false;
  EXPECT_TRUE(belay::test::eventually([&] { return all_clears() == 1; }));
  thread_ = {};
}

TEST_F(EngineLoopTest, WhatWasRecordedIsShownAtOnce) {
  class Counting final : public exporters::Sink {
   public:
    void publish(const rules::Snapshot&) override { ++published; }
    void notify(const rules::Notice&) override {}
    int published = 0;
  } sink;
  const Instant now = clock_.now();
  EngineLoop loop{
      rules::Engine{plan(), now},
      EngineLoop::Parts{inbox_, clock_, &journal_, [](const rules::Order&) {}, {&sink}}};
  loop.step({}, false);
  const int before = sink.published;
  loop.step({rules::Silenced{
                .at = now, .service = "shop", .rule = "down", .until = now + 1h, .by = "me"}},
            false);
  EXPECT_EQ(sink.published, before + 1);
  EXPECT_EQ(journal_.kinds, std::vector{rules::JournalEntry::Kind::silenced});
}

}  // namespace
}  // namespace belay::monitor
