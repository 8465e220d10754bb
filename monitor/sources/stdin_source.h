#pragma once

#include "monitor/parse/log_parser.h"
#include "monitor/source.h"

namespace belay::monitor {

/// Reads a descriptor (standard input) to its end; then it is down for good. Owned by whoever made
/// it; stops reading while the lane is half full, so that the writer waits.
class StdinSource final : public Source {
 public:
  explicit StdinSource(LogParserOptions options, int fd = 0);
  void run(std::stop_token stop, Lane& lane, const Clock& clock) override;

 private:
  const LogParserOptions options_;
  const int fd_;
};

}  // namespace belay::monitor
