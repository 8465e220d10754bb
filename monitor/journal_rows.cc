#include "monitor/journal_rows.h"

#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

Result<Journal::OfRollout> JournalRows::of_rollout(const std::string& rollout,
                                                   std::size_t entries_max) {
  const std::string columns =
      "SELECT at_ns, kind, service, rule, intent, text, rollout, seq FROM entries "
      "WHERE rollout = ?1 AND rollout <> '' ";
  const auto take = [&](const std::string& sql, std::size_t limit, auto each) -> Status {
    Result<Query> query = Query::prepare(database_, (columns + sql).c_str());
    if (!query.ok()) return query.error();
    query->bind(1, rollout);
    query->bind(2, static_cast<std::int64_t>(limit));
    return each_of(*query, [&each](const Query& row) -> Status {
      Result<JournalEntry> entry = entry_in(row, 0);
      if (!entry.ok()) return entry.error();
      entry->rollout = row.text(6);
      each(row.integer(7), std::move(*entry));
      return Done{};
    });
  };
  Journal::OfRollout found;
  std::int64_t newest = 0;
  const std::size_t head = entries_max / 4;
  Status status = take("ORDER BY seq LIMIT ?2", head, [&](std::int64_t seq, JournalEntry entry) {
    newest = seq;
    found.entries.push_back(std::move(entry));
  });
  if (!status.ok()) return status.error();
  if (found.entries.size() < head) return found;
  std::vector<JournalEntry> rest;
  status = take("ORDER BY seq DESC LIMIT ?2", entries_max - head + 1,
                [&](std::int64_t seq, JournalEntry entry) {
                  if (seq > newest) rest.push_back(std::move(entry));
                });
  if (!status.ok()) return status.error();
  found.is_cut = rest.size() > entries_max - head;
  if (found.is_cut) rest.pop_back();
  found.entries.insert(found.entries.end(), std::make_move_iterator(rest.rbegin()),
                       std::make_move_iterator(rest.rend()));
  return found;
}

Result<Journal::Past> JournalRows::look_back(const Journal::LookBack& asked) {
  // By the table itself, newest first: what it costs is bounded, whatever is wanted.
  Result<Query> query = Query::prepare(
      database_,
      "SELECT at_ns, kind, service, rule, intent, text, rollout, seq FROM entries NOT INDEXED "
      "WHERE ?1 = 0 OR seq < ?1 ORDER BY seq DESC LIMIT ?2");
  if (!query.ok()) return query.error();
  query->bind(1, static_cast<std::int64_t>(asked.before));
  query->bind(2, static_cast<std::int64_t>(asked.entries_max));
  Journal::Past past;
  std::size_t looked_at = 0;
  const Status status = each_of(*query, [&](const Query& row) -> Status {
    Result<JournalEntry> entry = entry_in(row, 0);
    if (!entry.ok()) return entry.error();
    ++looked_at;
    entry->rollout = row.text(6);
    const auto number = static_cast<std::uint64_t>(row.integer(7));
    past.reached = entry->at;
    past.next = number;
    if (asked.wants(*entry)) past.entries.push_back({number, std::move(*entry)});
    return Done{};
  });
  if (!status.ok()) return status.error();
  if (looked_at < asked.entries_max || past.next <= 1) past.next = 0;
  return past;
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
