#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "rules/event.h"
#include "rules/judgement/rollout_judgement.h"
#include "rules/order.h"
#include "rules/plan.h"
#include "rules/snapshot.h"

namespace belay::rules {

/// Questions to the world before a rollout's first step. Read-only; asked again after a restart.
/// PreflightDone answers.
struct PreflightAsked {
  std::string rollout;
  std::string service;
  std::string candidate;
  std::string baseline;
  bool is_driving = false;
  std::string commit;
};

/// An order that must not be sent any more, if it was not yet: its rollout is over or paused, or a
/// brake was put on. Its outcome is told all the same: `rejected` if it never left.
struct Recall {
  std::string intent;
  std::string why;
};

/// What one step asks of the world. The engine performs nothing itself.
struct Step {
  struct Answer {
    std::string service;
    RolloutAnswer answer;
  };
  std::vector<JournalEntry> journal;  ///< Durable before `orders` go out.
  std::vector<Order> orders;
  std::vector<Recall> recalls;
  std::vector<Notice> notices;
  std::vector<Answer> answers;  ///< Of the default judgement, of this step's checks in order.
  std::vector<PreflightAsked> preflight;
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

  /// Takes another plan between two steps, whole or not at all. `ids` stand beside Plan::sources: a
  /// source goes on under the id that it has, a new one takes the next that was never used; what a
  /// source sends that is left out is refused from now on. Windows and what lasts ("for 30s") go on
  /// for each rule that stays as it is; a rule that needs windows of its own is judged on evidence
  /// from now on. Conflict, with the name of the service: a gate runs on it, or an action is on its
  /// way or being watched, and the plan would change what it is judged by.
  Status adopt(Plan plan, std::span<const SourceId> ids);

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
