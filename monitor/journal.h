#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "rules/order.h"

namespace belay::monitor {

/// The durable, append-only record: SQLite (WAL, synchronous=FULL, one connection, exclusive lock)
/// in `<state>/journal.db`, mode 0600 in a directory of mode 0700. Owned by the engine's thread.
class Journal {
 public:
  /// Fails if another process holds the state, the directory is not ours alone, or the journal is
  /// damaged (it is then set aside and the error says where; the caller goes on without acting). On
  /// a full disk it gives up the reserve of 8 MiB that an earlier life has left beside it.
  static Result<std::unique_ptr<Journal>> open(const std::filesystem::path& state_directory);
  virtual ~Journal() = default;

  /// All or none, and durable when it returns. After a failure nothing may be acted upon.
  /// `unavailable`: there is no room for it, or none for the outcome of an action that would begin;
  /// the same may be tried again.
  virtual Status append(const std::vector<rules::JournalEntry>& entries) = 0;

  /// What the engine must know at start; intents without a final outcome are open. An intent's
  /// order can be rebuilt from its entry.
  struct Recovered {
    rules::Remembered remembered;
    std::vector<rules::Order> open_orders;
    std::uint64_t work = 0;  ///< What finding it cost, in steps of SQLite's machine.
  };
  virtual Result<Recovered> recover(Instant now) = 0;

  /// Calls `each` for the newest `entries_max` entries, oldest first.
  virtual Status read(std::size_t entries_max,
                      const std::function<void(const rules::JournalEntry&)>& each) = 0;

  /// What is kept of one rollout, oldest first: at most so many entries, the beginning and the end
  /// of them where there are more (`is_cut`). No entries: nobody knows it.
  struct OfRollout {
    std::vector<rules::JournalEntry> entries;
    bool is_cut = false;
  };
  virtual Result<OfRollout> of_rollout(const std::string& /*rollout*/,
                                       std::size_t /*entries_max*/) {
    return cannot_look();
  }

  /// A look back, newest first.
  struct LookBack {
    std::uint64_t before = 0;  ///< Only what was written before this number; 0: from the newest on.
    std::size_t entries_max = 0;  ///< To look at, whether they are wanted or not.
    std::function<bool(const rules::JournalEntry&)> wants;  ///< Sees no text.
  };
  struct Past {
    struct Kept {
      std::uint64_t number = 0;  ///< Of its place in the journal; rises.
      rules::JournalEntry entry;
    };
    std::vector<Kept> entries;
    std::uint64_t next = 0;  ///< LookBack::before of what comes next; 0: there is nothing older.
    Instant reached{};       ///< The oldest that was looked at.
  };
  virtual Result<Past> look_back(const LookBack& /*asked*/) { return cannot_look(); }

  /// Whether what is written now will be found by the next start; a fault of an earlier append, or
  /// a directory that was taken away, is for good. Cheap: asked every second.
  virtual Status usable() { return Done{}; }

  /// Why nothing can be acted upon, for /readyz: a fault of an earlier append, a full disk.
  /// Nothing when all is well. Looks whether a disk that was full has room again.
  virtual std::optional<std::string> trouble() { return std::nullopt; }

 private:
  static Error cannot_look() {
    return Error{Error::Kind::unavailable, "this journal cannot be looked into"};
  }
};

}  // namespace belay::monitor
