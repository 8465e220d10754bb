#include "monitor/sources/log_generations.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include <sys/stat.h>

namespace belay::monitor {
namespace {

using Change = DirectoryWatch::Change;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// A writer that rotates faster than it is read must not take all our descriptors.
constexpr std::size_t kFilesMax = 64;
constexpr std::size_t kLateMax = 64;
constexpr std::size_t kNamesMax = 64;
/// How long a writer that has not noticed may still write to a file that was moved away.
constexpr Duration kLateFor = seconds{10};
/// How long a file may be between two names before it counts as missed.
constexpr Duration kMissingFor = milliseconds{100};
/// How long the word of a new file may come after the file itself.
constexpr Duration kUntoldFor = seconds{1};

std::filesystem::path directory_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

LogGenerations::LogGenerations(std::filesystem::path path, bool is_watched)
    : path_(std::move(path)),
      directory_(directory_of(path_)),
      name_(path_.filename().string()),
      watch_(directory_, is_watched) {}

Status LogGenerations::open_first(FollowedFile::Where where, Instant now) {
  well_at_ = now;
  Result<FollowedFile> opened = FollowedFile::open(path_, where);
  if (!opened) return opened.error();
  files_.push_back(std::move(opened).value());
  watch_.follow(files_.back().fd());
  // Whatever came before is not ours to count.
  watch_.changes();
  came_ = opened_ = 1;
  return Done{};
}

Status LogGenerations::look(Instant now) {
  for (const Change& change : watch_.changes()) take(change, now);
  // The older ones first: they came before what is under the path now.
  if (came_ - opened_ - told_ > 0) open_moved(now);
  const Status opened = open_path(now);
  settle(now);
  forget_late(now);
  return opened;
}

void LogGenerations::take(const Change& change, Instant now) {
  const bool is_ours = change.name == name_;
  switch (change.kind) {
    case Change::Kind::unsure:
      came_ = opened_;
      told_ = 0;
      if (now > well_at_ && opened_ > 0) tell("rotation_missed", now);
      break;
    case Change::Kind::came:
      if (is_ours) {
        ++came_;
      } else if (moving_ != 0 && change.cookie == moving_) {
        moved_to_.push_back(change.name);
        if (moved_to_.size() > kNamesMax) moved_to_.pop_front();
      }
      moving_ = 0;
      break;
    case Change::Kind::went:
      const bool was_ours = std::erase(moved_to_, change.name) > 0;
      moving_ = is_ours || was_ours ? change.cookie : 0;
      break;
  }
}

Status LogGenerations::open_path(Instant now) {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) {
    return Error{Error::Kind::not_found, path_.string() + ": " + std::strerror(errno)};
  }
  if (is_open(status.st_dev, status.st_ino) || files_.size() >= kFilesMax) return Done{};
  Result<FollowedFile> opened = FollowedFile::open(path_, FollowedFile::Where::beginning);
  if (!opened) return opened.error();
  if (is_open(*opened)) return Done{};
  const bool is_change = opened_ > 0;
  files_.push_back(std::move(opened).value());
  watch_.follow(files_.back().fd());
  ++opened_;
  if (watch_.is_watching()) return Done{};
  came_ = opened_;
  if (is_change) tell("rotation_unwatched", now);
  return Done{};
}

/// Files that left the path before they could be opened there.
void LogGenerations::open_moved(Instant now) {
  for (const std::string& name : moved_to_) {
    if (late_.size() >= 2 * kLateMax) return;
    Result<FollowedFile> opened =
        FollowedFile::open(directory_ / name, FollowedFile::Where::beginning);
    if (!opened || is_open(*opened)) continue;
    late_.push_back({.file = std::move(opened).value(), .at = now});
    ++opened_;
  }
}

void LogGenerations::settle(Instant now) {
  std::int64_t missing = came_ - opened_ - told_;
  if (missing < 0 && told_ > 0) {
    // It was found after all.
    told_ -= std::min(told_, -missing);
    missing = came_ - opened_ - told_;
  }
  if (missing == 0) {
    unequal_since_.reset();
    moved_to_.clear();
    well_at_ = now;
    return;
  }
  if (!unequal_since_) {
    unequal_since_ = now;
    missing_min_ = missing;
  }
  missing_min_ = std::min(missing_min_, missing);
  if (missing < 0) {
    if (now - *unequal_since_ < kUntoldFor) return;
    came_ -= missing;
    tell("rotation_unwatched", now);
  } else {
    if (now - *unequal_since_ < kMissingFor) return;
    if (missing_min_ > 0) {
      told_ += missing_min_;
      tell("rotation_missed", now);
    }
  }
  unequal_since_.reset();
}

void LogGenerations::tell(std::string reason, Instant now) {
  if (!gap_) gap_ = Gap{.since = well_at_, .reason = std::move(reason)};
  well_at_ = now;
}

std::optional<LogGenerations::Gap> LogGenerations::take_gap() {
  return std::exchange(gap_, std::nullopt);
}

void LogGenerations::finish_oldest(Instant now) {
  late_.push_back({.file = std::move(files_.front()), .at = now});
  files_.pop_front();
}

void LogGenerations::forget_late(Instant now) {
  while (!late_.empty() && (late_.size() > kLateMax || now - late_.front().at > kLateFor)) {
    if (late_.front().file.has_more()) tell("rotation_missed", now);
    late_.pop_front();
  }
}

bool LogGenerations::is_open(dev_t device, ino_t inode) const {
  const auto is_it = [&](const FollowedFile& file) { return file.is_same(device, inode); };
  return std::any_of(files_.begin(), files_.end(), is_it) ||
         std::any_of(late_.begin(), late_.end(),
                     [&](const Late& late) { return is_it(late.file); });
}

bool LogGenerations::is_open(const FollowedFile& file) const {
  return is_open(file.device(), file.inode());
}

}  // namespace belay::monitor
