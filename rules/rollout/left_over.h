#pragma once

namespace belay::rules {

/// Why nothing is done for a service that only a rollout of an earlier life still knows.
inline constexpr const char* kLeftOver = "its service is not in the configuration";

}  // namespace belay::rules
