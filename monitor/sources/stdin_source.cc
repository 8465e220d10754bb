#include "monitor/sources/stdin_source.h"

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <poll.h>
#include <unistd.h>

#include "monitor/sources/log_feed.h"

namespace belay::monitor {
namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;
constexpr int kWaitMs = 100;
constexpr int kFullWaitMs = 10;

}  // namespace

StdinSource::StdinSource(LogParserOptions options, int fd)
    : options_(std::move(options)), fd_(fd) {}

void StdinSource::run(std::stop_token stop, Lane& lane, const Clock& clock) {
  LogFeed feed(options_, lane, clock);
  std::vector<char> buffer(kBufferBytes);
  bool ended = false;
  feed.set_health(rules::SourceHealth::alive);
  while (!stop.stop_requested()) {
    feed.beat();
    pollfd ready{.fd = ended || feed.is_full() ? -1 : fd_, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, ready.fd < 0 && !ended ? kFullWaitMs : kWaitMs) <= 0) continue;
    const ssize_t got = ::read(fd_, buffer.data(), buffer.size());
    if (got > 0) {
      feed.bytes({buffer.data(), static_cast<std::size_t>(got)});
      continue;
    }
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    ended = true;
    if (got == 0) {
      feed.finish();
      feed.set_health(rules::SourceHealth::down, "standard input ended");
    } else {
      feed.set_health(rules::SourceHealth::down,
                      std::string("standard input: ") + std::strerror(errno));
    }
  }
}

}  // namespace belay::monitor
