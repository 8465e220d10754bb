#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "rules/rollout/gate.h"
#include "rules/rollout/steps.h"

namespace belay::rules {

/// What a step has to show (docs/adr/0006-rollout-states.md).
struct StepEvidence {
  Instant since{};             ///< The step began.
  std::uint64_t requests = 0;  ///< Of the candidate in it.
  std::uint64_t errors = 0;
  /// By the rules, over windows inside the step, and by the default judgement.
  Gate::Verdict rules;
};

/// What is to become of a step now.
struct StepAnswer {
  enum class Kind : std::uint8_t {
    bakes,
    passes,
    overdue,  ///< Its hard maximum is over, and it does not pass.
  } kind{};
  HoldReason reason = HoldReason::unknown;  ///< Of an overdue one.
  std::string why;                          ///< Why it does not pass; of one that passes, by what.
};

/// A step passes when its bake time is over, the rules were fine over windows inside it, and there
/// is evidence enough: `samples_min` requests, or 300 without an error. At its hard maximum what is
/// known to be fine is enough, however little it is; what is not known holds.
StepAnswer judge_step(const RolloutStep& step, const StepEvidence& evidence, Instant now);

}  // namespace belay::rules
