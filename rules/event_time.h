#pragma once

#include <optional>
#include <variant>

#include "rules/event.h"

namespace belay::rules {

/// When an event happened, on its own time; nothing of a definition, which has none.
inline std::optional<Instant> time_of(const Event& event) {
  return std::visit(
      [](const auto& of) -> std::optional<Instant> {
        if constexpr (requires { of.at; }) {
          return of.at;
        } else if constexpr (requires { of.like.at; }) {
          return of.like.at;
        } else {
          return std::nullopt;
        }
      },
      event);
}

}  // namespace belay::rules
