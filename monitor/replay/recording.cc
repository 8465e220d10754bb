#include "monitor/replay/recording.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::monitor {
namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;

/// Closes what was opened; the standard input stays.
class Descriptor {
 public:
  explicit Descriptor(const std::string& path)
      : fd_(path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Descriptor() {
    if (fd_ > STDIN_FILENO) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

Error cannot_read(const std::string& path) {
  return {Error::Kind::invalid, fmt::format("cannot read {}: {}", path, std::strerror(errno))};
}

Status read_mapped(int fd, std::size_t size, const std::string& path,
                   const std::function<bool(std::string_view)>& piece) {
  void* const mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (mapped == MAP_FAILED) return cannot_read(path);
  madvise(mapped, size, MADV_SEQUENTIAL);
  const std::string_view bytes{static_cast<const char*>(mapped), size};
  for (std::size_t at = 0; at < size; at += kPieceBytes) {
    if (!piece(bytes.substr(at, kPieceBytes))) break;
  }
  munmap(mapped, size);
  return Done{};
}

Status read_stream(int fd, const std::string& path,
                   const std::function<bool(std::string_view)>& piece) {
  std::vector<char> buffer(kPieceBytes);
  for (;;) {
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got == 0) return Done{};
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot_read(path);
    if (!piece({buffer.data(), static_cast<std::size_t>(got)})) return Done{};
  }
}

}  // namespace

Status read_recording(const std::string& path, const std::function<bool(std::string_view)>& piece) {
  const Descriptor file{path};
  struct stat status {};
  if (file.get() < 0 || fstat(file.get(), &status) != 0) return cannot_read(path);
  if (S_ISDIR(status.st_mode)) {
    return Error{Error::Kind::invalid, fmt::format("{} is a directory: name its files", path)};
  }
  if (S_ISREG(status.st_mode) && status.st_size > 0) {
    return read_mapped(file.get(), static_cast<std::size_t>(status.st_size), path, piece);
  }
  return read_stream(file.get(), path, piece);
}

std::optional<std::uint64_t> line_of_event(const std::string& path, LogParserOptions options,
                                           std::uint64_t event) {
  if (path == "-") return std::nullopt;
  LogParser parser{std::move(options)};
  std::vector<rules::Event> events;
  std::uint64_t seen = 0;
  std::uint64_t line = 0;
  std::optional<std::uint64_t> found;
  const auto count = [&] {
    if (event - seen < events.size()) found = line;
    seen += events.size();
    events.clear();
  };
  const Status read = read_recording(path, [&](std::string_view piece) {
    while (!piece.empty() && !found) {
      const std::size_t end = std::min(piece.find('\n'), piece.size() - 1) + 1;
      // A line that a piece cuts is counted once, where it ends.
      if (piece[end - 1] == '\n') ++line;
      parser.feed(piece.substr(0, end), Instant{}, events);
      count();
      piece.remove_prefix(end);
    }
    return !found;
  });
  if (!read) return std::nullopt;
  if (!found) {
    ++line;
    parser.finish(Instant{}, events);
    count();
  }
  return found;
}

}  // namespace belay::monitor
