#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "exporters/sink.h"
#include "monitor/commands/terminal.h"
#include "monitor/rollout_result.h"
#include "rules/snapshot.h"

namespace belay::monitor {

/// What the rollout `id` came to (result_of); nothing while it goes on, or while any action of the
/// service is on its way. Pure. One that failed while an earlier rollout of its candidate was being
/// undone, by an intent in `resumed` (it was open when we began), came to what that one came to.
std::optional<RolloutResult> gate_result(const rules::ServiceStatus& service, const std::string& id,
                                         const std::set<std::string>& resumed = {});

/// "no request of v9 was seen; seen were v1 (830 requests)": the id may be a wrong one. Empty if
/// the candidate was seen, or no version was.
std::string why_not_seen(const rules::ServiceStatus& service, const std::string& candidate);

/// What an action that has no result yet is at.
std::string progress_of(const rules::ActionStatus& action);

/// What a gate of its own that is interrupted leaves behind.
std::string interruption_of(const std::optional<rules::ServiceStatus>& service);

/// The verdict as the last line of a gate: first the cause, then what came since, both whole.
std::string text_of(const RolloutResult& result, const Style& style);

/// Collects what concerns the gate of one service on the engine's thread, for the main thread to
/// show.
class GateWatch : public exporters::Sink {
 public:
  /// `id`: of the rollout, as RolloutStarted tells it. A gate that an earlier one left behind has
  /// another.
  GateWatch(std::string service, std::string candidate, std::string id);

  void publish(const rules::Snapshot& snapshot) override;
  void notify(const rules::Notice& notice) override;

  /// Notices since the last call.
  std::vector<rules::Notice> take_notices();
  /// The service as of the newest snapshot.
  [[nodiscard]] std::optional<rules::ServiceStatus> status() const;
  /// What it came to, once it has. A fail says why nothing was done, an unknown whether the
  /// candidate was seen at all.
  [[nodiscard]] std::optional<RolloutResult> result() const;

 private:
  const std::string service_;
  const std::string candidate_;
  const std::string id_;
  mutable std::mutex mutex_;
  std::vector<rules::Notice> notices_;
  std::string not_acted_;  ///< The headline that said so last.
  std::optional<rules::ServiceStatus> status_;
  std::set<std::string> resumed_;  // Intents that were seen open. On the engine's thread only.
  std::optional<RolloutResult> result_;
};

}  // namespace belay::monitor
