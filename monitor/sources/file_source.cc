#include "monitor/sources/file_source.h"

#include <array>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sanitize.h"
#include "monitor/sources/followed_file.h"
#include "monitor/sources/log_feed.h"

namespace belay::monitor {
namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;
constexpr int kReadsPerLook = 16;
constexpr int kFullWaitMs = 10;
constexpr int kWaitMs = 100;
/// How long the writer of a renamed file may be quiet before it counts as gone, and a file may be
/// missing before it counts as lost.
constexpr Duration kQuiet = std::chrono::seconds{1};

/// Wakes a wait when a file grows. Without it (no inotify left) the wait takes its time.
class Watch {
 public:
  Watch() : fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}
  ~Watch() {
    if (fd_ >= 0) ::close(fd_);
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  void follow(int file) {
    if (fd_ < 0) return;
    if (watched_ >= 0) ::inotify_rm_watch(fd_, watched_);
    const std::string path = "/proc/self/fd/" + std::to_string(file);
    watched_ = ::inotify_add_watch(fd_, path.c_str(), IN_MODIFY | IN_MOVE_SELF | IN_ATTRIB);
  }

  void wait(int at_most_ms) {
    pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, at_most_ms) <= 0) return;
    std::array<char, 4096> events;
    while (::read(fd_, events.data(), events.size()) > 0) {
    }
  }

 private:
  int fd_;
  int watched_ = -1;
};

class Follower {
 public:
  Follower(const FileSourceOptions& options, LogFeed& feed)
      : options_(options), feed_(feed), buffer_(kBufferBytes) {}

  /// One look at the file, and a wait if there was nothing to see.
  void step() {
    if (!file_) {
      open_first();
      if (!file_) return watch_.wait(kWaitMs);
    }
    if (file_->restart_if_rewritten()) {
      feed_.reset();
      feed_.gap(last_look_, "truncated");
    }
    const Read got = read();
    last_look_ = feed_.now();
    if (got == Read::some) return feed_.is_full() ? watch_.wait(kFullWaitMs) : void();
    if (got == Read::all) look_at_path();
    watch_.wait(kWaitMs);
  }

 private:
  void open_first() {
    const bool from_end = is_first_look_ && !options_.from_beginning;
    is_first_look_ = false;
    Result<FollowedFile> opened = FollowedFile::open(
        options_.path, from_end ? FollowedFile::Where::last_line : FollowedFile::Where::beginning);
    if (!opened) return down(opened.error().message);
    adopt(std::move(opened).value());
  }

  void adopt(FollowedFile file) {
    file_ = std::move(file);
    watch_.follow(file_->fd());
    last_look_ = last_growth_ = feed_.now();
    feed_.set_health(rules::SourceHealth::alive);
  }

  void down(const std::string& why) { feed_.set_health(rules::SourceHealth::down, sanitize(why)); }

  enum class Read { some, all, failed };

  Read read() {
    for (int i = 0; i < kReadsPerLook && !feed_.is_full(); ++i) {
      const Result<std::size_t> got = file_->read(buffer_.data(), buffer_.size());
      if (!got) {
        down(options_.path.string() + ": " + got.error().message);
        return Read::failed;
      }
      if (*got == 0) return Read::all;
      feed_.bytes({buffer_.data(), *got});
      last_growth_ = feed_.now();
      feed_.beat();
    }
    return Read::some;
  }

  void look_at_path() {
    struct stat status {};
    if (::stat(options_.path.c_str(), &status) != 0) {
      const int error = errno;
      const Instant now = feed_.now();
      if (!missing_since_) missing_since_ = now;
      if (now - *missing_since_ < kQuiet) return;
      return down(options_.path.string() + ": " + std::strerror(error));
    }
    missing_since_.reset();
    if (file_->is_same(status.st_dev, status.st_ino)) {
      return feed_.set_health(rules::SourceHealth::alive);
    }
    const bool moved_on = status.st_size > 0 || feed_.now() - last_growth_ >= kQuiet;
    if (moved_on) go_over();
  }

  /// The path leads to another file: reads the last of the old one, and takes the new one.
  void go_over() {
    Result<FollowedFile> next = FollowedFile::open(options_.path, FollowedFile::Where::beginning);
    if (!next) return down(next.error().message);
    if (read() == Read::some) return;  // Its writer goes on after all, or the lane is full: later.
    feed_.finish();
    adopt(std::move(next).value());
  }

  const FileSourceOptions& options_;
  LogFeed& feed_;
  std::vector<char> buffer_;
  std::optional<FollowedFile> file_;
  Watch watch_;
  bool is_first_look_ = true;
  Instant last_look_{};
  Instant last_growth_{};
  std::optional<Instant> missing_since_;
};

}  // namespace

FileSource::FileSource(FileSourceOptions options) : options_(std::move(options)) {}

void FileSource::run(std::stop_token stop, Lane& lane, const Clock& clock) {
  LogFeed feed(options_.parser, lane, clock);
  Follower follower(options_, feed);
  while (!stop.stop_requested()) {
    follower.step();
    feed.beat();
  }
}

}  // namespace belay::monitor
