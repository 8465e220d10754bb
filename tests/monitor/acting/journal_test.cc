#include "monitor/journal.h"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/monitor/acting/journal_fixture.h"
#include "tests/monitor/acting/records.h"
#include "tests/support/temporary_directory.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using rules::JournalEntry;
using test::fired_entry;
using test::intent_entry;
using test::intent_id;
using test::outcome_entry;
using test::rollback_order;
using Phase = rules::ActionOutcome::Phase;
namespace fs = std::filesystem;

class JournalTest : public test::JournalFixture {
 protected:
  std::vector<JournalEntry> all(std::size_t entries_max = 1'000'000) {
    std::vector<JournalEntry> entries;
    const Status status =
        open()->read(entries_max, [&](const JournalEntry& entry) { entries.push_back(entry); });
    EXPECT_TRUE(status.ok());
    return entries;
  }
};

TEST_F(JournalTest, GivesBackWhatWasAppendedOldestFirst) {
  std::vector<JournalEntry> written;
  for (int number = 0; number < 5; ++number) written.push_back(fired_entry(number, kNow + 1ns));
  written.back().text = std::string("\xff\x00 not text", 11);
  append({written[0], written[1]});
  append({written[2], written[3], written[4]});
  const auto read = all();
  ASSERT_EQ(read.size(), 5U);
  for (std::size_t index = 0; index < 5; ++index) {
    EXPECT_EQ(read[index].rule, written[index].rule);
    EXPECT_EQ(read[index].text, written[index].text);
    EXPECT_EQ(read[index].at, written[index].at);
    EXPECT_EQ(read[index].kind, written[index].kind);
  }
  EXPECT_EQ(all(2).front().rule, "rule-3");
}

TEST_F(JournalTest, AcknowledgesNothingOnceItsFilesWereTakenAway) {
  const std::function<void()> takes_away[] = {
      [&] { fs::remove_all(state_); },
      [&] { fs::rename(state_, place_.path() / "moved"); },
      [&] {
        fs::rename(state_, place_.path() / "elsewhere");
        fs::create_directory_symlink(place_.path() / "elsewhere", state_);
      },
      [&] { fs::remove(state_ / "journal.db"); },
      [&] { fs::remove(state_ / "journal.db-wal"); },
      [&] { fs::remove(state_ / "lock"); },
      [&] {
        fs::copy(state_ / "journal.db", state_ / "copy");
        fs::rename(state_ / "copy", state_ / "journal.db");
      },
  };
  for (const auto& take_away : takes_away) {
    fs::remove_all(state_);
    const auto journal = open();
    ASSERT_TRUE(journal->append({fired_entry(1, kNow)}).ok());
    EXPECT_TRUE(journal->usable().ok());
    take_away();
    EXPECT_FALSE(journal->usable().ok()) << "known before anything must be written";
    const Status status = journal->append({intent_entry(rollback_order(1, kNow))});
    ASSERT_FALSE(status.ok()) << "a restart would not know of it, and another could start";
    EXPECT_THAT(status.error().message, testing::HasSubstr("removed, moved or replaced"));
    EXPECT_TRUE(journal->trouble());
    EXPECT_FALSE(journal->append({fired_entry(2, kNow)}).ok());
  }
}

TEST_F(JournalTest, ABatchWithOneRefusedEntryIsWrittenNotAtAll) {
  const auto journal = open();
  const JournalEntry intent = intent_entry(rollback_order(1, kNow));
  ASSERT_TRUE(journal->append({intent}).ok());
  EXPECT_FALSE(journal->append({fired_entry(1, kNow), intent}).ok()) << "an intent twice";
  std::size_t entries = 0;
  ASSERT_TRUE(journal->read(100, [&](const JournalEntry&) { ++entries; }).ok());
  EXPECT_EQ(entries, 1U);
  EXPECT_TRUE(journal->append({fired_entry(2, kNow)}).ok()) << "and the journal goes on";
  EXPECT_FALSE(journal->trouble());
}

TEST_F(JournalTest, AnIntentIsOpenUntilItsFinalOutcome) {
  append({intent_entry(rollback_order(1, kNow - 1min)),
          intent_entry(rollback_order(2, kNow - 2min)),
          intent_entry(rollback_order(3, kNow - 3min))});
  append({outcome_entry(intent_id(1), Phase::applied, kNow),
          outcome_entry(intent_id(2), Phase::unknown, kNow)});
  const auto known = recovered();
  ASSERT_EQ(known.remembered.actions.size(), 3U);
  EXPECT_FALSE(known.remembered.actions[0].is_open);
  EXPECT_TRUE(known.remembered.actions[1].is_open);
  EXPECT_TRUE(known.remembered.actions[2].is_open);
  EXPECT_EQ(known.remembered.actions[0].target, test::kGoodVersion);
  EXPECT_EQ(known.remembered.actions[0].phase, Phase::applied);
  EXPECT_FALSE(known.remembered.actions[0].expected.empty()) << "which version it left";
  EXPECT_FALSE(known.remembered.actions[1].phase.has_value());
  ASSERT_TRUE(known.remembered.actions[1].order.has_value()) << "to be verified";
  EXPECT_EQ(known.remembered.actions[1].order->rule, known.open_orders[0].rule);
  ASSERT_EQ(known.open_orders.size(), 2U);
  EXPECT_EQ(known.open_orders[0].intent, intent_id(2));
  EXPECT_EQ(known.open_orders[1].intent, intent_id(3));
}

TEST_F(JournalTest, EveryFinalPhaseClosesAnIntentAndNothingElseDoes) {
  int number = 0;
  for (const Phase phase : {Phase::applied, Phase::already, Phase::superseded, Phase::conflict,
                            Phase::rejected, Phase::abandoned, Phase::unknown}) {
    append({intent_entry(rollback_order(++number, kNow)),
            outcome_entry(intent_id(number), phase, kNow)});
  }
  JournalEntry unreadable = outcome_entry(intent_id(8), Phase::applied, kNow);
  unreadable.text = "{\"phase\": 7";
  append({intent_entry(rollback_order(8, kNow)), unreadable});
  const auto known = recovered();
  ASSERT_EQ(known.open_orders.size(), 2U);
  EXPECT_EQ(known.open_orders[0].intent, intent_id(7));
  EXPECT_EQ(known.open_orders[1].intent, intent_id(8));
}

TEST_F(JournalTest, AnOpenOrderIsRebuiltWhole) {
  const rules::Order order = rollback_order(7, kNow - 10s);
  append({intent_entry(order)});
  const auto known = recovered();
  ASSERT_EQ(known.open_orders.size(), 1U);
  const rules::Order& rebuilt = known.open_orders[0];
  EXPECT_EQ(rebuilt.intent, order.intent);
  EXPECT_EQ(rebuilt.at, order.at);
  EXPECT_EQ(rebuilt.service, order.service);
  EXPECT_EQ(rebuilt.rule, order.rule);
  EXPECT_EQ(rebuilt.reason, order.reason);
  EXPECT_EQ(rebuilt.candidate, order.candidate);
  EXPECT_EQ(rebuilt.baseline, order.baseline);
  const auto& rollback = std::get<rules::RollBack>(rebuilt.action);
  EXPECT_EQ(rollback.target, test::kGoodVersion);
  EXPECT_EQ(rollback.expected, test::kBadVersion);
  ASSERT_EQ(rebuilt.evidence.size(), 1U);
  EXPECT_EQ(rebuilt.evidence[0].what, "5xx rate");
  EXPECT_DOUBLE_EQ(rebuilt.evidence[0].value, 0.124);
  EXPECT_TRUE(rebuilt.evidence[0].has_value);
  EXPECT_EQ(rebuilt.evidence[0].numerator, 31U);
  EXPECT_EQ(rebuilt.evidence[0].window, 1min);
}

TEST_F(JournalTest, FlagsAndCommandsAreRebuiltToo) {
  rules::Order flag = rollback_order(1, kNow);
  flag.action = rules::ResetFlag{"checkout-v2"};
  rules::Order run = rollback_order(2, kNow);
  run.action = rules::RunCommand{"restart"};
  append({intent_entry(flag), intent_entry(run)});
  const auto known = recovered();
  ASSERT_EQ(known.open_orders.size(), 2U);
  EXPECT_EQ(std::get<rules::ResetFlag>(known.open_orders[0].action).flag, "checkout-v2");
  EXPECT_EQ(std::get<rules::RunCommand>(known.open_orders[1].action).command, "restart");
}

TEST_F(JournalTest, ActionsOlderThanADayAreForgottenUnlessTheyAreOpen) {
  append({intent_entry(rollback_order(1, kNow - 25h)),
          outcome_entry(intent_id(1), Phase::applied, kNow - 25h),
          intent_entry(rollback_order(2, kNow - 25h)), intent_entry(rollback_order(3, kNow - 23h)),
          outcome_entry(intent_id(3), Phase::applied, kNow - 23h)});
  const auto known = recovered();
  ASSERT_EQ(known.remembered.actions.size(), 2U);
  EXPECT_EQ(known.remembered.actions[0].intent, intent_id(2));
  EXPECT_EQ(known.remembered.actions[1].intent, intent_id(3));
}

TEST_F(JournalTest, AnIntentThatCannotBeReadStopsTheRecovery) {
  for (const char* text : {"", "{}", "[1]", "{\"kind\": \"rollback\"}", "{\"kind\": \"rollback"}) {
    const test::TemporaryDirectory place;
    state_ = place.path() / "state";
    JournalEntry entry = intent_entry(rollback_order(1, kNow));
    entry.text = text;
    append({entry});
    const auto known = open()->recover(kNow);
    ASSERT_FALSE(known.ok()) << text;
    EXPECT_NE(known.error().message.find(intent_id(1)), std::string::npos);
  }
}

TEST_F(JournalTest, DisarmingHoldsUntilItsTimeOrUntilItIsTakenBack) {
  const auto disarmed = [](const char* service, Instant until) {
    return JournalEntry{
        .kind = JournalEntry::Kind::disarmed,
        .at = kNow - 1h,
        .service = service,
        .rule = "",
        .intent = "",
        .text = "{\"until_ms\": " + std::to_string(unix_ms(until)) + ", \"by\": \"ops\"}"};
  };
  append({disarmed("", kNow + 1h), disarmed("shop", kNow + 1h), disarmed("cart", kNow - 1ms),
          disarmed("shop", kNow - 30min)});
  const auto known = recovered();
  ASSERT_EQ(known.remembered.disarmed.size(), 1U);
  EXPECT_EQ(known.remembered.disarmed[0].service, "");
  EXPECT_EQ(known.remembered.disarmed[0].until, kNow + 1h);
  EXPECT_EQ(known.remembered.disarmed[0].by, "ops");
}

TEST_F(JournalTest, ADamagedJournalIsSetAsideAndTheNextOneIsNew) {
  append({intent_entry(rollback_order(1, kNow))});
  {
    std::ofstream file(state_ / "journal.db", std::ios::binary | std::ios::in);
    file.seekp(0);
    file << std::string(4096, 'x');
  }
  std::ofstream(state_ / "journal.db-journal") << std::string(512, '\0');
  fs::permissions(state_ / "journal.db-journal", fs::perms::owner_read | fs::perms::owner_write);
  const auto damaged = Journal::open(state_);
  ASSERT_FALSE(damaged.ok());
  EXPECT_NE(damaged.error().message.find("journal.db.damaged-1"), std::string::npos)
      << damaged.error().message;
  EXPECT_TRUE(fs::exists(state_ / "journal.db.damaged-1"));
  EXPECT_TRUE(fs::exists(state_ / "journal.db.damaged-1-journal")) << "it may mend the other";
  EXPECT_FALSE(fs::exists(state_ / "journal.db"));
  EXPECT_TRUE(recovered().open_orders.empty());
}

TEST_F(JournalTest, DamageInsideAPageIsFoundAtTheStart) {
  std::vector<JournalEntry> entries;
  for (int number = 0; number < 200; ++number) entries.push_back(fired_entry(number, kNow));
  append(entries);
  {
    std::ofstream file(state_ / "journal.db", std::ios::binary | std::ios::in);
    file.seekp(2 * 4096);  // The header of a page in the middle.
    file << std::string(64, '\x7f');
  }
  const auto damaged = Journal::open(state_);
  ASSERT_FALSE(damaged.ok());
  EXPECT_NE(damaged.error().message.find("set aside"), std::string::npos)
      << damaged.error().message;
}

TEST_F(JournalTest, AFileOfAnotherProgramOrAnotherVersionIsLeftAlone) {
  append({fired_entry(1, kNow)});
  alter("PRAGMA user_version = 4");
  auto opened = Journal::open(state_);
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find("another version"), std::string::npos);
  alter("PRAGMA application_id = 5");
  opened = Journal::open(state_);
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find("another program"), std::string::npos);
  EXPECT_TRUE(fs::exists(state_ / "journal.db"));
}

}  // namespace
}  // namespace belay::monitor
