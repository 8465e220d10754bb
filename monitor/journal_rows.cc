#include "monitor/journal_rows.h"

#include <optional>

#include "monitor/journal_text.h"

namespace belay::monitor {

using rules::JournalEntry;

Result<JournalEntry> JournalRows::entry_in(const Query& query, int first) {
  const std::optional<JournalEntry::Kind> kind = journal_kind_of(query.text(first + 1));
  if (!kind) {
    return Error{Error::Kind::invalid,
                 "the journal holds an unknown kind: " + query.text(first + 1)};
  }
  return JournalEntry{.kind = *kind,
                      .at = Instant{Duration{query.integer(first)}},
                      .service = query.text(first + 2),
                      .rule = query.text(first + 3),
                      .intent = query.text(first + 4),
                      .text = query.text(first + 5)};
}

Status JournalRows::each_entry(
    const char* sql, std::int64_t parameter,
    const std::function<Status(const JournalEntry&, const Query&)>& each) {
  Result<Query> query = Query::prepare(database_, sql);
  if (!query.ok()) return query.error();
  query->bind(1, parameter);
  return each_of(*query, [&each](const Query& row) -> Status {
    const Result<JournalEntry> entry = entry_in(row, 0);
    if (!entry.ok()) return entry.error();
    return each(*entry, row);
  });
}

Status JournalRows::each_row(const char* sql, std::string_view parameter,
                             const std::function<void(const Query&)>& each) {
  Result<Query> query = Query::prepare(database_, sql);
  if (!query.ok()) return query.error();
  query->bind(1, parameter);
  return each_of(*query, [&each](const Query& row) -> Status {
    each(row);
    return Done{};
  });
}

Status JournalRows::each_of(Query& query, const std::function<Status(const Query&)>& each) {
  while (true) {
    const Result<bool> row = query.step();
    if (!row.ok()) return row.error();
    if (!*row) break;
    if (Status status = each(query); !status.ok()) return status;
  }
  work_ += query.work();
  return Done{};
}

}  // namespace belay::monitor
