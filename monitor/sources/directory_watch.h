#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace belay::monitor {

/// What happens to the names in one directory, and when one file of it grows, as inotify tells it.
/// Without inotify (none left, or a file system that tells nothing) waits take their time and
/// nothing is told. One thread.
class DirectoryWatch {
 public:
  struct Change {
    enum class Kind : std::uint8_t {
      came,    ///< Made, or moved here.
      went,    ///< Deleted, or moved away.
      unsure,  ///< Changes were lost: the queue ran over, or the directory is another one now.
    };
    Kind kind = Kind::unsure;
    std::string name;
    std::uint32_t cookie = 0;  ///< Equal in the two changes of one rename; 0: not a rename.
  };

  /// `is_on` false: as if there were no inotify.
  DirectoryWatch(std::filesystem::path directory, bool is_on);
  ~DirectoryWatch();
  DirectoryWatch(const DirectoryWatch&) = delete;
  DirectoryWatch& operator=(const DirectoryWatch&) = delete;

  /// Whether changes are told.
  [[nodiscard]] bool is_watching() const { return directory_watch_ >= 0; }

  /// The file whose growth ends a wait, in place of the one before.
  void follow(int file);

  /// What happened since the last call, in order. Never waits.
  std::vector<Change> changes();

  /// Until something happens, at most so long.
  void wait(int at_most_ms) const;

 private:
  void watch_directory();
  const std::filesystem::path directory_;
  int fd_ = -1;
  int directory_watch_ = -1;
  int file_watch_ = -1;
};

}  // namespace belay::monitor
