#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/slack_peer.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {

/// Where the real binary gates a rollout: the service "shop" with a log that grows as its versions
/// answer, a platform made of one file (`live`, which names the version that has all the traffic,
/// or "v2 10%" while v2 is rolled out), and someone who is paged.
class GateWorld {
 public:
  /// One request that a version has answered.
  struct Answer {
    std::string version;
    int status = 200;
  };
  /// What is asked and answered in 25 ms. Called by the thread that writes the log.
  using Traffic = std::function<std::vector<Answer>()>;

  /// A configuration; every part is a line of YAML.
  struct Settings {
    std::string mode = "enforce";
    std::string platform = kFilePlatform;
    std::string logs = "{ file: shop.log }";
    std::string on_fail = "[rollback]";
    std::string rules = kRules;
    std::string of_service;  ///< More of the service, one line: `probes: …`, `flags: …`.
    std::string of_rollout;  ///< More of its `rollout`, one line: `preflight: …`.
    std::string services;    ///< More services, a line each.
    std::string of_notify;   ///< More of `notify`, one line.
    std::string metrics = "127.0.0.1:0";
    std::string more;  ///< Top-level lines: `flags: …`, `platforms: …`.
  };
  static constexpr const char* kRules =
      "rules:\n"
      "  - name: shop-errors\n"
      "    when: error rate > 20% over 5s, min 20 requests, for 1s\n"
      "    then: rollback\n";
  /// Puts `$BELAY_TARGET` into the file `live`, after noting a line in `runs`.
  static constexpr const char* kFilePlatform =
      "{ command: { rollback: [sh, -c, 'echo run >> runs; echo $BELAY_TARGET > live'], "
      "verify: [sh, -c, 'test \"$(cat live)\" = $BELAY_TARGET'] } }";

  GateWorld();
  ~GateWorld();
  GateWorld(const GateWorld&) = delete;
  GateWorld& operator=(const GateWorld&) = delete;

  void configure(const Settings& settings) const;
  /// From now on the log grows.
  void serve(Traffic traffic);
  /// Traffic of a usual rollout: half of it goes to `candidate` until something else is live.
  /// The candidate answers as `candidate_status` says, all others 200.
  Traffic rollout(const std::string& candidate, const std::string& baseline,
                  std::function<int()> candidate_status) const;

  /// `belay gate --standalone --service shop` from v1 to v2, if `arguments` names no others.
  [[nodiscard]] ChildProcess::Options gate(std::vector<std::string> arguments = {}) const;
  [[nodiscard]] ChildProcess::Options run() const;
  /// Waits until `text` was printed.
  [[nodiscard]] bool says(const std::string& text) const;
  [[nodiscard]] std::string output() const;

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }
  /// The content of a file of the directory, without the line break at its end.
  [[nodiscard]] std::string line_of(const std::string& file) const;
  [[nodiscard]] int lines_of(const std::string& file) const;
  /// For `${file:NAME}` in a configuration.
  void write_secret(const std::string& name, const std::string& secret) const;
  /// Where Slack is told, which is a secret.
  [[nodiscard]] std::string webhook() const;
  /// Everything that was posted to Slack.
  [[nodiscard]] std::string pages();

 private:
  [[nodiscard]] ChildProcess::Options program(std::vector<std::string> arguments) const;
  void write_log(const Traffic& traffic, std::stop_token stop) const;

  TemporaryDirectory directory_;
  SlackPeer slack_;
  std::jthread traffic_;
};

}  // namespace belay::test
