#pragma once

#include <optional>
#include <string>

#include "rules/language/rule.h"

namespace belay::rules {

/// The PromQL over Belay's own metrics (docs/metrics.md) that comes nearest to the sentence, for
/// one service (empty: of all). Nothing if a part of it has none: single statuses, labels other
/// than a route, `metric`, CPU times, `worse than`, `fails 3 of 5`, `sampling`.
///
/// It is near, not equal: Prometheus scrapes, interpolates within buckets and drops what is absent,
/// where Belay says unknown. `for` is not in it: it belongs in the `for:` of an alert. `min` of
/// requests is. `is_of_rollout`: what names neither version is the candidate's, as in a rollout.
std::optional<std::string> nearest_promql(const Sentence& sentence, const std::string& service,
                                          bool is_of_rollout = false);

}  // namespace belay::rules
