#pragma once

#include <cstdint>
#include <string_view>

namespace belay::rules {

/// observe: judge and show. recommend: also tell what would be done. enforce: act.
enum class Mode : std::uint8_t { observe, recommend, enforce };

constexpr std::string_view name_of(Mode mode) {
  switch (mode) {
    case Mode::observe:
      return "observe";
    case Mode::recommend:
      return "recommend";
    case Mode::enforce:
      return "enforce";
  }
  return "observe";
}

}  // namespace belay::rules
