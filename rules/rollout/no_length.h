#pragma once

#include <string_view>

namespace belay::rules {

/// What to tell who begins a rollout without a time and without steps, on a service that has none.
inline constexpr std::string_view kNoLength =
    "nothing says how long to watch: give a time (`--for 10m`) or steps (`--steps \"10% for 10m, "
    "100%\"`), or write `rollout: { steps: [10% for 10m, 100%] }` into the service in belay.yaml";

}  // namespace belay::rules
