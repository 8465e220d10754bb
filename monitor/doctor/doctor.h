#pragma once

#include "base/time.h"
#include "monitor/clock.h"
#include "monitor/config/config.h"
#include "monitor/doctor/finding.h"

namespace belay::monitor {

struct DoctorOptions {
  Duration lasts = std::chrono::seconds{30};  ///< How long the sources are watched.
  bool send_test = false;                     ///< One message to every route.
};

/// Checks everything that a rollout will need, live: what cannot work, what could not be found out,
/// which rules cannot fire, and how much evidence each step will have. Changes nothing but what
/// `send_test` sends. Takes as long as `lasts` and the calls besides.
Findings examine(const Config& config, const Clock& clock, const DoctorOptions& options);

}  // namespace belay::monitor
