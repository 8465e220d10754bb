#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/scripted_peer.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {

/// `belay run` in a directory of its own, and what it says there and on its metrics port.
class RunningDaemon {
 public:
  /// Writes belay.yaml: `metrics:` with a free port, and then `text`.
  void configure(const std::string& text) const;
  /// Puts a file beside it.
  void write(const std::string& name, const std::string& text) const {
    directory_.write(name, text);
  }
  void append(const std::string& name, const std::string& text) const;
  void start(const std::vector<std::string>& environment = {});
  void signal(int number) const { child_->signal(number); }
  /// Whether it has ended within a minute.
  bool ends();
  /// Its exit code after SIGTERM, -1 if it does not end.
  int stop();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }
  [[nodiscard]] std::string output() const;
  /// "STATUS BODY" of a page; empty if there is none.
  [[nodiscard]] std::string get(const std::string& path = "/metrics") const;

  // Each waits until it is so, or a minute.
  [[nodiscard]] bool shows(const std::string& text, const std::string& path = "/metrics") const;
  [[nodiscard]] bool hides(const std::string& text, const std::string& path = "/metrics") const;
  [[nodiscard]] bool says(const std::string& text) const;

 private:
  TemporaryDirectory directory_;
  std::uint16_t port_ = free_port();
  std::unique_ptr<ChildProcess> child_;
};

}  // namespace belay::test
