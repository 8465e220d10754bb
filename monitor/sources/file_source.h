#pragma once

#include <filesystem>

#include "monitor/parse/log_parser.h"
#include "monitor/source.h"

namespace belay::monitor {

struct FileSourceOptions {
  std::filesystem::path path;
  /// Else from its end as it is at the start. A file that comes later is always read whole.
  bool from_beginning = false;
  LogParserOptions parser;
  bool is_watched = true;  ///< False: as on a file system that tells nothing of its names.
};

/// Follows a growing log file, as `tail -F` does, and reads no byte twice:
/// - renamed and made anew, however often: every file that was under the path is opened and read
///   to its end, in order; what its writer still writes to it within ten seconds is read, too. A
///   last line without a newline counts. A file that was gone before it could be opened is a gap
///   "rotation_missed" (log_generations.h);
/// - truncated (copytruncate), or written anew in place: read from the beginning, and a gap
///   "truncated" is reported from the last read on, for the writer may have lost what lies between;
/// - missing or unreadable: SourceState down, looked for ten times a second.
/// Stops reading while the lane is half full: the disk keeps what comes.
class FileSource final : public Source {
 public:
  explicit FileSource(FileSourceOptions options);
  void run(std::stop_token stop, Lane& lane, const Clock& clock) override;

 private:
  const FileSourceOptions options_;
};

}  // namespace belay::monitor
