#pragma once

#include <initializer_list>
#include <optional>
#include <string_view>

#include "rules/mode.h"

namespace belay::monitor {

/// As name_of() spells it; nothing for anything else.
constexpr std::optional<rules::Mode> mode_named(std::string_view name) {
  for (const rules::Mode mode :
       {rules::Mode::observe, rules::Mode::recommend, rules::Mode::enforce}) {
    if (name == rules::name_of(mode)) return mode;
  }
  return std::nullopt;
}

}  // namespace belay::monitor
