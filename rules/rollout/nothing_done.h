#pragma once

#include <string_view>

namespace belay::rules {

/// How the timeline of a rollout begins to say why a fail was left as it is.
inline constexpr std::string_view kNothingDone = "nothing was done: ";

}  // namespace belay::rules
