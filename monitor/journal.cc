#include "monitor/journal.h"

#include <algorithm>
#include <string>
#include <utility>

#include "monitor/journal_recovery.h"
#include "monitor/journal_rows.h"
#include "monitor/journal_text.h"
#include "monitor/rollout_text.h"
#include "monitor/sqlite.h"
#include "monitor/state_directory.h"

namespace belay::monitor {
namespace {

using rules::JournalEntry;

constexpr const char* kFile = "journal.db";
// "BLAY": tells our file from other databases.
constexpr const char* kApplication = "1112293721";
constexpr const char* kVersion = "3";

constexpr const char* kSchema = R"sql(
BEGIN IMMEDIATE;
CREATE TABLE entries (
  seq INTEGER PRIMARY KEY,
  at_ns INTEGER NOT NULL,           -- since the Unix epoch
  kind TEXT NOT NULL,
  service TEXT NOT NULL,
  rule TEXT NOT NULL,
  intent TEXT NOT NULL,
  text TEXT NOT NULL,               -- JSON; see rules/order.h
  is_final INTEGER NOT NULL,        -- an outcome after which nothing follows
  rollout TEXT NOT NULL DEFAULT '', -- its id; '' outside one
  promoted TEXT NOT NULL DEFAULT '' -- the version that was good now; '' for anything else
) STRICT;
CREATE UNIQUE INDEX intents ON entries (intent) WHERE kind = 'intent';
CREATE INDEX final_outcomes ON entries (intent) WHERE is_final = 1;
CREATE INDEX kinds ON entries (kind, seq);
CREATE INDEX rollouts ON entries (rollout, kind) WHERE rollout <> '';
CREATE INDEX of_rollout ON entries (rollout) WHERE rollout <> '';
CREATE INDEX promotions ON entries (service) WHERE promoted <> '';
PRAGMA application_id = 1112293721;
PRAGMA user_version = 3;
COMMIT;
)sql";

// Version 1 had gates, whose entries were for people only.
constexpr const char* kFromVersion1 = R"sql(
BEGIN IMMEDIATE;
ALTER TABLE entries ADD COLUMN rollout TEXT NOT NULL DEFAULT '';
ALTER TABLE entries ADD COLUMN promoted TEXT NOT NULL DEFAULT '';
UPDATE entries SET kind = 'notice' WHERE kind IN ('gate_started', 'gate_ended');
CREATE INDEX rollouts ON entries (rollout, kind) WHERE rollout <> '';
CREATE INDEX promotions ON entries (service) WHERE promoted <> '';
PRAGMA user_version = 2;
COMMIT;
)sql";

// Version 2 told only of some kinds which rollout they are about. What an action came to belongs to
// the rollout of its intent.
constexpr const char* kFromVersion2 = R"sql(
BEGIN IMMEDIATE;
UPDATE entries SET rollout = coalesce((SELECT i.rollout FROM entries i
  WHERE i.kind = 'intent' AND i.intent = entries.intent), '')
  WHERE rollout = '' AND intent <> '';
CREATE INDEX of_rollout ON entries (rollout) WHERE rollout <> '';
PRAGMA user_version = 3;
COMMIT;
)sql";

struct Expected {
  const char* sql;
  const char* answer;
};
// Exclusive before WAL: then there is no shared memory, and nobody else can get in. Each answer is
// fetched and compared: SQLite keeps the old mode without an error when it cannot change it.
constexpr Expected kSettings[] = {
    {"PRAGMA locking_mode = EXCLUSIVE", "exclusive"},
    {"PRAGMA mmap_size = 0", "0"},
    {"PRAGMA journal_mode = WAL", "wal"},
    {"PRAGMA quick_check(1)", "ok"},
};

Status adopt(Database& database) {
  const Result<std::string> version = database.ask("PRAGMA user_version");
  if (!version.ok()) return version.error();
  const Result<std::string> tables = database.ask("SELECT count(*) FROM sqlite_schema");
  if (!tables.ok()) return tables.error();
  if (*version == "0" && *tables == "0") return database.run(kSchema);
  const Result<std::string> application = database.ask("PRAGMA application_id");
  if (!application.ok()) return application.error();
  if (*application != kApplication) {
    return Error{Error::Kind::invalid, "is another program's database"};
  }
  if (*version == "1") {
    if (Status second = database.run(kFromVersion1); !second.ok()) return second;
  }
  if (*version == "1" || *version == "2") return database.run(kFromVersion2);
  if (*version != kVersion) {
    return Error{Error::Kind::invalid, "was written by another version of Belay (schema " +
                                           *version + ", this one knows " + kVersion + ")"};
  }
  return Done{};
}

/// What an earlier life wrote and could not sync may lie in memory only, and no later sync would
/// write it: Linux gives such pages up. Whoever reads an intent acts on it, so all there is to read
/// is written once more, into the database, and the log begun anew.
Status make_durable(Database& database) {
  const Result<std::string> busy = database.ask("PRAGMA wal_checkpoint(TRUNCATE)");
  if (!busy.ok()) return busy.error();
  if (*busy != "0") return Error{Error::Kind::failed, "the log could not be written back"};
  return database.run("PRAGMA application_id = 1112293721");
}

class SqliteJournal final : public Journal {
 public:
  SqliteJournal(StateDirectory state, Database database)
      : state_(std::move(state)),
        database_(std::move(database)),
        has_reserve_(state_.hold_reserve()) {}

  Status append(const std::vector<JournalEntry>& entries) override;
  Result<Recovered> recover(Instant now) override;
  Status read(std::size_t entries_max,
              const std::function<void(const JournalEntry&)>& each) override;
  Result<OfRollout> of_rollout(const std::string& rollout, std::size_t entries_max) override {
    return JournalRows(database_).of_rollout(rollout, entries_max);
  }
  Result<Past> look_back(const LookBack& asked) override {
    return JournalRows(database_).look_back(asked);
  }
  Status usable() override;
  std::optional<std::string> trouble() override;

 private:
  Status insert_all(const std::vector<JournalEntry>& entries);
  Status write(const std::vector<JournalEntry>& entries);

  StateDirectory state_;  // Before the database: its lock is given back last.
  Database database_;
  bool has_reserve_;
  std::optional<std::string> broken_;
};

Status SqliteJournal::insert_all(const std::vector<JournalEntry>& entries) {
  Result<Query> insert =
      Query::prepare(database_,
                     "INSERT INTO entries (at_ns, kind, service, rule, intent, text, is_final, "
                     "rollout, promoted) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, "
                     // What an action came to belongs to the rollout of its intent.
                     "CASE WHEN ?8 <> '' OR ?5 = '' THEN ?8 ELSE coalesce((SELECT rollout FROM "
                     "entries WHERE kind = 'intent' AND intent = ?5), '') END, ?9)");
  if (!insert.ok()) return insert.error();
  for (const JournalEntry& entry : entries) {
    insert->bind(1, entry.at.time_since_epoch().count());
    insert->bind(2, name_of(entry.kind));
    insert->bind(3, entry.service);
    insert->bind(4, entry.rule);
    insert->bind(5, entry.intent);
    insert->bind(6, entry.text);
    const bool is_final = entry.kind == JournalEntry::Kind::outcome && is_final_outcome(entry);
    insert->bind(7, std::int64_t{is_final});
    const RolloutMarks marks = rollout_marks_of(entry);
    insert->bind(8, entry.rollout.empty() ? marks.rollout : entry.rollout);
    insert->bind(9, marks.promoted);
    if (const Result<bool> done = insert->step(); !done.ok()) return done.error();
    insert->reset();
  }
  return Done{};
}

Status SqliteJournal::write(const std::vector<JournalEntry>& entries) {
  if (Status begun = database_.run("BEGIN IMMEDIATE"); !begun.ok()) return begun;
  Status status = insert_all(entries);
  if (status.ok()) status = database_.run("COMMIT");
  if (status.ok()) return status;
  const SqliteFault fault = database_.fault();
  if (database_.in_transaction()) {
    if (const Status undone = database_.run("ROLLBACK"); !undone.ok())
      broken_ = undone.error().message;
  }
  // After a fault of the disk nobody knows what it holds; only opening it anew tells.
  if (fault == SqliteFault::other || fault == SqliteFault::damaged) {
    broken_ = status.error().message;
  }
  return status;
}

Status SqliteJournal::usable() {
  if (broken_) {
    return Error{Error::Kind::failed,
                 "the journal failed earlier and must be opened anew: " + *broken_};
  }
  // SQLite goes on writing to files that have no name any more.
  Status in_place = state_.is_in_place();
  if (!in_place.ok()) broken_ = in_place.error().message;
  return in_place;
}

Status SqliteJournal::append(const std::vector<JournalEntry>& entries) {
  if (Status fine = usable(); !fine.ok()) return fine;
  if (entries.empty()) return Done{};
  const auto is_over = [&entries](const std::string& intent) {
    return std::ranges::any_of(entries, [&intent](const JournalEntry& entry) {
      return entry.kind == JournalEntry::Kind::outcome && entry.intent == intent &&
             is_final_outcome(entry);
    });
  };
  const bool begins_action = std::ranges::any_of(entries, [&](const JournalEntry& entry) {
    return entry.kind == JournalEntry::Kind::intent && !is_over(entry.intent);
  });
  if (begins_action && !has_reserve_) {
    has_reserve_ = state_.hold_reserve();
    if (!has_reserve_) {
      return Error{Error::Kind::unavailable,
                   state_.path().string() +
                       ": the disk is full; no action is begun without room to record its outcome"};
    }
  }
  Status status = write(entries);
  if (!status.ok() && !broken_ && database_.fault() == SqliteFault::full && has_reserve_) {
    state_.release_reserve();
    has_reserve_ = false;
    status = write(entries);
  }
  if (!status.ok() && !broken_ && database_.fault() == SqliteFault::full)
    return Error{Error::Kind::unavailable, status.error().message};
  return status;
}

std::optional<std::string> SqliteJournal::trouble() {
  if (broken_) return "the journal failed: " + *broken_;
  if (!has_reserve_) has_reserve_ = state_.hold_reserve();
  if (!has_reserve_) return state_.path().string() + ": the disk is full";
  return std::nullopt;
}

Result<Journal::Recovered> SqliteJournal::recover(Instant now) {
  return recover_from(database_, now);
}

Status SqliteJournal::read(std::size_t entries_max,
                           const std::function<void(const JournalEntry&)>& each) {
  const char* const sql =
      "SELECT at_ns, kind, service, rule, intent, text FROM "
      "(SELECT * FROM entries ORDER BY seq DESC LIMIT ?) ORDER BY seq";
  return JournalRows(database_).each_entry(sql, static_cast<std::int64_t>(entries_max),
                                           [&each](const JournalEntry& entry, const Query&) {
                                             each(entry);
                                             return Status{Done{}};
                                           });
}

Error set_aside(const StateDirectory& state, const std::string& why) {
  const Result<std::filesystem::path> aside = state.set_aside(kFile);
  if (!aside.ok()) return aside.error();
  return Error{Error::Kind::failed, "the journal is damaged (" + why + ") and was set aside as " +
                                        aside->string() +
                                        "; nothing is acted upon without a journal"};
}

/// Ready to be read from and written to. `fault`: why not.
Result<Database> open_database(const StateDirectory& state, SqliteFault& fault) {
  const std::filesystem::path file = state.path() / kFile;
  Result<Database> database = Database::open(file);
  if (!database.ok()) return database.error();
  for (const auto& [sql, expected] : kSettings) {
    const Result<std::string> answer = database->ask(sql);
    fault = database->fault();
    if (!answer.ok() && fault == SqliteFault::damaged) {
      return set_aside(state, answer.error().message);
    }
    if (!answer.ok()) return answer.error();
    if (*answer == expected) continue;
    if (std::string_view(expected) == "ok") return set_aside(state, *answer);
    return Error{Error::Kind::failed, file.string() + ": " + sql + " gave " + *answer};
  }
  if (Status full = database->run("PRAGMA synchronous = FULL"); !full.ok()) return full.error();
  const Result<std::string> synchronous = database->ask("PRAGMA synchronous");
  if (!synchronous.ok()) return synchronous.error();
  if (*synchronous != "2") return Error{Error::Kind::failed, "PRAGMA synchronous is not FULL"};
  Status done = adopt(*database);
  fault = database->fault();
  if (!done.ok() && fault == SqliteFault::damaged) return set_aside(state, done.error().message);
  if (done.ok()) {
    done = make_durable(*database);
    fault = database->fault();
  }
  if (!done.ok()) return Error{done.error().kind, file.string() + ": " + done.error().message};
  return database;
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(const std::filesystem::path& state_directory) {
  Result<StateDirectory> state = StateDirectory::open(state_directory);
  if (!state.ok()) return state.error();
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
    const bool is_main = *suffix == '\0';
    if (Status fine = state->check_file(kFile + std::string(suffix), is_main); !fine.ok()) {
      return fine.error();
    }
  }
  SqliteFault fault = SqliteFault::none;
  Result<Database> database = open_database(*state, fault);
  if (!database.ok() && fault == SqliteFault::full) {
    // What an earlier life put aside for this. No action begins before there is as much again.
    state->release_reserve();
    database = open_database(*state, fault);
  }
  if (!database.ok()) return database.error();
  if (Status durable = state->sync(); !durable.ok()) return durable.error();
  if (Status known = state->know({kFile, std::string(kFile) + "-wal"}); !known.ok())
    return known.error();
  return std::unique_ptr<Journal>(
      std::make_unique<SqliteJournal>(std::move(*state), std::move(*database)));
}

}  // namespace belay::monitor
