#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include <poll.h>
#include <unistd.h>

#include "monitor/process.h"

namespace belay::monitor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// How often a stop is looked for.
constexpr milliseconds kStopLook{50};

/// One output of the program, up to a bound.
class Output {
 public:
  Output(int fd, std::size_t bytes_max, std::string& text)
      : fd_(fd), bytes_max_(bytes_max), text_(text) {}

  [[nodiscard]] int fd() const { return fd_; }  ///< -1 at its end.
  [[nodiscard]] bool truncated() const { return truncated_; }

  void read_what_is_there() {
    std::array<char, 16 * 1024> buffer;
    while (fd_ >= 0) {
      const ssize_t got = ::read(fd_, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) {
        fd_ = -1;
        return;
      }
      const auto bytes = static_cast<std::size_t>(got);
      const std::size_t kept = std::min(bytes, bytes_max_ - text_.size());
      text_.append(buffer.data(), kept);
      truncated_ = truncated_ || kept < bytes;
      if (kept == 0) return;  // A program that never stops writing must not keep us here.
    }
  }

 private:
  int fd_;
  std::size_t bytes_max_;
  std::string& text_;
  bool truncated_ = false;
};

}  // namespace

Result<RunResult> run_program(const Program& program, const RunLimits& limits,
                              std::stop_token stop) {
  const auto until = steady_clock::now() + limits.timeout;
  Result<Process> started = Process::start(program);
  if (!started) return started.error();
  Process process = std::move(started).value();
  RunResult result;
  Output out(process.out(), limits.output_bytes_max, result.out);
  Output err(process.err(), limits.output_bytes_max, result.err);
  while (!process.ended()) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    result.stopped = stop.stop_requested();
    result.timed_out = !result.stopped && left.count() <= 0;
    if (result.stopped || result.timed_out) break;
    std::array<pollfd, 3> ready = {{{.fd = process.ended_fd(), .events = POLLIN, .revents = 0},
                                    {.fd = out.fd(), .events = POLLIN, .revents = 0},
                                    {.fd = err.fd(), .events = POLLIN, .revents = 0}}};
    ::poll(ready.data(), ready.size(), static_cast<int>(std::min(left, kStopLook).count()));
    out.read_what_is_there();
    err.read_what_is_there();
  }
  result.end = process.end(limits.grace);
  out.read_what_is_there();
  err.read_what_is_there();
  result.truncated = out.truncated() || err.truncated();
  return result;
}

}  // namespace belay::monitor
