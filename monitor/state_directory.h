#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "base/result.h"

namespace belay::monitor {

/// The directory that a daemon keeps its state in, held by this process alone (flock) for as long
/// as this lives. Whoever else could write to it could make Belay act, so it must be ours and
/// nobody else's: owner, mode 0700, no symbolic link; files in it 0600, ours, with one name.
class StateDirectory {
 public:
  /// Makes it (mode 0700) if it is not there. Error kinds: conflict (another process holds it,
  /// named by its pid), invalid (not ours alone), failed.
  static Result<StateDirectory> open(const std::filesystem::path& path);

  StateDirectory(StateDirectory&& other) noexcept
      : path_(std::move(other.path_)),
        directory_(std::exchange(other.directory_, -1)),
        lock_(std::exchange(other.lock_, -1)),
        known_(std::move(other.known_)) {}
  StateDirectory& operator=(StateDirectory&&) = delete;
  ~StateDirectory();

  /// Absolute, without symbolic links.
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Refuses a file that others could have placed or read. `make`: an empty one if there is none.
  Status check_file(const std::string& name, bool make) const;

  /// Notes which files `names` stand for now, if any: those that is_in_place() looks for.
  Status know(const std::vector<std::string>& names);
  /// Whether the path still leads to the directory that was opened, its lock, and what is known.
  /// Not: what is written has no name, so a restart knows nothing of it, and another monitor can
  /// start beside this one.
  [[nodiscard]] Status is_in_place() const;

  /// Makes the names in it durable.
  Status sync() const;

  /// Space put aside for what must still be written when the disk is full. False: there is none,
  /// and none could be had.
  bool hold_reserve() const;
  void release_reserve() const;

  /// Renames `name` (and `name`-wal, -shm) out of the way; gives the new name's path.
  Result<std::filesystem::path> set_aside(const std::string& name) const;

 private:
  StateDirectory() = default;
  Status take_lock();

  std::filesystem::path path_;
  int directory_ = -1;
  int lock_ = -1;
  struct Known {
    std::string name;
    dev_t device;
    ino_t number;
  };
  std::vector<Known> known_;
};

/// What is there, without making or taking anything.
struct StateStanding {
  bool exists = false;
  std::string holder;  ///< "process 4711" that holds it now; empty: nobody.
};
/// Fails as StateDirectory::open() would, but for a conflict.
Result<StateStanding> examine_state(const std::filesystem::path& path);

}  // namespace belay::monitor
