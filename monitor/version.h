#pragma once

namespace belay::monitor {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace belay::monitor
