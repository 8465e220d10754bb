#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "monitor/commands/terminal.h"

namespace belay::monitor {

/// One rollout of the API as text: where it stands, why, what its rules measure, and what a person
/// types to let it go on.
std::string text_of_rollout(const nlohmann::json& rollout, const Style& style);

/// A line for each service that is disarmed, of a list of rollouts; empty if none is.
std::string text_of_disarmed(const nlohmann::json& list);

/// Why it was rolled back, empty if it was not: its `why` says then what came of that. After a
/// restart of the daemon it is the rule alone.
std::string cause_of(const nlohmann::json& rollout);

/// Of one that has failed and was left as it is: why, as far as the daemon still knows; else empty.
std::string why_nothing_was_done(const nlohmann::json& rollout);

}  // namespace belay::monitor
