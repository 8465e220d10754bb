#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace belay::monitor {

/// What SQLite said, in so far as code must tell it apart.
enum class SqliteFault : std::uint8_t { none, full, damaged, constraint, other };

/// One connection to one database file. One thread.
class Database {
 public:
  /// The file must exist; no component of its path may be a symbolic link.
  static Result<Database> open(const std::filesystem::path& path);

  Status run(const char* sql);
  /// The first column of the first row; empty if there is no row.
  Result<std::string> ask(const char* sql);

  /// Of the last call that failed on this connection.
  [[nodiscard]] SqliteFault fault() const { return fault_; }
  [[nodiscard]] bool in_transaction() const;

 private:
  friend class Query;
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  Error error(const char* what);
  std::unique_ptr<sqlite3, Close> connection_;
  SqliteFault fault_ = SqliteFault::none;
};

/// One prepared statement; may be used again after reset(). Must not outlive its database.
class Query {
 public:
  static Result<Query> prepare(Database& database, const char* sql);

  /// Parameters count from 1, columns from 0. Texts must live until reset().
  void bind(int parameter, std::int64_t value);
  void bind(int parameter, std::string_view text);
  /// True: there is a row. False: done.
  Result<bool> step();
  void reset();

  /// Steps of SQLite's machine that it took so far.
  [[nodiscard]] std::uint64_t work() const;

  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string text(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Database* database_ = nullptr;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

}  // namespace belay::monitor
