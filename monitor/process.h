#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "base/result.h"

namespace belay::monitor {

/// A program as it is to be started: an argument list, never a shell.
struct Program {
  std::vector<std::string> argv;  ///< argv[0] is looked up in PATH unless it holds a slash.
  /// Added to our own environment; of equal names the last one counts.
  std::vector<std::pair<std::string, std::string>> environment;
  /// Whatever it starts ends with it, in other groups and sessions too (process_mark.h). Else only
  /// its own group: a command may leave a service running.
  bool leaves_nothing = false;
};

/// How a program ended: by itself with `code`, or by `signal` (then not 0).
struct ProcessEnd {
  int code = 0;
  int signal = 0;
  [[nodiscard]] bool success() const { return code == 0 && signal == 0; }
  [[nodiscard]] std::string text() const;  ///< "exit code 3", "signal 9 (Killed)"
};

/// A running program in a process group of its own, standard input empty. Ends with the thread that
/// started it (PR_SET_PDEATHSIG sends it SIGTERM), so start it where it will be waited for. One
/// thread.
class Process {
 public:
  /// Error kinds: invalid (no argv, a NUL inside), not_found (no such program), failed (anything
  /// else).
  static Result<Process> start(const Program& program);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  /// Ends the whole group at once, if it still runs.
  ~Process();

  /// Read ends of its standard output and error: non-blocking, owned by this. A read of 0 bytes is
  /// the end.
  [[nodiscard]] int out() const { return out_; }
  [[nodiscard]] int err() const { return err_; }
  /// Readable (poll) once the program itself has ended.
  [[nodiscard]] int ended_fd() const { return ended_; }
  [[nodiscard]] pid_t pid() const { return pid_; }

  /// Nothing while it runs. Members of its group may outlive it: end() ends those too.
  std::optional<ProcessEnd> ended();
  /// Whether the program itself ends within so long.
  [[nodiscard]] bool ends_within(std::chrono::milliseconds at_most) const;

  /// SIGTERM to the whole group, SIGKILL after `grace` to whoever is left; then the same, within
  /// what is left of `grace`, for what was started outside the group if it leaves nothing. Returns
  /// when the program is reaped.
  ProcessEnd end(std::chrono::milliseconds grace = std::chrono::seconds{5});

 private:
  Process() = default;
  void close_all();
  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
  int ended_ = -1;
  std::optional<ProcessEnd> end_;
  std::optional<std::pair<std::string, std::string>> mark_;
};

struct RunLimits {
  std::chrono::milliseconds timeout{30'000};
  std::chrono::milliseconds grace{5'000};  ///< From SIGTERM to SIGKILL after the timeout or a stop.
  std::size_t output_bytes_max =
      64 * 1024;  ///< Of each of the two; the rest is read and thrown away.
};

/// A program that was run to its end. Its output is hostile text.
struct RunResult {
  ProcessEnd end;
  bool timed_out = false;  ///< What it did is unknown.
  bool stopped = false;    ///< Ended because of `stop`: what it did is unknown.
  bool truncated = false;
  std::string out;
  std::string err;
};

/// Runs a program to its end and ends what is left of its group. Fails only if it could not be
/// started: then nothing has happened.
Result<RunResult> run_program(const Program& program, const RunLimits& limits,
                              std::stop_token stop = {});

}  // namespace belay::monitor
