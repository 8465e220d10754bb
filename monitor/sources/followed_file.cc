#include "monitor/sources/followed_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::monitor {
namespace {

constexpr std::size_t kHeadBytes = 256;

Error fault(const std::filesystem::path& path, int error) {
  const bool missing = error == ENOENT || error == ENOTDIR;
  return {missing ? Error::Kind::not_found : Error::Kind::failed,
          path.string() + ": " + std::strerror(error)};
}

/// Where the last line begins, so that a half written one is read whole; the end if it is too long
/// to be one.
off_t last_line(int fd, off_t size) {
  constexpr off_t kLineMax = 1024 * 1024;
  constexpr off_t kChunk = 64 * 1024;
  std::vector<char> chunk(kChunk);
  off_t end = size;
  while (end > 0 && size - end < kLineMax) {
    const off_t begin = std::max<off_t>(0, end - kChunk);
    const ssize_t got = ::pread(fd, chunk.data(), static_cast<std::size_t>(end - begin), begin);
    if (got <= 0) return size;
    for (ssize_t at = got; at > 0; --at) {
      if (chunk[static_cast<std::size_t>(at - 1)] == '\n') return begin + at;
    }
    end = begin;
  }
  return end == 0 ? 0 : size;
}

}  // namespace

Result<FollowedFile> FollowedFile::open(const std::filesystem::path& path, Where where) {
  FollowedFile file;
  file.fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status {};
  if (file.fd_ < 0 || ::fstat(file.fd_, &status) != 0) return fault(path, errno);
  if (!S_ISREG(status.st_mode)) {
    return Error{Error::Kind::invalid, path.string() + " is not a regular file"};
  }
  file.device_ = status.st_dev;
  file.inode_ = status.st_ino;
  if (where == Where::last_line) file.offset_ = last_line(file.fd_, status.st_size);
  file.learn_head();
  return file;
}

FollowedFile::FollowedFile(FollowedFile&& other) noexcept { *this = std::move(other); }

FollowedFile& FollowedFile::operator=(FollowedFile&& other) noexcept {
  if (this == &other) return *this;
  if (fd_ >= 0) ::close(fd_);
  fd_ = std::exchange(other.fd_, -1);
  device_ = other.device_;
  inode_ = other.inode_;
  offset_ = other.offset_;
  head_ = std::move(other.head_);
  return *this;
}

FollowedFile::~FollowedFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<FollowedFile::Chunk> FollowedFile::read(char* buffer, std::size_t bytes_max) {
  ssize_t got = 0;
  do {
    got = ::pread(fd_, buffer, bytes_max, offset_);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return Error{Error::Kind::failed, std::strerror(errno)};
  // After the read: what was written anew before it is not taken for the rest of the old text.
  if (is_rewritten()) {
    begin_anew();
    return Chunk{.is_anew = true};
  }
  const auto bytes = static_cast<std::size_t>(got);
  learn_head(buffer, bytes);
  offset_ += got;
  return Chunk{.bytes = bytes};
}

bool FollowedFile::has_more() const {
  struct stat status {};
  return ::fstat(fd_, &status) == 0 && status.st_size > offset_;
}

bool FollowedFile::is_rewritten() const {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) return false;
  std::string head(head_.size(), '\0');
  const ssize_t got = ::pread(fd_, head.data(), head.size(), 0);
  const bool is_same_text = got == static_cast<ssize_t>(head_.size()) && head == head_;
  return status.st_size < offset_ || !is_same_text;
}

void FollowedFile::begin_anew() {
  // A writer that does not append goes on where it was, and leaves a hole before it.
  const off_t data = ::lseek(fd_, 0, SEEK_DATA);
  offset_ = std::max<off_t>(data, 0);
  learn_head();
}

void FollowedFile::learn_head() {
  head_.resize(std::min(kHeadBytes, static_cast<std::size_t>(offset_)));
  const ssize_t got = ::pread(fd_, head_.data(), head_.size(), 0);
  head_.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
}

/// From what was read, not from the file: that may have another text by now.
void FollowedFile::learn_head(const char* read, std::size_t bytes) {
  const auto offset = static_cast<std::size_t>(offset_);
  if (head_.size() >= kHeadBytes || head_.size() < offset) return;
  const std::size_t known = std::min(head_.size() - offset, bytes);
  head_.append(read + known, std::min(bytes - known, kHeadBytes - head_.size()));
}

bool FollowedFile::is_same(dev_t device, ino_t inode) const {
  return device == device_ && inode == inode_;
}

}  // namespace belay::monitor
