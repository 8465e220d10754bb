#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "monitor/process.h"

namespace belay::monitor {

/// What the demo watches: the shop as a child process, and the people who use it. Nothing in here
/// knows of Belay's own parts, and they know nothing of it: they meet at a log file, a URL and a
/// command.
class DemoWorld {
 public:
  /// A directory of its own for the log, the configuration and the state; gone at the end.
  static Result<std::unique_ptr<DemoWorld>> start();
  ~DemoWorld();
  DemoWorld(const DemoWorld&) = delete;
  DemoWorld& operator=(const DemoWorld&) = delete;

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] std::string url() const;
  /// Of our own executable, for the command that deploys.
  [[nodiscard]] static std::string belay();

  /// Writes belay.yaml and rules.yaml. `metrics` is an address.
  Status write_configuration(const std::string& metrics) const;
  [[nodiscard]] std::filesystem::path configuration() const { return directory_ / "belay.yaml"; }

  /// What Slack was told: the fallback text of each message.
  [[nodiscard]] std::vector<std::string> slack_messages() const;

 private:
  DemoWorld() = default;
  Status start_service();
  void use(std::uint64_t user, std::stop_token stop) const;

  std::filesystem::path directory_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Process> service_;
  std::vector<std::jthread> users_;
};

/// What `belay demo-switch` does: splits the traffic so (or with `only_look` tells whether it is),
/// by HTTP. Exit code 0 if so.
int switch_demo(const std::string& url, const std::map<std::string, int>& split, bool only_look);

}  // namespace belay::monitor
