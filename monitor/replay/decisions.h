#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/time.h"
#include "rules/engine.h"
#include "rules/language/rule.h"
#include "rules/rollout/step_judge.h"
#include "rules/rollout/steps.h"
#include "rules/snapshot.h"

namespace belay::monitor {

/// One thing that a rollout would have done in a replay.
struct Decision {
  std::string decision;  ///< rollback, pause, resume, advance, hold, keep
  Duration t{};          ///< Event time since the recording's first event.
  std::string rule;
  std::string reason;
  std::vector<std::string> details;
  std::optional<rules::RolloutNumbers> numbers;
  std::size_t step = 0;  ///< From 1.
};

nlohmann::ordered_json json_of(const Decision& decision);
/// "1m48s rollback by comparison: v2 took …". Ends in a line break.
std::string text_of(const Decision& decision);

/// What a rollout in these steps would have done: the default judgement's answers, and what written
/// rules asked for; at the end of each step but the last, whether it passes (`advance`) or not
/// (`hold`). The recorded traffic moves on whatever is decided, but nothing is decided after a
/// rollback.
class Decisions {
 public:
  /// The rollout as it stands; nothing if there is none.
  using Look = std::function<std::optional<rules::RolloutStatus>()>;

  /// `written`: the rules that were given besides; those with `then: pause` pause.
  Decisions(std::vector<rules::RolloutStep> steps, const std::vector<rules::Rule>& written);

  /// Of one step of the engine; `first` is the recording's first event. `look` is called where a
  /// step begins or ends.
  std::vector<Decision> take(const rules::Step& step, Instant now, Instant first, const Look& look);
  /// `keep`, unless something was rolled back.
  [[nodiscard]] std::optional<Decision> end(Instant last, Instant first) const;
  [[nodiscard]] bool is_rolled_back() const { return is_rolled_back_; }

 private:
  void advance(std::vector<Decision>& decided, Instant now, Instant first, const Look& look);
  /// What the step that ends now has shown.
  [[nodiscard]] rules::StepAnswer judge(const rules::RolloutStatus& rollout) const;
  void take(std::vector<Decision>& decided, const rules::RolloutAnswer& answer, Instant first);
  void take(std::vector<Decision>& decided, const rules::Notice& notice, Instant first);
  [[nodiscard]] Decision decision(std::string what, Instant at, Instant first) const;

  std::vector<rules::RolloutStep> steps_;
  std::set<std::string> pausing_rules_;
  std::size_t step_ = 0;
  Instant step_began_{};
  std::optional<Instant> step_ends_;
  rules::PairCounts::Of before_step_;  ///< Of the candidate.
  bool is_paused_ = false;
  std::set<std::string> firing_pauses_;
  bool is_rolled_back_ = false;
};

}  // namespace belay::monitor
