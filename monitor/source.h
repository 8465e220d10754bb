#pragma once

#include <stop_token>

#include "monitor/clock.h"
#include "monitor/inbox.h"

namespace belay::monitor {

/// A stream of evidence from one place outside. The daemon gives each source a thread of its own;
/// nothing else calls it.
class Source {
 public:
  virtual ~Source() = default;

  /// Blocks until `stop`, and returns within a second of it (or of the end of a program of its own,
  /// which has a grace). A lost connection is the source's own
  /// business: it says SourceState{down}, backs off (250 ms doubling to 30 s, with jitter) and
  /// tries again. While it lives it sends SourceState{alive} and SourceProgress once an interval:
  /// silence means blind.
  virtual void run(std::stop_token stop, Lane& lane, const Clock& clock) = 0;
};

}  // namespace belay::monitor
