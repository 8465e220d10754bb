#pragma once

#include "monitor/config/config.h"
#include "monitor/doctor/finding.h"

namespace belay::monitor {

/// The machine that Belay runs on: the state directory and the clock.
Findings check_place(const Config& config);

/// The routes that people are told by. Without `send_test` only whether their hosts answer: nothing
/// is sent. With it one message goes to each, and says what it is.
Findings check_routes(const Config& config, bool send_test);

}  // namespace belay::monitor
