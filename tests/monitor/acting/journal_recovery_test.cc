// Goal: whatever was going on when a daemon died is known to the next one. Method: journals written
// entry by entry, reopened and recovered.

#include <chrono>
#include <cstdio>
#include <ctime>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/journal.h"
#include "rules/rollout/journal_text.h"
#include "tests/monitor/acting/journal_fixture.h"
#include "tests/monitor/acting/records.h"
#include "tests/support/temporary_directory.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using rules::HoldReason;
using rules::JournalEntry;
using rules::RolloutState;
using test::against_entry;
using test::intent_entry;
using test::intent_id;
using test::moved_entry;
using test::outcome_entry;
using test::rollback_order;
using test::started_entry;
using testing::ElementsAre;
using Phase = rules::ActionOutcome::Phase;

class JournalRecoveryTest : public test::JournalFixture {
 protected:
  /// The ids of the rollouts that are remembered.
  std::vector<std::string> rollouts() {
    std::vector<std::string> ids;
    for (const auto& one : recovered().remembered.rollouts) ids.push_back(one.started.id);
    return ids;
  }
  static JournalEntry silenced(const char* service, const char* rule, Instant until) {
    return {.kind = JournalEntry::Kind::silenced,
            .at = kNow - 1h,
            .service = service,
            .rule = rule,
            .intent = "",
            .text = "{\"until_ms\": " + std::to_string(unix_ms(until)) + ", \"by\": \"ops\"}"};
  }
};

TEST_F(JournalRecoveryTest, AnOpenRolloutIsRebuiltWhole) {
  rules::Order order = rollback_order(7, kNow - 1min);
  order.rollout = intent_id(1);
  append({started_entry(1, kNow - 48h), moved_entry(1, RolloutState::baking, kNow - 47h),
          moved_entry(1, RolloutState::held, kNow - 2min), intent_entry(order)});
  const auto known = recovered();
  ASSERT_EQ(known.remembered.rollouts.size(), 1U);
  const rules::RememberedRollout& rollout = known.remembered.rollouts[0];
  EXPECT_EQ(rollout.started.id, intent_id(1));
  EXPECT_EQ(rollout.started.at, kNow - 48h);
  EXPECT_EQ(rollout.started.service, "shop");
  EXPECT_EQ(rollout.started.candidate, test::kBadVersion);
  EXPECT_EQ(rollout.started.baseline, test::kGoodVersion);
  ASSERT_EQ(rollout.started.steps.size(), 2U);
  EXPECT_EQ(rollout.started.steps[0].percent, 10);
  EXPECT_EQ(rollout.started.steps[0].bake, 10min);
  EXPECT_TRUE(rollout.started.is_driving);
  EXPECT_FALSE(rollout.started.is_irreversible);
  EXPECT_EQ(rollout.started.train, "spring");
  EXPECT_EQ(rollout.started.commit, "abc");
  EXPECT_EQ(rollout.started.committed_at, from_unix_ms(7));
  EXPECT_EQ(rollout.started.mode, rules::Mode::recommend);
  EXPECT_EQ(rollout.started.by, "ci");
  EXPECT_EQ(rollout.at, kNow - 2min) << "of its last move";
  EXPECT_EQ(rollout.state, RolloutState::held);
  EXPECT_EQ(rollout.held, HoldReason::shared_cause);
  EXPECT_EQ(rollout.step, 1U);
  EXPECT_EQ(rollout.step_started, kNow - 2min - 1s);
  EXPECT_TRUE(rollout.is_paused);
  EXPECT_TRUE(rollout.is_approved);
  EXPECT_EQ(rollout.rule, "rollout/5xx");
  EXPECT_EQ(rollout.verdict, rules::Outcome::fail);
  EXPECT_EQ(rollout.why, "because");
  EXPECT_THAT(rollout.intents, ElementsAre(intent_id(7)));
  ASSERT_EQ(known.open_orders.size(), 1U);
  EXPECT_EQ(known.open_orders[0].rollout, intent_id(1));
}

TEST_F(JournalRecoveryTest, TheOrderThatIsVerifiedIsRememberedWholeAndNoOtherThatHasEnded) {
  rules::Order first = rollback_order(7, kNow - 3min);
  first.rollout = intent_id(1);
  first.action = rules::RunCommand{.command = "drain"};
  rules::Order last = rollback_order(8, kNow - 2min);
  last.rollout = intent_id(1);
  last.action = rules::ResetFlag{.flag = "cart"};
  rules::Order of_ended = rollback_order(9, kNow - 1min);
  of_ended.rollout = intent_id(2);
  append({started_entry(1, kNow - 1h), started_entry(2, kNow - 1h), intent_entry(first),
          outcome_entry(intent_id(7), Phase::applied, kNow - 3min), intent_entry(last),
          outcome_entry(intent_id(8), Phase::applied, kNow - 2min), intent_entry(of_ended),
          outcome_entry(intent_id(9), Phase::applied, kNow - 1min),
          moved_entry(1, RolloutState::verifying, kNow - 2min),
          moved_entry(2, RolloutState::recovered, kNow - 1min)});
  const auto known = recovered();
  ASSERT_EQ(known.remembered.actions.size(), 3U);
  EXPECT_FALSE(known.remembered.actions[0].order);
  ASSERT_TRUE(known.remembered.actions[1].order);
  EXPECT_EQ(std::get<rules::ResetFlag>(known.remembered.actions[1].order->action).flag, "cart");
  EXPECT_FALSE(known.remembered.actions[1].is_open);
  EXPECT_FALSE(known.remembered.actions[2].order);
  EXPECT_TRUE(known.open_orders.empty()) << "nothing is to be done again";
}

TEST_F(JournalRecoveryTest, ARolloutThatNeverMovedIsPending) {
  append({started_entry(1, kNow - 48h)});
  const auto known = recovered();
  ASSERT_EQ(known.remembered.rollouts.size(), 1U);
  EXPECT_EQ(known.remembered.rollouts[0].state, RolloutState::pending);
}

TEST_F(JournalRecoveryTest, EndedRolloutsAreRememberedForADayAndOpenOnesForEver) {
  append({started_entry(1, kNow - 90h), started_entry(2, kNow - 80h), started_entry(3, kNow - 30h),
          moved_entry(1, RolloutState::promoted, kNow - 25h),
          moved_entry(2, RolloutState::verifying, kNow - 70h),
          moved_entry(3, RolloutState::recovered, kNow - 23h)});
  EXPECT_THAT(rollouts(), ElementsAre(intent_id(2), intent_id(3))) << "in the order of their start";
}

TEST_F(JournalRecoveryTest, TheNumbersOfADecisionAreRememberedAsTheyWere) {
  rules::RolloutNumbers numbers{.compared = rules::Compared::slow_p99,
                                .window = 50s,
                                .odds = 8100.25,
                                .odds_limit = 600,
                                .margin = 1.1,
                                .traffic = 0.1,
                                .share = 0.84,
                                .allowed = 0.12,
                                .excess = 0.062,
                                .interval = {.low = 0.04, .high = 0.1},
                                .routes = {{.name = "/buy", .bad = 36, .total = 40}},
                                .reasons = {{.name = "503", .bad = 30}},
                                .exceptions = {{.name = "Error: \"x\"", .bad = 3}}};
  numbers.counts[rules::Role::candidate] = {.bad = 36, .total = 430};
  numbers.since_start[rules::Role::baseline] = {.bad = 7, .total = 9000};
  JournalEntry moved = moved_entry(1, RolloutState::failed, kNow - 1h);
  const std::string added = rules::JsonText().field("numbers", numbers).take();
  moved.text.replace(moved.text.rfind('}'), 1, "," + added.substr(1));
  append({started_entry(1, kNow - 2h), moved});
  const auto known = recovered();
  ASSERT_EQ(known.remembered.rollouts.size(), 1U);
  const auto& read = known.remembered.rollouts[0].numbers;
  ASSERT_TRUE(read);
  EXPECT_EQ(rules::JsonText().field("numbers", *read).take(), added);
}

TEST_F(JournalRecoveryTest, HowRulesAndQueuesStoodBeforeARolloutIsRemembered) {
  rules::RuleBefore bad{.rule = "5xx", .sentence = "5xx rate > 5%", .truth = rules::Truth::bad};
  bad.evidence.resize(2);
  bad.evidence[0].truth = rules::Truth::bad;
  bad.evidence[0].has_value = true;
  bad.evidence[0].value = 0.125;
  bad.evidence[0].threshold = 0.05;
  bad.evidence[0].numerator = 31;
  bad.evidence[0].denominator = 250;
  const std::vector<rules::RuleBefore> before = {
      bad,
      {.rule = "p95", .sentence = "p95 latency > 1s", .truth = rules::Truth::fine},
      {.rule = "lag", .sentence = "queue mails depth > 5"}};
  const std::map<std::string, double> depths = {{"e\"mails", 12}};
  const std::string added =
      rules::JsonText().field("before", before).field("queues_before", depths).take();
  JournalEntry moved = moved_entry(1, RolloutState::baking, kNow - 1h);
  moved.text.replace(moved.text.rfind('}'), 1, "," + added.substr(1));
  append({started_entry(1, kNow - 2h), moved});
  const auto known = recovered();
  ASSERT_EQ(known.remembered.rollouts.size(), 1U);
  const rules::RememberedRollout& rollout = known.remembered.rollouts[0];
  EXPECT_EQ(rules::JsonText()
                .field("before", rollout.before)
                .field("queues_before", rollout.queues_before)
                .take(),
            added);
}

TEST_F(JournalRecoveryTest, WhatThePlatformShowedOfARolloutIsRemembered) {
  JournalEntry moved = moved_entry(1, RolloutState::baking, kNow - 1h);
  moved.text.replace(
      moved.text.rfind('}'), 1,
      R"(,"traffic":{"deployment":"d1","shares":[{"version":"v1","percent":12.5}],"at_start":["v1","v0"],"was_live":true}})");
  append({started_entry(1, kNow - 2h), moved});
  const rules::TrafficSeen traffic = recovered().remembered.rollouts.at(0).traffic;
  EXPECT_EQ(traffic.deployment, "d1");
  ASSERT_EQ(traffic.shares.size(), 1U);
  EXPECT_EQ(traffic.shares[0].version, "v1");
  EXPECT_EQ(traffic.shares[0].percent, 12.5);
  EXPECT_THAT(traffic.at_start, ElementsAre("v1", "v0"));
  EXPECT_TRUE(traffic.was_live);
  append({moved_entry(1, RolloutState::baking, kNow - 30min)});
  EXPECT_EQ(recovered().remembered.rollouts.at(0).traffic.deployment, "");
}

TEST_F(JournalRecoveryTest, TheLastGoodVersionOfAServiceIsTheOnePromotedLast) {
  append({started_entry(1, kNow - 90h), moved_entry(1, RolloutState::promoted, kNow - 80h),
          started_entry(2, kNow - 70h), moved_entry(2, RolloutState::recovered, kNow - 60h),
          moved_entry(3, RolloutState::promoted, kNow - 50h, "cart"),
          moved_entry(4, RolloutState::failed, kNow - 40h, "mail")});
  const auto known = recovered();
  EXPECT_THAT(known.remembered.last_good, ElementsAre(testing::Pair("cart", test::kBadVersion),
                                                      testing::Pair("shop", test::kBadVersion)));
}

TEST_F(JournalRecoveryTest, WhatATrainTookBackAfterItsPromotionIsNotTheLastGoodOne) {
  rules::Order order = rollback_order(7, kNow - 1h);
  order.rollout = intent_id(2);
  JournalEntry older = moved_entry(1, RolloutState::promoted, kNow - 90h);
  older.text.replace(older.text.find(test::kBadVersion), 36, test::kGoodVersion);
  append({older, moved_entry(2, RolloutState::promoted, kNow - 2h), intent_entry(order),
          moved_entry(2, RolloutState::rolling_back, kNow - 1h)});
  EXPECT_THAT(recovered().remembered.last_good,
              ElementsAre(testing::Pair("shop", test::kGoodVersion)));
}

TEST_F(JournalRecoveryTest,
       WhatFiredOnAVersionAfterItsPromotionIsRememberedUntilItHasLongBeenFine) {
  constexpr auto kFired = JournalEntry::Kind::fired;
  constexpr auto kCleared = JournalEntry::Kind::cleared;
  const auto bad_since = [this] { return recovered().remembered.rollouts.at(0).failing_since; };
  append({started_entry(1, kNow - 3h), against_entry(1, kFired, kNow - 3h),
          moved_entry(1, RolloutState::promoted, kNow - 2h)});
  EXPECT_EQ(bad_since(), std::nullopt) << "what fired before has not failed it";
  append({against_entry(1, kFired, kNow - 60min), against_entry(1, kFired, kNow - 50min, "slow")});
  EXPECT_EQ(bad_since(), kNow - 50min);
  append({against_entry(1, kCleared, kNow - 40min, "slow")});
  EXPECT_EQ(bad_since(), kNow - 50min) << "the other fires still";
  append({against_entry(1, kCleared, kNow - 30min)});
  EXPECT_EQ(bad_since(), std::nullopt);
  append({against_entry(1, kFired, kNow - 7min), against_entry(1, kCleared, kNow - 5min)});
  EXPECT_EQ(bad_since(), kNow - 7min) << "that is not long";
}

TEST_F(JournalRecoveryTest, AllOfATrainThatIsUnderWayIsRememberedHoweverLongAgoItEnded) {
  const auto of_train = [](int number, Instant at, const char* service) {
    JournalEntry entry = started_entry(number, at, service);
    entry.text.insert(1, "\"after\":[\"cart\"],\"takes_all_back\":true,\"train_began_ms\":" +
                             std::to_string(unix_ms(kNow - 40h)) + ",");
    return entry;
  };
  append({of_train(1, kNow - 40h, "cart"), of_train(2, kNow - 40h, "shop"),
          moved_entry(1, RolloutState::promoted, kNow - 39h, "cart")});
  EXPECT_THAT(rollouts(), ElementsAre(intent_id(1), intent_id(2)));
  const rules::RolloutStarted started = recovered().remembered.rollouts[1].started;
  EXPECT_THAT(started.after.value_or(std::vector<std::string>{}), ElementsAre("cart"));
  EXPECT_EQ(started.takes_all_back, true);
  EXPECT_EQ(started.train_began, kNow - 40h);
  append({moved_entry(2, RolloutState::aborted, kNow - 1h, "shop")});
  EXPECT_THAT(rollouts(), ElementsAre(intent_id(2))) << "it is over";
}

TEST_F(JournalRecoveryTest, ARolloutThatCannotBeReadStopsTheRecovery) {
  for (const char* field :
       {"rollout", "candidate", "steps", "mode", "state", "verdict", "step_started_ms", "held"}) {
    const test::TemporaryDirectory place;
    state_ = place.path() / "state";
    const bool is_of_start =
        std::string_view("rollout candidate steps mode").find(field) != std::string_view::npos;
    JournalEntry started = started_entry(1, kNow - 1h);
    JournalEntry moved = moved_entry(1, RolloutState::held, kNow - 1min);
    JournalEntry& broken = is_of_start ? started : moved;
    const std::string name = "\"" + std::string(field) + "\":";
    const std::size_t at = broken.text.find(name) + name.size();
    broken.text.replace(at, broken.text.find_first_of(",}", at) - at, "\"?\"");
    if (std::string_view(field) == "rollout" || std::string_view(field) == "candidate") {
      broken.text.replace(broken.text.find("\"?\""), 3, "\"\"");
    }
    append({started, moved});
    EXPECT_FALSE(open()->recover(kNow).ok()) << field;
  }
}

TEST_F(JournalRecoveryTest, ItIsKnownWhetherTheModeOfARolloutWasAskedFor) {
  JournalEntry asked = started_entry(2, kNow - 1h);
  asked.text.insert(1, R"("mode_asked":true,)");
  append({started_entry(1, kNow - 2h), asked});
  const auto known = recovered();
  ASSERT_EQ(known.remembered.rollouts.size(), 2U);
  EXPECT_EQ(known.remembered.rollouts[0].started.mode, rules::Mode::recommend);
  EXPECT_FALSE(known.remembered.rollouts[0].is_mode_asked);
  EXPECT_TRUE(known.remembered.rollouts[1].is_mode_asked);
}

TEST_F(JournalRecoveryTest, ASilenceLastsUntilItsTimeOrUntilItIsTakenBack) {
  append({silenced("shop", "5xx", kNow + 1h), silenced("", "5xx", kNow + 2h),
          silenced("shop", "p95", kNow - 1ms), silenced("shop", "depth", kNow + 1h),
          silenced("shop", "depth", kNow - 30min)});
  const auto known = recovered();
  ASSERT_EQ(known.remembered.silenced.size(), 2U);
  EXPECT_EQ(known.remembered.silenced[0].service, "");
  EXPECT_EQ(known.remembered.silenced[0].until, kNow + 2h);
  EXPECT_EQ(known.remembered.silenced[1].rule, "5xx");
  EXPECT_EQ(known.remembered.silenced[1].by, "ops");
}

TEST_F(JournalRecoveryTest, AMoveOfTrafficIsRebuiltWhole) {
  rules::Order order = rollback_order(1, kNow);
  order.action = rules::MoveTraffic{.candidate = test::kBadVersion,
                                    .baseline = test::kGoodVersion,
                                    .percent = 12.5,
                                    .expected = {{test::kGoodVersion, 100}}};
  append({intent_entry(order)});
  const auto known = recovered();
  ASSERT_EQ(known.open_orders.size(), 1U);
  const auto& move = std::get<rules::MoveTraffic>(known.open_orders[0].action);
  EXPECT_EQ(move.candidate, test::kBadVersion);
  EXPECT_EQ(move.baseline, test::kGoodVersion);
  EXPECT_DOUBLE_EQ(move.percent, 12.5);
  ASSERT_EQ(move.expected.size(), 1U);
  EXPECT_DOUBLE_EQ(move.expected[0].percent, 100);
}

TEST_F(JournalRecoveryTest, AJournalOfTheFirstVersionIsTakenOver) {
  append({intent_entry(rollback_order(1, kNow - 1h))});
  alter(
      "INSERT INTO entries (at_ns, kind, service, rule, intent, text, is_final) "
      "VALUES (1, 'gate_started', 'shop', '', '', '{}', 0);"
      "DROP INDEX rollouts; DROP INDEX of_rollout; DROP INDEX promotions; ALTER TABLE entries DROP "
      "COLUMN rollout;"
      "ALTER TABLE entries DROP COLUMN promoted; PRAGMA user_version = 1");
  append({started_entry(1, kNow)});
  EXPECT_THAT(rollouts(), ElementsAre(intent_id(1)));
  EXPECT_EQ(recovered().open_orders.size(), 1U);
  std::size_t entries = 0;
  ASSERT_TRUE(open()->read(100, [&](const JournalEntry&) { ++entries; }).ok());
  EXPECT_EQ(entries, 3U) << "nothing is lost";
}

TEST_F(JournalRecoveryTest, AHundredThousandRecordsAreRecoveredWithWorkInProportion) {
  constexpr int kRollouts = 12'500;
  constexpr std::uint64_t kRecords = 8 * kRollouts;
  std::vector<JournalEntry> entries;
  for (int number = 0; number < kRollouts; ++number) {
    const std::string service = "s" + std::to_string(number % 13);
    const Instant at = kNow - 96h + number * 27s;
    rules::Order order = rollback_order(number, at + 2s, service);
    order.rollout = intent_id(number);
    const bool is_open = number % 5000 == 17;
    entries.push_back(started_entry(number, at, service));
    entries.push_back(moved_entry(number, RolloutState::baking, at + 1s, service));
    entries.push_back(test::fired_entry(number, at + 2s));
    entries.push_back(intent_entry(order));
    entries.push_back(moved_entry(number, RolloutState::rolling_back, at + 2s, service));
    entries.push_back(
        outcome_entry(order.intent, is_open ? Phase::unknown : Phase::applied, at + 3s, service));
    entries.push_back(moved_entry(number, RolloutState::verifying, at + 4s, service));
    entries.push_back(moved_entry(
        number, is_open ? RolloutState::verifying : RolloutState::promoted, at + 5s, service));
  }
  append(entries);
  // Processor time: what it takes is its own, whatever else the machine does.
  const std::clock_t began = std::clock();
  const auto journal = open();
  const std::clock_t opened = std::clock();
  const auto result = journal->recover(kNow);
  const std::clock_t ended = std::clock();
  ASSERT_TRUE(result.ok()) << result.error().message;
  const Journal::Recovered& known = *result;
  const auto ms = [](std::clock_t ticks) {
    return static_cast<int>(ticks * 1000 / CLOCKS_PER_SEC);
  };
  std::printf("100,000 records: opened and checked in %d ms, recovered in %d ms, %.1f steps each\n",
              ms(opened - began), ms(ended - opened),
              static_cast<double>(known.work) / static_cast<double>(kRecords));
  EXPECT_EQ(known.open_orders.size(), 3U);
  EXPECT_GT(known.remembered.rollouts.size(), 2000U) << "those of a day";
  EXPECT_EQ(known.remembered.last_good.size(), 13U);
  // Measured: below thirty. Without one of the indexes it is thousands.
  EXPECT_LT(known.work, 100 * kRecords);
}

}  // namespace
}  // namespace belay::monitor
