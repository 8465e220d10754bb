#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

#include "tests/simulation/seeded.h"

namespace belay::simulation {

/// SQLite's disk in memory: what was written, and what of it was synced. While one lives, every
/// database that is opened lies on it. One thread.
class Disk {
 public:
  enum class Fate : std::uint8_t { works, fails, is_full, kills };
  /// Asked before each write and sync (`is_sync`).
  using Decide = std::function<Fate(bool is_sync)>;

  Disk();
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  /// Empty, and as the seed will have it.
  void begin(Seeded chance, Decide decide);

  /// The process is gone: nothing of it gets through any more.
  void kill() { is_dead_ = true; }
  [[nodiscard]] bool is_dead() const { return is_dead_; }
  /// For the next process. `is_power_lost`: of each sector that was not synced, chance says which
  /// content it has.
  void revive(bool is_power_lost);

  /// Whether a power failure now would leave this intent in the journal, whatever it took.
  [[nodiscard]] bool has_durably(const std::string& intent) const;

 private:
  friend struct DiskCalls;
  struct File {
    std::vector<std::uint8_t> now;
    std::vector<std::uint8_t> synced;
    std::set<std::size_t> dirty;   ///< Sectors that differ from what was synced.
    std::set<std::size_t> doomed;  ///< Dirty ones that a failed sync has given up: never synced.
  };
  struct Registration;

  /// Directories are real, and so is moving a file away: one that lies there anew is empty.
  void forget_replaced(const std::string& name);
  void write(File& file, const std::uint8_t* from, std::size_t bytes, std::size_t at);
  static void sync(File& file);
  static void fail_sync(File& file);

  std::unique_ptr<Registration> registration_;
  std::map<std::string, std::shared_ptr<File>> files_;
  std::map<std::string, ino_t> inodes_;  // Of the real ones, where there is one of the name.
  Seeded chance_{0};
  Decide decide_;
  bool is_dead_ = false;
};

}  // namespace belay::simulation
