#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/time.h"
#include "rules/event.h"
#include "rules/order.h"
#include "rules/plan.h"
#include "rules/snapshot.h"

namespace belay::rules {

/// What one step asks of the world. The engine performs nothing itself.
struct Step {
  std::vector<JournalEntry> journal;  ///< Durable before `orders` go out.
  std::vector<Order> orders;
  std::vector<Notice> notices;
};

/// Aggregates, judges and decides. A pure function of its plan, what it remembers, and the times
/// and events given to step(): the same ones give the same answers, byte for byte. One thread owns
/// it.
class Engine {
 public:
  Engine(Plan plan, Instant start, Remembered remembered = {});
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  /// `now` never goes back. Rules are judged at every step; what lasts ("for 30s") is counted in
  /// whole seconds of engine time, each checked once, those skipped since the step before included.
  Step step(Instant now, std::span<const Event> events);

  /// The picture as of the last step. Costs time in proportion to the series: for a publisher, not
  /// for every step.
  [[nodiscard]] Snapshot snapshot() const;

  /// The rules of one service as of the last step; cheap enough for replay to call at every step.
  [[nodiscard]] bool has_firing_rule() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace belay::rules
