#pragma once

#include <optional>
#include <string>

#include "rules/event.h"
#include "rules/snapshot.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/seeded.h"

namespace belay::simulation {

/// The people on call for one service: they say something now and then, wanted or not, and answer
/// what waits for them.
class Operators {
 public:
  Operators(std::string service, Seeded chance) : service_(std::move(service)), chance_(chance) {}

  /// What one of them says now. `status`: what the daemon publishes.
  std::optional<rules::Event> say(const rules::ServiceStatus& status, Instant now, Duration span,
                                  const Faults& faults);
  /// From now on they are quick.
  void hurry() { patience_ = std::chrono::seconds{3}; }

 private:
  rules::OperatorCommand command(rules::OperatorCommand::Kind kind, const std::string& rollout,
                                 Instant now);
  std::optional<rules::Event> answer(const rules::RolloutStatus& rollout, Instant now);

  std::string service_;
  Seeded chance_;
  Duration patience_ = std::chrono::seconds{25};
  std::string waiting_;  // The rollout, and for what.
  Instant waiting_since_{};
  int words_ = 0;
};

}  // namespace belay::simulation
