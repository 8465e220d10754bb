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
};

/// Follows a growing log file, as `tail -F` does, and reads no byte twice:
/// - renamed and made anew: the old file is read to its end, until its writer has gone on to the
/// new
///   one or has been quiet for a second; a last line without a newline counts;
/// - truncated (copytruncate), or written anew in place: read from the beginning, and a gap is
///   reported from the last read on, for the writer may have lost what lies between;
/// - missing or unreadable: SourceState down, looked for four times a second.
/// Stops reading while the lane is half full: the disk keeps what comes.
class FileSource final : public Source {
 public:
  explicit FileSource(FileSourceOptions options);
  void run(std::stop_token stop, Lane& lane, const Clock& clock) override;

 private:
  const FileSourceOptions options_;
};

}  // namespace belay::monitor
