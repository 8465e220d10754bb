#pragma once

#include <filesystem>

namespace belay::test {

/// While one lives, SQLite's files (opened from then on) lie on a disk that can be told to fail.
class FaultyDisk {
 public:
  FaultyDisk();
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  /// Writes and syncs so far.
  [[nodiscard]] int calls() const;
  /// The write or sync with this number, from 1, fails with an I/O error: once, or from then on.
  void fail_call(int number, bool for_good);
  /// Files cannot grow as long as `unless_gone` exists, and no space can be put aside: a disk that
  /// is full but for what that takes.
  void fill(const std::filesystem::path& unless_gone);
  /// Not full any more.
  void empty();
};

}  // namespace belay::test
