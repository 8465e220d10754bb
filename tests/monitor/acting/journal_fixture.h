#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "monitor/journal.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {

/// A journal in a state of its own. Each call opens it anew, as a daemon that starts does.
class JournalFixture : public testing::Test {
 protected:
  static constexpr Instant kNow = from_unix_ms(1'795'000'000'000);

  std::unique_ptr<monitor::Journal> open() {
    auto opened = monitor::Journal::open(state_);
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    return opened.ok() ? std::move(opened).value() : nullptr;
  }
  void append(const std::vector<rules::JournalEntry>& entries) {
    const Status status = open()->append(entries);
    ASSERT_TRUE(status.ok()) << status.error().message;
  }
  monitor::Journal::Recovered recovered() {
    auto result = open()->recover(kNow);
    EXPECT_TRUE(result.ok()) << result.error().message;
    return result.ok() ? std::move(result).value() : monitor::Journal::Recovered{};
  }
  void alter(const char* sql) {
    sqlite3* connection = nullptr;
    ASSERT_EQ(sqlite3_open((state_ / "journal.db").c_str(), &connection), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(connection, sql, nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(connection);
    sqlite3_close(connection);
  }

  TemporaryDirectory place_;
  std::filesystem::path state_ = place_.path() / "state";
};

}  // namespace belay::test
