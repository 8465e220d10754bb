#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "monitor/sources/directory_watch.h"
#include "monitor/sources/followed_file.h"

namespace belay::monitor {

/// The files that one path leads to, one after the other, as a log is rotated: opened as soon as
/// they appear, and kept until they are read. Counts the files that came to the path against the
/// ones it could open, so that none goes unread without a word: one that was moved on too soon is
/// looked for under the name it went to, and one that is not found is a Gap.
///
/// Where the file system does not say what happens to its names, every change of the file is a gap
/// from one look to the next: there may have been another file between.
class LogGenerations {
 public:
  /// Files were missed between `since` and now.
  struct Gap {
    Instant since{};
    std::string reason;  ///< "rotation_missed", "rotation_unwatched"
  };
  /// A file that was read to its end, or found late. What is still written to it must not be lost.
  struct Late {
    FollowedFile file;
    Instant at{};  ///< Since when nothing came.
  };

  /// `is_watched` false: as on a file system that tells nothing.
  LogGenerations(std::filesystem::path path, bool is_watched);

  /// The first look: the file that is there, if there is one.
  Status open_first(FollowedFile::Where where, Instant now);

  /// Opens what came since the last look. An error is about the path: files that are open stay so.
  Status look(Instant now);

  /// Those to be read in order, the oldest first; the last one is where the path led.
  [[nodiscard]] std::deque<FollowedFile>& files() { return files_; }
  /// The oldest one is read.
  void finish_oldest(Instant now);
  [[nodiscard]] std::deque<Late>& late() { return late_; }

  std::optional<Gap> take_gap();

  void wait(int at_most_ms) const { watch_.wait(at_most_ms); }

 private:
  void take(const DirectoryWatch::Change& change, Instant now);
  Status open_path(Instant now);
  void open_moved(Instant now);
  void settle(Instant now);
  void tell(std::string reason, Instant now);
  void forget_late(Instant now);
  [[nodiscard]] bool is_open(dev_t device, ino_t inode) const;
  [[nodiscard]] bool is_open(const FollowedFile& file) const;

  const std::filesystem::path path_;
  const std::filesystem::path directory_;
  const std::string name_;
  DirectoryWatch watch_;
  std::deque<FollowedFile> files_;
  std::deque<Late> late_;
  std::int64_t came_ = 0;             ///< Files that came to the path, as the directory tells it.
  std::int64_t opened_ = 0;           ///< Different ones that were opened.
  std::int64_t told_ = 0;             ///< Told as missed.
  std::deque<std::string> moved_to_;  ///< Names that files of the path went to; newest last.
  std::uint32_t moving_ = 0;          ///< Cookie of a rename whose second half is to come.
  std::optional<Instant> unequal_since_;
  std::int64_t missing_min_ = 0;  ///< Since then: what is under way is missing for a moment only.
  Instant well_at_{};             ///< When all were last accounted for.
  std::optional<Gap> gap_;
};

}  // namespace belay::monitor
