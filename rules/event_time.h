#pragma once

#include <optional>
#include <variant>

#include "base/boxed.h"
#include "rules/event.h"

namespace belay::rules {

/// When an event happened, on its own time; nothing of a definition, which has none.
inline std::optional<Instant> time_of(const Event& event) {
  if (const auto* request = std::get_if<Request>(&event)) return request->at;
  return std::visit(
      [](const auto& one) -> std::optional<Instant> {
        const auto& of = unboxed(one);
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
