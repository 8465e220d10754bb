#include "monitor/sources/directory_watch.h"

#include <array>
#include <cstring>
#include <utility>

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace belay::monitor {

DirectoryWatch::DirectoryWatch(std::filesystem::path directory, bool is_on)
    : directory_(std::move(directory)),
      fd_(is_on ? ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC) : -1) {
  watch_directory();
}

DirectoryWatch::~DirectoryWatch() {
  if (fd_ >= 0) ::close(fd_);
}

void DirectoryWatch::watch_directory() {
  if (fd_ < 0) return;
  directory_watch_ = ::inotify_add_watch(fd_, directory_.c_str(),
                                         IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                                             IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
}

void DirectoryWatch::follow(int file) {
  if (fd_ < 0) return;
  if (file_watch_ >= 0) ::inotify_rm_watch(fd_, file_watch_);
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  file_watch_ = ::inotify_add_watch(fd_, path.c_str(), IN_MODIFY);
}

std::vector<DirectoryWatch::Change> DirectoryWatch::changes() {
  std::vector<Change> changes;
  if (fd_ < 0) return changes;
  if (!is_watching()) {
    watch_directory();
    if (is_watching()) changes.push_back({.kind = Change::Kind::unsure, .name = {}});
  }
  alignas(inotify_event) std::array<char, 64 * 1024> buffer;
  ssize_t got = 0;
  while ((got = ::read(fd_, buffer.data(), buffer.size())) > 0) {
    for (const char* at = buffer.data(); at < buffer.data() + got;) {
      inotify_event event{};
      std::memcpy(&event, at, sizeof event);
      const char* name = at + sizeof event;
      at += sizeof event + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) {
        changes.push_back({.kind = Change::Kind::unsure, .name = {}});
      } else if (event.wd != directory_watch_) {
        continue;
      } else if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0) {
        if ((event.mask & IN_IGNORED) == 0) ::inotify_rm_watch(fd_, directory_watch_);
        directory_watch_ = -1;
        changes.push_back({.kind = Change::Kind::unsure, .name = {}});
      } else {
        const bool came = (event.mask & (IN_CREATE | IN_MOVED_TO)) != 0;
        changes.push_back({.kind = came ? Change::Kind::came : Change::Kind::went,
                           .name = std::string(name, ::strnlen(name, event.len)),
                           .cookie = event.cookie});
      }
    }
  }
  return changes;
}

void DirectoryWatch::wait(int at_most_ms) const {
  pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
  ::poll(&ready, 1, at_most_ms);
}

}  // namespace belay::monitor
