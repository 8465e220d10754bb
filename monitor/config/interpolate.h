#pragma once

#include <string>
#include <string_view>

#include "monitor/config/strict_yaml.h"

namespace belay::monitor {

/// Replaces `${VAR}`, `${VAR:-default}`, `${file:PATH}` and `$$`. A variable without a default has
/// to be set; one with a default may also be empty. The error never holds a value.
Result<std::string> interpolate(std::string_view text, const Interpolation& interpolation);

/// The same, where `${file:PATH}` begins at the directory of `file`.
Interpolation beside(const std::string& file, Interpolation interpolation);

/// There is something to replace.
bool has_interpolation(std::string_view text);

}  // namespace belay::monitor
