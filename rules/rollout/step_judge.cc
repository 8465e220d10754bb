#include "rules/rollout/step_judge.h"

#include "rules/judgement/rollout_words.h"

namespace belay::rules {
namespace {

constexpr std::uint64_t kEnoughWithoutError = 300;  // STATISTICS.md 3, low traffic.

bool has_enough(const RolloutStep& step, const StepEvidence& evidence) {
  return evidence.requests >= step.samples_min ||
         (evidence.errors == 0 && evidence.requests >= kEnoughWithoutError);
}

}  // namespace

StepAnswer judge_step(const RolloutStep& step, const StepEvidence& evidence, Instant now) {
  using Kind = StepAnswer::Kind;
  const Duration baked = now - evidence.since;
  if (baked < step.bake) return {.kind = Kind::bakes, .why = "it bakes"};
  const bool is_overdue = baked >= step.bake_max;
  const Kind otherwise = is_overdue ? Kind::overdue : Kind::bakes;
  if (evidence.rules.outcome != Outcome::pass) {
    const bool lacks = evidence.rules.unknown == UnknownKind::no_traffic;
    return {.kind = otherwise,
            .reason = lacks ? HoldReason::too_few_samples : HoldReason::unknown,
            .why = evidence.rules.why};
  }
  const std::string counts =
      evidence.requests == 0
          ? "no request of the candidate was seen: it was judged by the service as a whole"
          : words_of_failed(evidence.errors, evidence.requests);
  if (!has_enough(step, evidence) && !is_overdue)
    return {.kind = Kind::bakes,
            .reason = HoldReason::too_few_samples,
            .why = words_of_few(evidence.requests, evidence.errors, step.samples_min)};
  if (!has_enough(step, evidence))
    return {.kind = Kind::passes,
            .why = evidence.rules.why + "; little came until the hard maximum: " + counts};
  return {.kind = Kind::passes, .why = evidence.rules.why + "; " + counts};
}

}  // namespace belay::rules
