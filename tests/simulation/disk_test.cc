// Goal: an intent that is acted upon is durable, also one that an earlier life could not sync.
// Method: the real journal on the simulated disk.

#include "tests/simulation/disk.h"

#include <gtest/gtest.h>

#include "monitor/journal.h"
#include "tests/simulation/boot_clock.h"
#include "tests/support/temporary_directory.h"

namespace belay::simulation {
namespace {

const char* const kIntent = "00000001-0000-4000-8000-000000000000";

rules::JournalEntry intent() {
  return {.kind = rules::JournalEntry::Kind::intent,
          .at = WorldTime::kStart,
          .service = "shop",
          .rule = "errors",
          .intent = kIntent,
          .text = R"({"kind":"rollback","target":"v1","expected":"v2"})"};
}

std::size_t open_orders(const std::filesystem::path& state) {
  auto journal = monitor::Journal::open(state);
  if (!journal.ok()) return 99;
  const auto recovered = (*journal)->recover(WorldTime::kStart);
  return recovered.ok() ? recovered->open_orders.size() : 98;
}

TEST(DiskTest, WhatWasSaidToBeDurableSurvivesAPowerFailure) {
  const test::TemporaryDirectory place;
  Disk disk;
  disk.begin(Seeded(1), nullptr);
  auto journal = monitor::Journal::open(place.path());
  ASSERT_TRUE(journal.ok()) << journal.error().message;
  EXPECT_FALSE(disk.has_durably(kIntent));
  ASSERT_TRUE((*journal)->append({intent()}).ok());
  EXPECT_TRUE(disk.has_durably(kIntent));
  disk.kill();
  journal->reset();
  disk.revive(/*is_power_lost=*/true);
  EXPECT_EQ(open_orders(place.path()), 1U);
}

TEST(DiskTest, AnIntentThatCouldNotBeSyncedIsDurableBeforeTheNextLifeSeesIt) {
  const test::TemporaryDirectory place;
  Disk disk;
  bool is_failing = false;
  disk.begin(Seeded(1), [&](bool is_sync) {
    return is_sync && is_failing ? Disk::Fate::fails : Disk::Fate::works;
  });
  auto journal = monitor::Journal::open(place.path());
  ASSERT_TRUE(journal.ok()) << journal.error().message;
  is_failing = true;
  EXPECT_FALSE((*journal)->append({intent()}).ok());
  is_failing = false;
  journal->reset();
  EXPECT_FALSE(disk.has_durably(kIntent)) << "else this test shows nothing";
  const bool was_seen = open_orders(place.path()) == 1;
  EXPECT_EQ(was_seen, disk.has_durably(kIntent));
  disk.revive(/*is_power_lost=*/true);
  EXPECT_EQ(open_orders(place.path()), disk.has_durably(kIntent) ? 1U : 0U);
}

TEST(DiskTest, WhatIsSetAsideIsNotFoundByTheNextLife) {
  const test::TemporaryDirectory place;
  Disk disk;
  disk.begin(Seeded(1), nullptr);
  auto journal = monitor::Journal::open(place.path());
  ASSERT_TRUE(journal.ok()) << journal.error().message;
  ASSERT_TRUE((*journal)->append({intent()}).ok());
  journal->reset();
  EXPECT_EQ(open_orders(place.path()), 1U);
  std::filesystem::rename(place.path() / "journal.db", place.path() / "journal.db.damaged-1");
  EXPECT_EQ(open_orders(place.path()), 0U);
}

}  // namespace
}  // namespace belay::simulation
