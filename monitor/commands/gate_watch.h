#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "exporters/sink.h"
#include "monitor/commands/exit_code.h"
#include "rules/snapshot.h"

namespace belay::monitor {

/// What a gate came to: its exit code, and one line for people.
struct GateResult {
  ExitCode code = kExitUnknown;
  std::string why;
  bool operator==(const GateResult&) const = default;
};

/// Nothing while the gate runs, an action is on its way, or its effect is still watched. Pure.
std::optional<GateResult> gate_result(const rules::ServiceStatus& service);

/// Collects what concerns the gate of one service on the engine's thread, for the main thread to
/// show.
class GateWatch : public exporters::Sink {
 public:
  GateWatch(std::string service, std::string candidate);

  void publish(const rules::Snapshot& snapshot) override;
  void notify(const rules::Notice& notice) override;

  /// Notices since the last call.
  std::vector<rules::Notice> take_notices();
  /// The service as of the newest snapshot.
  [[nodiscard]] std::optional<rules::ServiceStatus> status() const;
  /// Set once the same result was seen in two snapshots: the next rung of `on fail` begins a step
  /// later.
  [[nodiscard]] std::optional<GateResult> result() const;

 private:
  const std::string service_;
  const std::string candidate_;
  mutable std::mutex mutex_;
  std::vector<rules::Notice> notices_;
  std::optional<rules::ServiceStatus> status_;
  std::optional<GateResult> seen_;
  std::optional<GateResult> result_;
};

}  // namespace belay::monitor
