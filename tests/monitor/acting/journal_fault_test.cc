#include <cstdio>
#include <set>

#include <gtest/gtest.h>

#include "monitor/journal.h"
#include "tests/monitor/acting/faulty_disk.h"
#include "tests/monitor/acting/records.h"
#include "tests/support/temporary_directory.h"

namespace belay::monitor {
namespace {

using rules::JournalEntry;
using test::fired_entry;
using test::intent_entry;
using test::rollback_order;
namespace fs = std::filesystem;

constexpr Instant kNow = from_unix_ms(1'795'000'000'000);

/// Names of what is in the journal.
std::multiset<std::string> rules_in(const fs::path& state) {
  std::multiset<std::string> names;
  auto journal = Journal::open(state);
  EXPECT_TRUE(journal.ok()) << journal.error().message;
  if (!journal.ok()) return names;
  const Status read = (*journal)->read(
      100'000, [&](const JournalEntry& entry) { names.insert(entry.rule + entry.intent); });
  EXPECT_TRUE(read.ok()) << read.error().message;
  return names;
}

struct Written {
  std::multiset<std::string> acknowledged;
  std::set<std::string> refused;
};

// Ten batches of two; stops acting on the first refusal only in that it notes it.
Written write_some(const fs::path& state) {
  Written written;
  auto journal = Journal::open(state);
  if (!journal.ok()) return written;
  for (int number = 0; number < 20; number += 2) {
    const std::vector<JournalEntry> batch = {fired_entry(number, kNow),
                                             fired_entry(number + 1, kNow)};
    const bool durable = (*journal)->append(batch).ok();
    for (const JournalEntry& entry : batch) {
      if (durable) written.acknowledged.insert(entry.rule);
      if (!durable) written.refused.insert(entry.rule);
    }
  }
  return written;
}

TEST(JournalFaultTest, NoFailedWriteOrSyncLosesOrTearsWhatWasAcknowledged) {
  int runs = 0;
  for (const bool for_good : {false, true}) {
    for (int call = 1;; ++call) {
      const test::TemporaryDirectory place;
      const fs::path state = place.path() / "state";
      Written written;
      bool reached = false;
      {
        test::FaultyDisk disk;
        disk.fail_call(call, for_good);
        written = write_some(state);
        reached = disk.calls() >= call;
      }
      const auto found = rules_in(state);
      for (const std::string& name : written.acknowledged) {
        ASSERT_EQ(found.count(name), 1U) << name << " lost by failing call " << call;
      }
      for (int number = 0; number < 20; number += 2) {
        const std::size_t first = found.count("rule-" + std::to_string(number));
        const std::size_t second = found.count("rule-" + std::to_string(number + 1));
        ASSERT_EQ(first, second) << "half a batch by failing call " << call;
      }
      ++runs;
      if (!reached) break;
    }
  }
  EXPECT_GT(runs, 40);
  std::printf("%d runs, each with another failed write or sync\n", runs);
}

TEST(JournalFaultTest, AfterAFaultOfTheDiskNothingMoreIsAcknowledged) {
  const test::TemporaryDirectory place;
  const fs::path state = place.path() / "state";
  test::FaultyDisk disk;
  auto journal = Journal::open(state);
  ASSERT_TRUE(journal.ok()) << journal.error().message;
  ASSERT_TRUE((*journal)->append({fired_entry(0, kNow)}).ok());
  disk.fail_call(disk.calls() + 1, false);
  EXPECT_FALSE((*journal)->append({fired_entry(1, kNow)}).ok());
  EXPECT_FALSE((*journal)->append({fired_entry(2, kNow)}).ok()) << "the disk works again";
  EXPECT_TRUE((*journal)->trouble());
  journal->reset();
  EXPECT_EQ(rules_in(state).count("rule-2"), 0U);
}

TEST(JournalFaultTest, AFullDiskGivesUpItsReserveSoThatAnOutcomeIsStillWritten) {
  const test::TemporaryDirectory place;
  const fs::path state = place.path() / "state";
  test::FaultyDisk disk;
  auto journal = Journal::open(state);
  ASSERT_TRUE(journal.ok()) << journal.error().message;
  EXPECT_GE(fs::file_size(state / "reserve"), 8U * 1024 * 1024);
  disk.fill(state / "reserve");
  for (int number = 0; number < 500; ++number) {
    ASSERT_TRUE((*journal)->append({fired_entry(number, kNow)}).ok());
  }
  EXPECT_FALSE(fs::exists(state / "reserve"));
  EXPECT_TRUE((*journal)->trouble());
  // Until what the reserve left is used up, too.
  int last = 500;
  const auto no_room = [&] { return (*journal)->append({fired_entry(last, kNow)}); };
  disk.fill(place.path());
  Status status = no_room();
  for (; status.ok() && last < 5000; ++last) status = no_room();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, Error::Kind::unavailable) << status.error().message;
  disk.empty();
  EXPECT_TRUE(no_room().ok()) << "nothing was written of it, and it may be tried again";
  journal->reset();
  EXPECT_GE(rules_in(state).size(), 500U);
}

/// As a process that was killed leaves it: much of it in the log only.
void copy_state(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  fs::create_directory(to);
  fs::permissions(to, fs::perms::owner_all);
  for (const char* name : {"journal.db", "journal.db-wal", "reserve"}) {
    fs::copy_file(from / name, to / name);
  }
}

TEST(JournalFaultTest, AFullDiskGivesUpItsReserveSoThatTheJournalOpens) {
  const test::TemporaryDirectory place;
  const fs::path first = place.path() / "first";
  const fs::path state = place.path() / "state";
  {
    auto journal = Journal::open(first);
    ASSERT_TRUE(journal.ok()) << journal.error().message;
    for (int number = 0; number < 30; ++number) {
      ASSERT_TRUE((*journal)->append({fired_entry(number, kNow)}).ok());
    }
    copy_state(first, state);
  }
  test::FaultyDisk disk;
  disk.fill(state / "reserve");
  auto journal = Journal::open(state);
  ASSERT_TRUE(journal.ok()) << journal.error().message;
  EXPECT_FALSE(fs::exists(state / "reserve"));
  EXPECT_TRUE((*journal)->trouble());
  const auto refused = (*journal)->append({intent_entry(rollback_order(1, kNow))});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, Error::Kind::unavailable) << "it may be tried again";
  const rules::Order over = rollback_order(2, kNow);
  const auto rejected =
      test::outcome_entry(over.intent, rules::ActionOutcome::Phase::rejected, kNow);
  EXPECT_TRUE((*journal)->append({intent_entry(over), rejected}).ok()) << "it needs no more room";
  EXPECT_TRUE((*journal)->append({fired_entry(30, kNow)}).ok());
  disk.empty();
  EXPECT_FALSE((*journal)->trouble()) << "there is room again";
  EXPECT_TRUE((*journal)->append({intent_entry(rollback_order(1, kNow))}).ok());
  journal->reset();
  EXPECT_EQ(rules_in(state).size(), 34U);
}

TEST(JournalFaultTest, AFullDiskWithoutAReserveOpensNoJournalAndLosesNothing) {
  const test::TemporaryDirectory place;
  const fs::path state = place.path() / "state";
  const fs::path copy = place.path() / "copy";
  auto journal = Journal::open(state);
  ASSERT_TRUE(journal.ok()) << journal.error().message;
  for (int number = 0; number < 30; ++number) {
    ASSERT_TRUE((*journal)->append({fired_entry(number, kNow)}).ok());
  }
  copy_state(state, copy);
  fs::remove(copy / "reserve");
  test::FaultyDisk disk;
  disk.fill(copy);
  const auto opened = Journal::open(copy);
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find("full"), std::string::npos) << opened.error().message;
  disk.empty();
  EXPECT_EQ(rules_in(copy).size(), 30U);
}

TEST(JournalFaultTest, NoActionBeginsWithoutAReserveForItsOutcome) {
  const test::TemporaryDirectory place;
  const fs::path state = place.path() / "state";
  ASSERT_TRUE(Journal::open(state).ok());
  fs::remove(state / "reserve");
  fs::create_directory(state / "reserve");  // Now none can be had.
  auto journal = Journal::open(state);
  ASSERT_TRUE(journal.ok()) << journal.error().message;
  EXPECT_TRUE((*journal)->trouble());
  EXPECT_FALSE((*journal)->append({intent_entry(rollback_order(1, kNow))}).ok());
  EXPECT_TRUE((*journal)->append({fired_entry(1, kNow)}).ok());
  fs::remove(state / "reserve");
  EXPECT_TRUE((*journal)->append({intent_entry(rollback_order(1, kNow))}).ok());
  EXPECT_FALSE((*journal)->trouble());
}

TEST(JournalFaultTest, ATornTailCostsOnlyWhatWasNeverAcknowledged) {
  const test::TemporaryDirectory place;
  const fs::path state = place.path() / "state";
  const fs::path copy = place.path() / "copy";
  auto journal = Journal::open(state);
  ASSERT_TRUE(journal.ok());
  for (int number = 0; number < 40; ++number) {
    ASSERT_TRUE((*journal)->append({fired_entry(number, kNow)}).ok());
  }
  const auto wal_bytes = fs::file_size(state / "journal.db-wal");
  ASSERT_GT(wal_bytes, 40'000U);
  std::size_t before = 0;
  // As a power failure would leave it: the log as written by then, cut anywhere.
  for (std::uintmax_t bytes = 0; bytes < wal_bytes; bytes += 1237) {
    copy_state(state, copy);
    fs::resize_file(copy / "journal.db-wal", bytes);
    const auto found = rules_in(copy);
    ASSERT_GE(found.size(), before) << "cut at " << bytes;
    for (std::size_t number = 0; number < found.size(); ++number) {
      ASSERT_EQ(found.count("rule-" + std::to_string(number)), 1U) << "cut at " << bytes;
    }
    before = found.size();
  }
  EXPECT_GE(before, 38U);
}

}  // namespace
}  // namespace belay::monitor
