#pragma once

#include <optional>
#include <string>

#include "base/time.h"
#include "monitor/clock.h"
#include "monitor/config/config.h"
#include "monitor/doctor/finding.h"
#include "monitor/doctor/observation.h"

namespace belay::monitor {

struct DoctorOptions {
  Duration lasts = std::chrono::seconds{30};  ///< How long the sources are watched.
  bool send_test = false;                     ///< One message to every route.
  /// What a running daemon has seen, and where it answers; then no source is watched here.
  std::optional<Observation> seen_by_daemon = std::nullopt;
  std::string daemon;
};

/// Checks everything that a rollout will need, live: what cannot work, what could not be found out,
/// which rules cannot fire, and how much evidence each step will have. Changes nothing but what
/// `send_test` sends. Takes as long as `lasts`, where no daemon watches, and the calls besides.
Findings examine(const Config& config, const Clock& clock, const DoctorOptions& options);

}  // namespace belay::monitor
