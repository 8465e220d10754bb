#pragma once

#include "exporters/sink.h"

namespace belay::exporters {

/// A sink that still tells what waits when it ends, and whose destructor may take its time for it.
class Route : public Sink {
 public:
  /// The destructor will be called soon, and nobody is notified through it any more: that time
  /// begins to run now, so that many end within the time of one. Any thread; returns at once.
  virtual void begin_to_end() = 0;
};

}  // namespace belay::exporters
