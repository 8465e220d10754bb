#include "monitor/process_mark.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace belay::monitor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kName = "BELAY_SUPERVISED";
/// Who forks faster than it is killed in so many rounds is left.
constexpr int kRoundsMax = 20;
constexpr milliseconds kKilledWithin{1000};

/// Processes as descriptors: a number may be another process's by the time it is used.
class Found {
 public:
  explicit Found(const std::string& entry) {
    std::error_code error;
    const std::filesystem::directory_iterator end;
    for (std::filesystem::directory_iterator at("/proc", error); !error && at != end;
         at.increment(error)) {
      const std::string name = at->path().filename().string();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      consider(std::stoi(name), entry);
    }
  }
  ~Found() {
    for (const pollfd& process : processes_) ::close(process.fd);
  }
  Found(const Found&) = delete;
  Found& operator=(const Found&) = delete;

  [[nodiscard]] bool empty() const { return processes_.empty(); }

  void signal(int number) const {
    for (const pollfd& process : processes_) {
      ::syscall(SYS_pidfd_send_signal, process.fd, number, nullptr, 0U);
    }
  }

  /// Until all have ended, at most so long.
  bool wait(milliseconds at_most) {
    const auto until = steady_clock::now() + at_most;
    for (pollfd& process : processes_) {
      const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
      const int ms = static_cast<int>(std::max(left, milliseconds{0}).count());
      if (::poll(&process, 1, ms) == 0) return false;
    }
    return true;
  }

 private:
  void consider(pid_t pid, const std::string& entry) {
    if (pid == ::getpid()) return;
    const int process = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (process < 0) return;
    // Read after the descriptor was made: if the number has changed hands, that one has ended.
    std::ifstream file("/proc/" + std::to_string(pid) + "/environ", std::ios::binary);
    const std::string environment{std::istreambuf_iterator<char>(file), {}};
    const std::size_t at = environment.find(entry);
    const bool is_entry = at != std::string::npos && (at == 0 || environment[at - 1] == '\0');
    if (is_entry) {
      processes_.push_back({.fd = process, .events = POLLIN, .revents = 0});
    } else {
      ::close(process);
    }
  }

  std::vector<pollfd> processes_;
};

}  // namespace

std::pair<std::string, std::string> make_process_mark() {
  static std::atomic<std::uint64_t> count{0};
  const auto now = steady_clock::now().time_since_epoch().count();
  return {kName,
          std::to_string(::getpid()) + "-" + std::to_string(now) + "-" + std::to_string(++count)};
}

void end_marked(const std::pair<std::string, std::string>& mark, milliseconds grace) {
  const std::string entry = mark.first + "=" + mark.second + std::string(1, '\0');
  const auto until = steady_clock::now() + grace;
  for (int round = 0; round < kRoundsMax; ++round) {
    Found found(entry);
    if (found.empty()) return;
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    if (left.count() > 0) {
      found.signal(SIGTERM);
      if (found.wait(left)) continue;
    }
    found.signal(SIGKILL);
    found.wait(kKilledWithin);
  }
}

}  // namespace belay::monitor
