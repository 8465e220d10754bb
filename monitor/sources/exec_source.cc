#include "monitor/sources/exec_source.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <utility>

#include <poll.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "base/sanitize.h"
#include "monitor/process.h"
#include "monitor/sources/backoff.h"
#include "monitor/sources/cadence.h"
#include "monitor/sources/log_feed.h"

namespace belay::monitor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kBufferBytes = 256 * 1024;
constexpr int kWaitMs = 100;
constexpr int kFullWaitMs = 10;

/// Standard error, line by line: to the log, and the last one for whoever asks why.
class Complaints {
 public:
  explicit Complaints(std::string program) : program_(std::move(program)) {}

  void add(std::string_view bytes) {
    for (const char c : bytes) {
      if (c == '\n') {
        end_line();
      } else if (line_.size() < kLineBytesMax) {
        line_ += c;
      }
    }
  }

  void end_line() {
    const std::string shown = sanitize(std::exchange(line_, {}));
    if (shown.find_first_not_of(' ') == std::string::npos) return;
    last_ = shown;
    if (++lines_ <= kLinesLoggedMax) spdlog::warn("{}: {}", program_, shown);
    if (lines_ == kLinesLoggedMax) spdlog::warn("{}: its further lines are not shown", program_);
  }

  [[nodiscard]] const std::string& last() const { return last_; }

 private:
  static constexpr std::size_t kLineBytesMax = 4096;
  static constexpr std::uint64_t kLinesLoggedMax = 20;  // Of one start: it may repeat itself.
  std::string program_;
  std::string line_;
  std::string last_;
  std::uint64_t lines_ = 0;
};

/// One life of the program.
class Life {
 public:
  Life(Process& process, LogFeed& feed, Complaints& complaints, Backoff& backoff)
      : process_(process), feed_(feed), complaints_(complaints), backoff_(backoff) {}

  /// Reads until it ends, or shuts its output, or `stop`.
  void follow(const std::stop_token& stop) {
    const auto alive_at = steady_clock::now() + std::chrono::seconds{1};
    while (!stop.stop_requested() && out_open_) {
      const bool full = feed_.is_full();
      std::array<pollfd, 3> ready = {
          {{.fd = full ? -1 : process_.out(), .events = POLLIN, .revents = 0},
           {.fd = err_open_ ? process_.err() : -1, .events = POLLIN, .revents = 0},
           {.fd = process_.ended_fd(), .events = POLLIN, .revents = 0}}};
      ::poll(ready.data(), ready.size(), full ? kFullWaitMs : kWaitMs);
      if (ready[1].revents != 0) read_err();
      const bool printed = ready[0].revents != 0 && read_out();
      if (printed) backoff_.reset();
      if (printed || steady_clock::now() >= alive_at) feed_.set_health(rules::SourceHealth::alive);
      feed_.beat();
      // What it left in the pipe is read first; a child of its own may hold the pipe for ever.
      if (ready[2].revents != 0 && ready[0].revents == 0 && !full) return;
    }
  }

  void read_err() {
    const ssize_t got = ::read(process_.err(), buffer_.data(), buffer_.size());
    if (got > 0) complaints_.add({buffer_.data(), static_cast<std::size_t>(got)});
    err_open_ = got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
  }

 private:
  bool read_out() {
    const ssize_t got = ::read(process_.out(), buffer_.data(), buffer_.size());
    if (got > 0) feed_.bytes({buffer_.data(), static_cast<std::size_t>(got)});
    out_open_ = got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
    return got > 0;
  }

  Process& process_;
  LogFeed& feed_;
  Complaints& complaints_;
  Backoff& backoff_;
  std::vector<char> buffer_ = std::vector<char>(kBufferBytes);
  bool out_open_ = true;
  bool err_open_ = true;
};

void wait_beating(LogFeed& feed, const std::stop_token& stop, milliseconds wait) {
  constexpr milliseconds kBeat{50};
  const auto until = steady_clock::now() + wait;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    if (left.count() <= 0 || !wait_for(std::min(left, kBeat), stop)) return;
    feed.beat();
  }
}

}  // namespace

ExecSource::ExecSource(ExecSourceOptions options) : options_(std::move(options)) {}

void ExecSource::run(std::stop_token stop, Lane& lane, const Clock& clock) {
  LogFeed feed(options_.parser, lane, clock);
  Backoff backoff(options_.backoff_min, options_.backoff_max);
  const std::string name = options_.argv.empty() ? "" : sanitize(options_.argv.front(), 80);
  feed.set_health(rules::SourceHealth::down, name + " is starting");
  std::optional<Instant> ended_at;
  while (!stop.stop_requested()) {
    Result<Process> started = Process::start({.argv = options_.argv});
    if (!started) {
      feed.set_health(rules::SourceHealth::down, sanitize(started.error().message));
    } else {
      if (ended_at) feed.gap(*ended_at, "restart");
      Process process = std::move(started).value();
      Complaints complaints(name);
      Life life(process, feed, complaints, backoff);
      life.follow(stop);
      const bool asked = stop.stop_requested();
      const ProcessEnd end = process.end(options_.grace);
      life.read_err();
      complaints.end_line();
      end.success() && !asked ? feed.finish() : feed.reset();
      if (asked) break;
      ended_at = feed.now();
      const std::string why = complaints.last().empty() ? "" : ": " + complaints.last();
      feed.set_health(rules::SourceHealth::down, name + " ended, " + end.text() + why);
    }
    wait_beating(feed, stop, backoff.next());
  }
}

}  // namespace belay::monitor
