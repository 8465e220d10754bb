#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace belay::exporters {

/// A directory of small numbered files, ours alone (mode 0700, files 0600) and held by this process
/// (flock) for as long as this lives. Every call may block on the disk.
class SpoolDirectory {
 public:
  /// Makes it if it is not there; its parent must be. Error kinds: conflict (another process holds
  /// it), invalid (not ours alone), failed.
  static Result<SpoolDirectory> open(const std::filesystem::path& path);

  SpoolDirectory(SpoolDirectory&& other) noexcept
      : path_(std::move(other.path_)), directory_(std::exchange(other.directory_, -1)) {}
  SpoolDirectory& operator=(SpoolDirectory&&) = delete;
  ~SpoolDirectory();

  /// Far from where numbers have more digits than names. What a file of a higher one holds, or one
  /// of 0, is not ours: a person has made it.
  static constexpr std::uint64_t kNumberMax = 9'000'000'000'000'000;

  /// Of all files there are, rising; from 1 to kNumberMax.
  [[nodiscard]] Result<std::vector<std::uint64_t>> numbers() const;
  /// Fails for more than `bytes_max`, and for whatever is no regular file of ours.
  [[nodiscard]] Result<std::string> read(std::uint64_t number, std::size_t bytes_max) const;
  /// What was written survives the process. After a failure there is no such file, unless there was
  /// one before.
  [[nodiscard]] Status write(std::uint64_t number, std::string_view text) const;
  /// ... and the machine.
  [[nodiscard]] Status sync(std::uint64_t number) const;
  /// Done, too, if there is none.
  [[nodiscard]] Status remove(std::uint64_t number) const;

 private:
  SpoolDirectory() = default;
  [[nodiscard]] Error fault(const char* what) const;
  std::filesystem::path path_;
  int directory_ = -1;
};

}  // namespace belay::exporters
