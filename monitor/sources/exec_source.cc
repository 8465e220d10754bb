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
#include "monitor/sources/tail_loss.h"

namespace belay::monitor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kBufferBytes = 256 * 1024;
constexpr int kWaitMs = 100;
constexpr int kFullWaitMs = 10;
/// One that prints something and ends at once, again and again, has not come to work.
constexpr std::chrono::seconds kWorksAfter{5};
/// One that ends by itself may have been without its connection since it printed last. nats.go, in
/// `fly logs`, notices that within six minutes, and gives up after four more.
constexpr std::chrono::minutes kLostUnseenMax{10};
/// How long after its standard output a program may end by itself.
constexpr milliseconds kEndsWithin{1000};

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
    if (const auto loss = tail_loss_in(shown)) {
      const Duration before = std::max(loss->before, loss_ ? loss_->before : Duration{});
      // That it dropped something says nothing of a connection that was lost before.
      if (!loss_ || loss->after) loss_ = loss;
      loss_->before = before;
    }
    if (++lines_ <= kLinesLoggedMax) spdlog::warn("{}: {}", program_, shown);
    if (lines_ == kLinesLoggedMax) spdlog::warn("{}: its further lines are not shown", program_);
  }

  [[nodiscard]] const std::string& last() const { return last_; }
  /// What a line since the last call told of lost evidence.
  std::optional<TailLoss> take_loss() { return std::exchange(loss_, std::nullopt); }

 private:
  static constexpr std::size_t kLineBytesMax = 4096;
  static constexpr std::uint64_t kLinesLoggedMax = 20;  // Of one start: it may repeat itself.
  std::string program_;
  std::string line_;
  std::string last_;
  std::optional<TailLoss> loss_;
  std::uint64_t lines_ = 0;
};

/// One life of the program.
class Life {
 public:
  Life(Process& process, LogFeed& feed, Complaints& complaints, Backoff& backoff)
      : process_(process),
        feed_(feed),
        complaints_(complaints),
        backoff_(backoff),
        began_(feed.now()) {}

  /// Reads until it ends, or shuts its output, or `stop`.
  void follow(const std::stop_token& stop) {
    const auto began = steady_clock::now();
    while (!stop.stop_requested() && out_open_) {
      const bool full = feed_.is_full();
      std::array<pollfd, 3> ready = {
          {{.fd = full ? -1 : process_.out(), .events = POLLIN, .revents = 0},
           {.fd = err_open_ ? process_.err() : -1, .events = POLLIN, .revents = 0},
           {.fd = process_.ended_fd(), .events = POLLIN, .revents = 0}}};
      ::poll(ready.data(), ready.size(), full ? kFullWaitMs : kWaitMs);
      if (ready[1].revents != 0) read_err();
      const bool printed = ready[0].revents != 0 && read_out();
      const auto age = steady_clock::now() - began;
      if (printed && age >= kWorksAfter) backoff_.reset();
      note_loss(printed);
      if (!lost_since_ && (printed || age >= std::chrono::seconds{1})) {
        feed_.set_health(rules::SourceHealth::alive);
      }
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

  /// Since when evidence may have been lost, now that it has ended so.
  [[nodiscard]] Instant lost_since(const ProcessEnd& end) const {
    if (lost_since_) return *lost_since_;
    const Instant now = feed_.now();
    return end.signal != 0 ? now : std::max({began_, last_output_, now - kLostUnseenMax});
  }
  /// It lives, but has shut its standard output.
  [[nodiscard]] bool is_output_shut() const { return !out_open_; }

 private:
  bool read_out() {
    const ssize_t got = ::read(process_.out(), buffer_.data(), buffer_.size());
    if (got > 0) feed_.bytes({buffer_.data(), static_cast<std::size_t>(got)});
    out_open_ = got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
    return got > 0;
  }

  /// A tail that lost its connection gives nothing until it is connected again.
  void note_loss(bool printed) {
    const Instant now = feed_.now();
    if (const auto loss = complaints_.take_loss(); loss && loss->after) {
      const Instant since = std::max(now - loss->before, last_output_);
      lost_since_ = std::min(lost_since_.value_or(since), since);
      connects_at_ = now + *loss->after;
      connected_by_ = connects_at_ + loss->within;
      feed_.set_health(rules::SourceHealth::down, complaints_.last());
    } else if (loss) {
      feed_.gap(now - loss->before, "dropped");
    }
    if (printed) last_output_ = now;
    if (!lost_since_) return;
    // What is printed before that was still under way when the connection broke.
    const bool is_back = printed && now >= connects_at_;
    if (!is_back && now < connected_by_) return;
    feed_.gap(*lost_since_, "reconnect");
    lost_since_.reset();
  }

  Process& process_;
  LogFeed& feed_;
  Complaints& complaints_;
  Backoff& backoff_;
  std::vector<char> buffer_ = std::vector<char>(kBufferBytes);
  bool out_open_ = true;
  bool err_open_ = true;
  const Instant began_;
  Instant last_output_ = Instant::min();
  std::optional<Instant> lost_since_;
  Instant connects_at_{};
  Instant connected_by_{};
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
  const std::string program = options_.argv.empty() ? "" : options_.argv.front();
  const std::string name = sanitize(program.substr(program.rfind('/') + 1), 80);
  feed.set_health(rules::SourceHealth::down, name + " is starting");
  std::optional<Instant> ended_at;
  while (!stop.stop_requested()) {
    Result<Process> started = Process::start({.argv = options_.argv, .leaves_nothing = true});
    if (!started) {
      feed.set_health(rules::SourceHealth::down, sanitize(started.error().message));
    } else {
      if (ended_at) feed.gap(*ended_at, "restart");
      Process process = std::move(started).value();
      Complaints complaints(name);
      Life life(process, feed, complaints, backoff);
      life.follow(stop);
      const bool asked = stop.stop_requested();
      // A program that ends shuts its output a moment before.
      const bool shut = life.is_output_shut() && !process.ends_within(kEndsWithin);
      const ProcessEnd end = process.end(options_.grace);
      life.read_err();
      complaints.end_line();
      end.success() && !asked ? feed.finish() : feed.reset();
      if (asked) break;
      ended_at = life.lost_since(end);
      const std::string why = complaints.last().empty() ? "" : ": " + complaints.last();
      const std::string how = shut ? " shut its standard output" : " ended, " + end.text();
      feed.set_health(rules::SourceHealth::down, name + how + why);
    }
    wait_beating(feed, stop, backoff.next());
  }
}

}  // namespace belay::monitor
