#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rules/event.h"

namespace belay::monitor {

/// What a text is for. Each use has a budget of its own: a flood of routes must not hide a version
/// that comes later, nor make an outcome unknown.
enum class TextUse : std::uint8_t { any, version, service, word };
inline constexpr std::size_t kTextUses = 4;

/// Gives each distinct string of one source a small id. Owned by that source's thread.
class Interner {
 public:
  /// Ids are never reused. Beyond its budget each new string of a use gets the id of "other", and
  /// is counted. `texts_max` is the budget of those for any use (routes, mostly).
  explicit Interner(rules::SourceId source, std::size_t texts_max = 20'000);

  static constexpr std::size_t kVersionsMax = 2'000;
  static constexpr std::size_t kServicesMax = 2'000;
  static constexpr std::size_t kWordsMax = 1'000;  ///< Outcomes and methods.

  /// kNoText for the empty string.
  rules::TextId id(std::string_view text, TextUse use = TextUse::any);

  /// Definitions made since the last call: deliver them before any event that uses them.
  std::vector<rules::TextDefined> take_defined();
  [[nodiscard]] bool has_defined() const;
  /// How often "other" stood for a text of this use.
  [[nodiscard]] std::uint64_t overflowed(TextUse use = TextUse::any) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct Budget {
    std::size_t left = 0;
    std::uint64_t overflowed = 0;
  };
  rules::TextId define(std::string_view text);

  rules::SourceId source_;
  std::array<Budget, kTextUses> budgets_;
  std::unordered_map<std::string, rules::TextId, Hash, std::equal_to<>> ids_;
  std::vector<rules::TextDefined> defined_;
};

}  // namespace belay::monitor
