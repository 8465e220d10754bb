#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "rules/event.h"
#include "tests/simulation/cloudflare.h"
#include "tests/simulation/traffic.h"

namespace belay::simulation {

/// What is true of the world, whoever knows it.
struct Truths {
  /// Why nobody may call this version of the service healthy now; nothing if somebody may.
  std::function<std::optional<std::string>(const std::string& service,
                                           const std::string& candidate)>
      why_not_healthy;
  /// Why nobody may say that it helped to take this version back; nothing if somebody may.
  std::function<std::optional<std::string>(const std::string& service,
                                           const std::string& candidate)>
      why_not_recovered;
  /// Whether somebody else than Belay has had his hands on what is deployed since `began`.
  std::function<bool(const rules::RolloutStarted& rollout, Instant began)> was_disturbed;
  /// The world's time, which no clock of the daemon's shows.
  std::function<Instant()> now;
};

/// By service, in the order of both. They must outlive it.
Truths truths_of(const std::vector<Worker>& workers, const std::vector<Traffic>& traffic,
                 const WorldTime& time);

}  // namespace belay::simulation
