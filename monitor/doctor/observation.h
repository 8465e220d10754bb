#pragma once

#include <functional>
#include <stop_token>

#include "base/time.h"
#include "monitor/clock.h"
#include "monitor/config/config.h"
#include "rules/snapshot.h"

namespace belay::monitor {

/// What the configured sources gave in a while.
struct Observation {
  rules::Snapshot snapshot;
  Duration lasted{};
  bool is_of_daemon =
      false;  ///< A running daemon saw it (daemon_view.h), and sees what only it can.
};

/// Whether `belay doctor` can read a source beside a daemon without taking anything from it. Not
/// standard input, not what is pushed to the daemon; the platform is asked by itself.
bool is_observable(const SourceConfig& source);

/// Reads the observable sources for so long, with the engine judging and nobody acting.
Observation observe(const Config& config, const Clock& clock, Duration lasts,
                    const std::stop_token& stop = {});

}  // namespace belay::monitor
