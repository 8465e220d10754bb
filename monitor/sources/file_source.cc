#include "monitor/sources/file_source.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/sanitize.h"
#include "monitor/sources/followed_file.h"
#include "monitor/sources/log_feed.h"
#include "monitor/sources/log_generations.h"

namespace belay::monitor {
namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;
constexpr int kFullWaitMs = 10;
constexpr int kWaitMs = 100;
/// How long the writer of a renamed file may be quiet before it counts as gone, and a file may be
/// missing before it counts as lost.
constexpr Duration kQuiet = std::chrono::seconds{1};

class Follower {
 public:
  Follower(const FileSourceOptions& options, LogFeed& feed)
      : options_(options),
        feed_(feed),
        generations_(options.path, options.is_watched),
        buffer_(kBufferBytes) {}

  /// One look at the path and one read, and a wait if there was nothing to see.
  void step() {
    look();
    if (feed_.is_full()) return generations_.wait(kFullWaitMs);
    if (generations_.files().empty()) {
      read_late();
      return generations_.wait(kWaitMs);
    }
    const Read got = read_oldest();
    last_look_ = feed_.now();
    if (got == Read::some || read_late()) return;
    if (got == Read::end && may_go_over()) return go_over();
    generations_.wait(kWaitMs);
  }

 private:
  enum class Read { some, end, failed };

  void look() {
    const Instant now = feed_.now();
    const Status path = is_first_look_ ? open_first(now) : generations_.look(now);
    is_first_look_ = false;
    if (const auto gap = generations_.take_gap()) feed_.gap(gap->since, gap->reason);
    if (path) {
      missing_since_.reset();
      if (!has_failed_) feed_.set_health(rules::SourceHealth::alive);
      return;
    }
    if (!missing_since_) missing_since_ = now;
    // Between the two halves of a rotation there is no file for a moment.
    if (generations_.files().empty() || now - *missing_since_ >= kQuiet) down(path.error().message);
  }

  Status open_first(Instant now) {
    return generations_.open_first(
        options_.from_beginning ? FollowedFile::Where::beginning : FollowedFile::Where::last_line,
        now);
  }

  void down(const std::string& why) { feed_.set_health(rules::SourceHealth::down, sanitize(why)); }

  Read read_oldest() {
    FollowedFile& file = generations_.files().front();
    const Result<FollowedFile::Chunk> got = file.read(buffer_.data(), buffer_.size());
    has_failed_ = !got;
    if (!got) {
      down(options_.path.string() + ": " + got.error().message);
      return Read::failed;
    }
    if (got->is_anew) {
      feed_.reset();
      is_between_lines_ = true;
      feed_.gap(last_look_, "truncated");
      return Read::some;
    }
    if (got->bytes == 0) return Read::end;
    feed_.bytes({buffer_.data(), got->bytes});
    is_between_lines_ = buffer_[got->bytes - 1] == '\n';
    last_growth_ = feed_.now();
    return Read::some;
  }

  /// The path leads to another file: whether its writer has gone on to that one.
  [[nodiscard]] bool may_go_over() {
    const auto& files = generations_.files();
    return files.size() > 1 && (files[1].has_more() || feed_.now() - last_growth_ >= kQuiet);
  }

  void go_over() {
    if (read_oldest() == Read::some) return;  // Its writer goes on after all.
    feed_.finish();
    is_between_lines_ = true;
    last_growth_ = feed_.now();
    generations_.finish_oldest(last_growth_);
  }

  /// What came to files after their time, where it does not tear a line of the one being read.
  bool read_late() {
    bool any = false;
    for (LogGenerations::Late& late : generations_.late()) {
      if (!is_between_lines_ || feed_.is_full()) return any;
      if (late.file.has_more()) any = read_late(late) || any;
    }
    return any;
  }

  bool read_late(LogGenerations::Late& late) {
    const Result<FollowedFile::Chunk> got = late.file.read(buffer_.data(), buffer_.size());
    if (!got || got->bytes == 0) return false;
    std::string_view text(buffer_.data(), got->bytes);
    const std::size_t newline = text.rfind('\n');
    const bool is_whole = newline == text.size() - 1;
    // Half a line may yet become a whole one; if nothing more comes it is one as it is.
    const bool is_last = text.size() == buffer_.size() || feed_.now() - late.at >= kQuiet;
    if (!is_whole && !is_last) {
      const std::size_t lines = newline == std::string_view::npos ? 0 : newline + 1;
      late.file.give_back(text.size() - lines);
      text = text.substr(0, lines);
      if (text.empty()) return false;
    }
    feed_.bytes(text);
    if (!is_whole && is_last) feed_.finish();
    late.at = feed_.now();
    return true;
  }

  const FileSourceOptions& options_;
  LogFeed& feed_;
  LogGenerations generations_;
  std::vector<char> buffer_;
  bool is_first_look_ = true;
  bool has_failed_ = false;
  bool is_between_lines_ = true;
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
