// Goal: what the journal keeps can be read back by rollout and newest first, at a bounded cost,
// also from a state that an earlier version wrote. Method: a real journal, opened anew as at each
// start.

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/journal_lookup.h"
#include "tests/monitor/acting/journal_fixture.h"
#include "tests/monitor/acting/records.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using rules::JournalEntry;
using rules::RolloutState;
using test::intent_id;
using testing::ElementsAre;
using Kind = JournalEntry::Kind;
using Phase = rules::ActionOutcome::Phase;

class JournalPastTest : public test::JournalFixture {
 protected:
  static JournalEntry notice(const std::string& rollout, const std::string& text = "{}") {
    return {.kind = Kind::notice, .at = kNow, .service = "shop", .text = text, .rollout = rollout};
  }
  static JournalEntry intent(int number, const std::string& rollout) {
    rules::Order order = test::rollback_order(number, kNow);
    order.rollout = rollout;
    return test::intent_entry(order);
  }
  Journal::OfRollout of(const std::string& rollout, std::size_t entries_max = 1000) {
    auto found = open()->of_rollout(rollout, entries_max);
    EXPECT_TRUE(found.ok()) << found.error().message;
    return found.ok() ? *found : Journal::OfRollout{};
  }
  Journal::Past back(std::uint64_t before, std::size_t entries_max) {
    auto past = open()->look_back(
        {.before = before, .entries_max = entries_max, .wants = [](const auto& entry) {
           return entry.kind != Kind::fired;
         }});
    EXPECT_TRUE(past.ok()) << past.error().message;
    return past.ok() ? *past : Journal::Past{};
  }
  static std::vector<Kind> kinds(const std::vector<JournalEntry>& entries) {
    std::vector<Kind> found;
    for (const JournalEntry& entry : entries) found.push_back(entry.kind);
    return found;
  }
};

TEST_F(JournalPastTest, ARolloutIsReadWholeWithWhatItsActionsCameTo) {
  const std::string one = intent_id(1);
  append({test::started_entry(1, kNow),
          notice(one),
          notice("another"),
          test::fired_entry(1, kNow),
          intent(7, one),
          test::outcome_entry(intent_id(7), Phase::applied, kNow + 1s),
          {.kind = Kind::verified,
           .at = kNow + 2s,
           .service = "shop",
           .intent = intent_id(7),
           .text = "{}"},
          test::outcome_entry(intent_id(8), Phase::applied, kNow + 1s),
          test::moved_entry(1, RolloutState::recovered, kNow + 3s)});
  const Journal::OfRollout found = of(one);
  EXPECT_THAT(kinds(found.entries),
              ElementsAre(Kind::rollout_started, Kind::notice, Kind::intent, Kind::outcome,
                          Kind::verified, Kind::rollout_ended));
  EXPECT_FALSE(found.is_cut);
  for (const JournalEntry& entry : found.entries) EXPECT_EQ(entry.rollout, one);
  EXPECT_TRUE(of("nobody").entries.empty());
  EXPECT_TRUE(of("").entries.empty()) << "what is outside of rollouts is of none";
}

TEST_F(JournalPastTest, OfAnEndlessRolloutTheBeginningAndTheEndAreRead) {
  std::vector<JournalEntry> entries;
  for (int i = 0; i < 100; ++i) entries.push_back(notice("one", std::to_string(i)));
  append(entries);
  for (const std::size_t entries_max : {std::size_t{100}, std::size_t{1000}}) {
    EXPECT_EQ(of("one", entries_max).entries.size(), 100U);
    EXPECT_FALSE(of("one", entries_max).is_cut);
  }
  const Journal::OfRollout cut = of("one", 20);
  EXPECT_TRUE(cut.is_cut);
  ASSERT_EQ(cut.entries.size(), 20U);
  EXPECT_EQ(cut.entries.front().text, "0");
  EXPECT_EQ(cut.entries[4].text, "4");
  EXPECT_EQ(cut.entries[5].text, "85");
  EXPECT_EQ(cut.entries.back().text, "99");
  EXPECT_EQ(of("one", 99).entries.size(), 99U);
  EXPECT_TRUE(of("one", 99).is_cut);
}

TEST_F(JournalPastTest, LookingBackGoesPageByPageAndLooksAtNoMoreThanItMay) {
  std::vector<JournalEntry> entries;
  for (int i = 0; i < 10; ++i) {
    entries.push_back(notice("", std::to_string(i)));
    entries.push_back(test::fired_entry(i, kNow));
  }
  append(entries);
  std::vector<std::string> texts;
  std::uint64_t before = 0;
  int pages = 0;
  do {
    const Journal::Past past = back(before, 6);
    EXPECT_LE(past.entries.size(), 3U) << "half of what is looked at is not wanted";
    for (const auto& kept : past.entries) texts.push_back(kept.entry.text);
    before = past.next;
    ++pages;
  } while (before != 0 && pages < 100);
  EXPECT_THAT(texts, ElementsAre("9", "8", "7", "6", "5", "4", "3", "2", "1", "0"));
  EXPECT_LE(pages, 5);
}

TEST_F(JournalPastTest, AnEmptyJournalHasNoPast) {
  const Journal::Past past = back(0, 10);
  EXPECT_TRUE(past.entries.empty());
  EXPECT_EQ(past.next, 0U);
}

TEST_F(JournalPastTest, AStateOfTheVersionBeforeOpensAndItsOutcomesFindTheirRollout) {
  const std::string one = intent_id(1);
  append({test::started_entry(1, kNow), intent(7, one),
          test::outcome_entry(intent_id(7), Phase::applied, kNow + 1s),
          test::moved_entry(1, RolloutState::recovered, kNow + 3s)});
  alter(
      "UPDATE entries SET rollout = '' WHERE kind = 'outcome';"
      "DROP INDEX of_rollout; PRAGMA user_version = 2");
  EXPECT_THAT(kinds(of(one).entries),
              ElementsAre(Kind::rollout_started, Kind::intent, Kind::outcome, Kind::rollout_ended));
  const auto known = recovered();
  EXPECT_TRUE(known.open_orders.empty());
  EXPECT_EQ(known.remembered.rollouts.size(), 1U);
}

TEST_F(JournalPastTest, WhatEndedIsCountedFromTheWholeJournal) {
  std::vector<JournalEntry> entries;
  for (int number = 1; number <= 3; ++number) {
    const Instant at = kNow - 24h * 40 * number;
    entries.push_back(test::started_entry(number, at));
    entries.push_back(test::moved_entry(number, RolloutState::rolling_back, at + 1s));
    JournalEntry ended = test::moved_entry(number, RolloutState::recovered, at + 61s);
    ended.text.insert(1, "\"failing_since_ms\": " + std::to_string(unix_ms(at + 1s)) + ", ");
    entries.push_back(ended);
  }
  entries.push_back(test::started_entry(4, kNow, "cart"));
  entries.push_back(test::moved_entry(4, RolloutState::baking, kNow, "cart"));
  append(entries);
  const auto deployments = recovered().remembered.deployments;
  ASSERT_EQ(deployments.size(), 1U) << "one that goes on is not counted";
  const rules::DeploymentTotals& shop = deployments.at("shop");
  EXPECT_EQ((shop.ended.at({RolloutState::recovered, rules::Outcome::fail})), 3U);
  EXPECT_EQ(shop.recovery.buckets[1], 3U) << "a minute each";
  EXPECT_DOUBLE_EQ(shop.recovery.sum_seconds, 180);
}

TEST_F(JournalPastTest, WhatWasTakenBackAfterItsEndIsOneDeployment) {
  append({test::started_entry(1, kNow), test::moved_entry(1, RolloutState::promoted, kNow + 1s),
          test::moved_entry(1, RolloutState::rolling_back, kNow + 2s),
          test::moved_entry(1, RolloutState::recovered, kNow + 60s),
          test::started_entry(2, kNow + 90s),
          test::moved_entry(2, RolloutState::promoted, kNow + 99s)});
  const rules::DeploymentTotals shop = recovered().remembered.deployments.at("shop");
  ASSERT_EQ(shop.ended.size(), 1U) << "as it was counted when it was promoted";
  EXPECT_EQ(shop.ended.begin()->first.first, RolloutState::promoted);
  EXPECT_EQ(shop.ended.begin()->second, 2U);
}

TEST_F(JournalPastTest, AQuestionIsAnsweredOnceAndTheNextWaitsForIt) {
  append({notice("one"), notice("two")});
  const auto journal = open();
  JournalLookup lookup;
  int woken = 0;
  lookup.when_answered([&woken] { ++woken; });
  int asked = 0;
  lookup.when_asked([&asked] { ++asked; });
  lookup.serve(journal.get());
  EXPECT_EQ(woken, 0) << "nothing was asked";
  auto ticket = lookup.ask(JournalLookup::OfRollout{"one"});
  ASSERT_TRUE(ticket);
  EXPECT_FALSE(lookup.ask(JournalLookup::OfRollout{"two"}));
  EXPECT_EQ(asked, 1) << "only what stands is worth waking the engine for";
  EXPECT_FALSE(lookup.answer(ticket));
  lookup.serve(journal.get());
  lookup.serve(journal.get());
  EXPECT_EQ(woken, 1);
  EXPECT_FALSE(lookup.ask(JournalLookup::OfRollout{"two"})) << "its answer was not taken yet";
  const auto answer = lookup.answer(ticket);
  ASSERT_TRUE(answer && answer->found.ok());
  EXPECT_EQ(std::get<Journal::OfRollout>(*answer->found).entries.size(), 1U);
  ticket.reset();
  // Whoever asks and goes away leaves a question that is answered all the same.
  EXPECT_TRUE(lookup.ask(JournalLookup::OfRollout{"two"}));
  EXPECT_FALSE(lookup.ask(JournalLookup::OfRollout{"one"}));
  lookup.serve(journal.get());
  EXPECT_TRUE(lookup.ask(JournalLookup::OfRollout{"one"}));
}

TEST_F(JournalPastTest, WithoutAJournalTheAnswerIsAnError) {
  JournalLookup lookup;
  const auto ticket = lookup.ask(JournalLookup::OfRollout{"one"});
  lookup.serve(nullptr);
  const auto answer = lookup.answer(ticket);
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->found.ok());
}

}  // namespace
}  // namespace belay::monitor
