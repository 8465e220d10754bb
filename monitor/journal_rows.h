#pragma once

#include <cstdint>
#include <functional>

#include "base/result.h"
#include "monitor/journal.h"
#include "monitor/sqlite.h"
#include "rules/order.h"

namespace belay::monitor {

/// Reads the journal's table. Owned by the engine's thread, as the database is.
class JournalRows {
 public:
  explicit JournalRows(Database& database) : database_(database) {}

  /// Calls `each` for every row of a statement with one parameter, whose columns are at_ns, kind,
  /// service, rule, intent, text. Further columns are read from the query itself.
  Status each_entry(const char* sql, std::int64_t parameter,
                    const std::function<Status(const rules::JournalEntry&, const Query&)>& each);
  Status each_row(const char* sql, std::string_view parameter,
                  const std::function<void(const Query&)>& each);

  Result<Journal::OfRollout> of_rollout(const std::string& rollout, std::size_t entries_max);
  Result<Journal::Past> look_back(const Journal::LookBack& asked);

  /// Six columns from `first`. An Error for a kind that we do not know.
  static Result<rules::JournalEntry> entry_in(const Query& query, int first);

  /// Steps of SQLite's machine so far.
  [[nodiscard]] std::uint64_t work() const { return work_; }

 private:
  /// Of a statement whose parameters are bound.
  Status each_of(Query& query, const std::function<Status(const Query&)>& each);

  Database& database_;
  std::uint64_t work_ = 0;
};

}  // namespace belay::monitor
