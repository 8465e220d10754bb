#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/monitor/acting/cloudflare_peer.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {

/// A moment to kill a process at: as one of its threads enters a system call of this name for the
/// so-many-th time. strace counts for each name and thread.
struct KillPoint {
  std::string call;
  int number = 1;
};

/// One rollback by the real binary over Cloudflare's API on loopback, which behaves in one way:
/// killed at one point of its action, and perhaps at another of its recovery; then left in peace.
/// There must be exactly one deployment of ours, and nothing open.
class KillCase {
 public:
  KillCase(PeerBehaviour behaviour, KillPoint first, std::optional<KillPoint> second)
      : behaviour_(behaviour), first_(std::move(first)), second_(std::move(second)) {}

  /// To its end; some seconds, or half a minute.
  void run();

  /// Everything that went wrong; empty: nothing.
  [[nodiscard]] const std::string& fault() const { return fault_; }
  [[nodiscard]] std::string name() const;
  /// The first life came to the kill; false: it has no so-many-th call of that name.
  [[nodiscard]] bool was_killed() const { return was_killed_; }
  [[nodiscard]] bool was_killed_again() const { return was_killed_again_; }

  /// Every point of an action that nobody kills, as strace saw some: of each name as many numbers
  /// as the busiest thread made calls of it.
  struct Traced {
    std::vector<KillPoint> points;
    std::string fault;  ///< Empty: none.
  };
  static Traced trace(PeerBehaviour behaviour);

 private:
  void configure();
  void act_and_die(const std::vector<std::string>& tracing_words);
  void recover(const std::optional<KillPoint>& kill);
  void recover_until_closed();
  void check();

  [[nodiscard]] ChildProcess::Options belay(std::vector<std::string> words, const char* output,
                                            std::vector<std::string> before = {}) const;
  [[nodiscard]] ChildProcess::Options gate(const char* output) const;
  [[nodiscard]] bool says(const char* output, const std::string& text) const;
  [[nodiscard]] bool has_ended(const char* output) const;
  /// Waits, and lets the candidate serve errors meanwhile.
  bool serve_until(const std::function<bool()>& condition);
  void serve();
  struct Known {
    std::size_t intents = 0;
    std::size_t open = 0;
  };
  Known known();
  void fail(const std::string& what);

  const PeerBehaviour behaviour_;
  const KillPoint first_;
  const std::optional<KillPoint> second_;
  CloudflarePeer peer_;
  TemporaryDirectory place_;
  std::string fault_;
  bool was_killed_ = false;
  bool was_killed_again_ = false;
};

/// The points in what `strace -f -o` wrote, by name and then by number.
std::vector<KillPoint> points_of(const std::string& trace);

/// "applied then dropped", ...
const char* name_of(PeerBehaviour behaviour);

}  // namespace belay::test
