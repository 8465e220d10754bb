#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rules/language/rule.h"

namespace belay::rules {

/// Why this sentence cannot have this `then`; nothing if it can. `no data` and `sampling` can only
/// pause or alert: blindness never rolls back.
std::optional<std::string> refused_action(const Sentence& sentence, const Then& then);

/// It names `candidate` or `baseline`: it can be judged in a rollout only.
bool needs_rollout(const Sentence& sentence);

/// It judges a share of requests or invocations: refused over a source that does not report all of
/// them (SourcePlan::reports_all). Latencies are judged as shares, too.
bool needs_whole(const Sentence& sentence);

/// The longest window that it looks back over, `for ... of` apart; zero if it has none.
Duration longest_window(const Sentence& sentence);

/// "rollback", "reset flag checkout-v2": parse_then reads it back.
std::string then_text(const Then& then);
/// Whether one of its rungs is a rollback.
bool rolls_back(const std::vector<Then>& ladder);

}  // namespace belay::rules
