#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace belay::test {

/// A program that runs beside the test. It dies with the test, whatever happens.
class ChildProcess {
 public:
  struct Options {
    std::vector<std::string> argv;
    std::vector<std::string> environment;  ///< "NAME=value"; the rest is the test's own.
    std::filesystem::path output;          ///< Takes stdout and stderr; empty: /dev/null.
    std::filesystem::path directory;       ///< Empty: the test's own.
  };
  explicit ChildProcess(const Options& options);
  /// Kills it if it still runs.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  [[nodiscard]] bool runs();
  /// The exit code, or 128 + the signal that ended it. Nothing if it still runs after
  /// patience(at_most).
  std::optional<int> wait(std::chrono::milliseconds at_most);

 private:
  pid_t pid_ = -1;
  std::optional<int> ended_;
};

/// "ASAN_OPTIONS=..." for the environment of a process that strace traces, where LeakSanitizer
/// cannot work: what the test's own says, and no look for leaks.
std::string without_leak_sanitizer();

/// The whole content of a file; empty if there is none.
std::string content_of(const std::filesystem::path& file);

}  // namespace belay::test
