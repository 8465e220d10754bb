#pragma once

#include <string>

#include "rules/engine.h"

namespace belay::rules {

/// All that a step asks for and all that a snapshot says about verdicts, as text: equal texts,
/// equal answers, down to the last bit of a value.
std::string dump(const Step& step);
std::string dump(const Snapshot& snapshot);

}  // namespace belay::rules
