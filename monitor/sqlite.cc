#include "monitor/sqlite.h"

#include <sqlite3.h>

namespace belay::monitor {
namespace {

SqliteFault fault_of(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return SqliteFault::full;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return SqliteFault::damaged;
    case SQLITE_CONSTRAINT:
      return SqliteFault::constraint;
    default:
      return SqliteFault::other;
  }
}

}  // namespace

void Database::Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }

void Query::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Result<Database> Database::open(const std::filesystem::path& path) {
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &connection,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, nullptr);
  Database database;
  database.connection_.reset(connection);
  if (code != SQLITE_OK) return database.error("cannot open the journal");
  sqlite3_extended_result_codes(connection, 1);
  return database;
}

Error Database::error(const char* what) {
  sqlite3* const connection = connection_.get();
  fault_ = fault_of(connection != nullptr ? sqlite3_errcode(connection) : SQLITE_NOMEM);
  std::string message = what;
  message.append(": ").append(connection != nullptr ? sqlite3_errmsg(connection) : "no memory");
  if (connection != nullptr && sqlite3_system_errno(connection) != 0) {
    message.append(" (errno ").append(std::to_string(sqlite3_system_errno(connection))).append(")");
  }
  return Error{Error::Kind::failed, std::move(message)};
}

Status Database::run(const char* sql) {
  if (sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return error(sql);
  }
  return Done{};
}

Result<std::string> Database::ask(const char* sql) {
  Result<Query> query = Query::prepare(*this, sql);
  if (!query.ok()) return query.error();
  Result<bool> row = query->step();
  if (!row.ok()) return row.error();
  std::string answer = *row ? query->text(0) : std::string();
  // To the end: an I/O error of a PRAGMA may come only after its row.
  while (row.ok() && *row) row = query->step();
  if (!row.ok()) return row.error();
  return answer;
}

bool Database::in_transaction() const { return sqlite3_get_autocommit(connection_.get()) == 0; }

Result<Query> Query::prepare(Database& database, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(database.connection_.get(), sql, -1, &statement, nullptr);
  Query query;
  query.database_ = &database;
  query.statement_.reset(statement);
  if (code != SQLITE_OK) return database.error(sql);
  return query;
}

void Query::bind(int parameter, std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_.get(), parameter, value);
  BELAY_CHECK(code == SQLITE_OK, "binding a number that the statement does not have");
}

void Query::bind(int parameter, std::string_view text) {
  const int code = sqlite3_bind_text64(statement_.get(), parameter, text.data(), text.size(),
                                       SQLITE_STATIC, SQLITE_UTF8);
  BELAY_CHECK(code == SQLITE_OK, "binding a text that the statement does not have");
}

Result<bool> Query::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_->error(sqlite3_sql(statement_.get()));
}

void Query::reset() {
  // Tells again of the fault that step() told already.
  static_cast<void>(sqlite3_reset(statement_.get()));
}

std::uint64_t Query::work() const {
  return static_cast<std::uint64_t>(
      sqlite3_stmt_status(statement_.get(), SQLITE_STMTSTATUS_VM_STEP, /*resetFlg=*/0));
}

std::int64_t Query::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Query::text(int column) const {
  const auto* bytes = sqlite3_column_blob(statement_.get(), column);
  const int length = sqlite3_column_bytes(statement_.get(), column);
  return bytes == nullptr
             ? std::string()
             : std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(length));
}

}  // namespace belay::monitor
