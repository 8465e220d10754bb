#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "monitor/platform/platform.h"

namespace belay::monitor {

struct CommandOptions {
  /// Added to ours for both programs; what begins with BELAY_ is the order's.
  std::vector<std::pair<std::string, std::string>> environment{};
  std::vector<std::string> argv;     ///< Started as it stands, never through a shell.
  std::vector<std::string> written;  ///< argv before secrets were filled in: fit for messages.
  std::vector<std::string> verify;   ///< Empty: there is none.
  /// Moves traffic, instead of `argv`. Empty: it cannot be moved.
  std::vector<std::string> move;
  std::vector<std::string> move_written;
  std::chrono::milliseconds timeout{60'000};
  std::chrono::milliseconds verify_timeout{10'000};
};

/// Carries an order out by a program. Both programs get their evidence in the environment, never in
/// the arguments (absent values are empty):
///   BELAY_INTENT BELAY_SERVICE BELAY_RULE BELAY_REASON
///   BELAY_ACTION          "rollback", "reset_flag", "run" or "move"
///   BELAY_TARGET          version to put back, flag, command, or version to give traffic to
///   BELAY_PERCENT         of a move: what the candidate gets; the baseline gets the rest
///   BELAY_CANDIDATE BELAY_BASELINE
///   BELAY_METRIC BELAY_VALUE BELAY_THRESHOLD BELAY_SAMPLES     of the rule's first comparison
/// `verify` answers with its exit code: 0, what was asked for holds; 1, it does not; anything else,
/// it cannot be known. Without `verify` a run of unknown end (timeout, killed, a crash of ours) is
/// never repeated. With it a run that failed or had no clear end may be started once more, so the
/// program must bear that.
class CommandPlatform final : public Platform {
 public:
  explicit CommandPlatform(CommandOptions options) : options_(std::move(options)) {}

  Result<Standing> read(const rules::Order& order, std::stop_token stop) override;
  Status apply(const rules::Order& order, std::stop_token stop) override;
  [[nodiscard]] Trace trace(const rules::Order& order) const override;
  [[nodiscard]] std::string by_hand(const rules::Order& order) const override;
  [[nodiscard]] Duration step_max() const override {
    return Platform::step_max() + options_.timeout + 2 * options_.verify_timeout;
  }

 private:
  CommandOptions options_;
};

}  // namespace belay::monitor
