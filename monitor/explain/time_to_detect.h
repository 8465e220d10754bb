#pragma once

#include <string>
#include <vector>

#include "rules/language/rule.h"

namespace belay::monitor {

/// What a sentence costs in time, one line each: how long a fault must last before the rule can
/// fire, and what its sample floor needs.
std::vector<std::string> time_to_detect(const rules::Sentence& sentence);

/// What feeds the sentence, one line each: "requests of the service's logs", "probe healthz", …
std::vector<std::string> what_feeds(const rules::Sentence& sentence);

}  // namespace belay::monitor
