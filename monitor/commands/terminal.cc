#include "monitor/commands/terminal.h"

#include <chrono>
#include <cstdlib>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "monitor/commands/exit_code.h"

namespace belay::monitor {
namespace {

constexpr long long kFirstAfterMs = 2'000;
constexpr long long kTerminalEveryMs = 200;
constexpr long long kLogEveryMs = 10'000;

long long steady_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

/// A terminal that knows escape sequences.
bool is_capable(std::FILE* stream) {
  const char* terminal = std::getenv("TERM");
  const bool is_dumb = terminal == nullptr || std::string_view{terminal} == "dumb";
  return !is_dumb && isatty(fileno(stream)) == 1;
}

}  // namespace

Style Style::of(std::FILE* stream) { return Style{is_capable(stream) && !is_set("NO_COLOR")}; }

std::string Style::wrap(std::string_view code, std::string_view text) const {
  return coloured_ ? fmt::format("\033[{}m{}\033[0m", code, text) : std::string{text};
}

bool print(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
         std::fflush(stdout) == 0;
}

int delivered(int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  pollfd reader{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
  const bool has_gone = ::poll(&reader, 1, 0) > 0 && (reader.revents & POLLERR) != 0;
  if (has_gone || code != kExitPass) return code;
  complain("standard output cannot be written: what was printed is not the whole result");
  return kExitUnavailable;
}

void complain(std::string_view message) {
  const Style style = Style::of(stderr);
  fmt::print(stderr, "{} {}\n", style.bold("belay:"), message);
}

Progress::Progress(bool wanted)
    : wanted_(wanted),
      terminal_(is_capable(stderr)),
      started_ms_(steady_ms()),
      next_ms_(started_ms_ + kFirstAfterMs) {}

Progress::~Progress() { erase(); }

bool Progress::due() { return wanted_ && steady_ms() >= next_ms_; }

void Progress::show(std::string_view text) {
  next_ms_ = steady_ms() + (terminal_ ? kTerminalEveryMs : kLogEveryMs);
  if (terminal_) {
    fmt::print(stderr, "\r\033[K{}", text);
    std::fflush(stderr);
    shown_ = true;
  } else {
    fmt::print(stderr, "{}\n", text);
  }
}

void Progress::erase() {
  if (!shown_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace belay::monitor
