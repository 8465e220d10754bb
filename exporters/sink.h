#pragma once

#include "rules/order.h"
#include "rules/snapshot.h"

namespace belay::exporters {

/// Someone who is told. Called on the engine's thread; must return at once and never throw: what
/// takes time goes to a thread of its own.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void publish(const rules::Snapshot& snapshot) = 0;
  virtual void notify(const rules::Notice& notice) = 0;
};

}  // namespace belay::exporters
