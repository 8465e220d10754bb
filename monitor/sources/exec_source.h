#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "monitor/parse/log_parser.h"
#include "monitor/source.h"

namespace belay::monitor {

struct ExecSourceOptions {
  std::vector<std::string> argv;  ///< Never a shell's line.
  LogParserOptions parser;
  /// Between two starts; doubles up to the maximum, with jitter, and begins anew once one has
  /// printed something and lived for five seconds.
  std::chrono::milliseconds backoff_min{250};
  std::chrono::milliseconds backoff_max{30'000};
  /// From SIGTERM to SIGKILL, for the whole process group.
  std::chrono::milliseconds grace{5'000};
};

/// Reads the standard output of a program (`wrangler tail … --format json`) and keeps it running.
/// Alive once the program has printed something or run for a second; its last line on standard
/// error is the detail when it is down, and goes to the log. Between an end and the next start
/// evidence is lost: a gap "restart" says so. It begins where the program printed last, at most ten
/// minutes before its end: one that gives up does not say since when it has had no connection. One
/// that shuts its standard output and lives on is ended, and started anew.
///
/// A program that says on standard error that it lost its connection and reconnects by itself
/// (tail_loss.h) is down until it prints again, at most until it must have connected: a gap
/// "reconnect". One that says that it dropped something goes on, with a gap "dropped".
///
/// A stop ends the program, its group, and whatever else it has started (process_mark.h); run()
/// then returns within about `grace` if they take no notice of SIGTERM, at once if they do.
class ExecSource final : public Source {
 public:
  explicit ExecSource(ExecSourceOptions options);
  void run(std::stop_token stop, Lane& lane, const Clock& clock) override;

 private:
  const ExecSourceOptions options_;
};

}  // namespace belay::monitor
