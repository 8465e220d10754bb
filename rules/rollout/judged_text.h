#pragma once

#include <string>
#include <vector>

#include "rules/judgement/verdict.h"
#include "rules/rollout/journal_text.h"

namespace belay::rules {

/// What a verdict rests on, written whole: who reads it back knows what was judged, after every
/// restart (exporters/recorded.h). Fields that do not apply are left out; durations and instants
/// are integers, milliseconds.
///
/// - evidence: "what", "value", "threshold", "compare" (">", ">=", ...), "dimension" (name_of),
///   "numerator", "denominator", "samples_min", "window_ms", "wall_time", "truth", "unknown",
///   "of_events", "note".
/// - a rule: "rule", "sentence", "then" (then_text), "severity", "truth", "unknown", "firing",
///   "bad_since_ms", "firing_since_ms", "was_bad_before", "evidence".
std::vector<JsonText> evidence_texts(const std::vector<Evidence>& evidence);
std::vector<JsonText> rule_texts(const std::vector<RuleStatus>& rules);

/// Of an entry `judged`: "rollout", "verdict", "rules".
std::string judged_text(const std::string& rollout, Outcome verdict,
                        const std::vector<RuleStatus>& rules);

}  // namespace belay::rules
