#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rules/event.h"

namespace belay::monitor {

/// Gives each distinct string of one source a small id. Owned by that source's thread.
class Interner {
 public:
  /// Ids are never reused. Beyond `texts_max` strings each new one gets the id of "other", and is
  /// counted.
  explicit Interner(rules::SourceId source, std::size_t texts_max = 20'000);

  /// kNoText for the empty string.
  rules::TextId id(std::string_view text);

  /// Definitions made since the last call: deliver them before any event that uses them.
  std::vector<rules::TextDefined> take_defined();
  [[nodiscard]] bool has_defined() const;
  [[nodiscard]] std::uint64_t overflowed() const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  rules::SourceId source_;
  std::size_t texts_max_;
  std::unordered_map<std::string, rules::TextId, Hash, std::equal_to<>> ids_;
  std::vector<rules::TextDefined> defined_;
  std::uint64_t overflowed_ = 0;
};

}  // namespace belay::monitor
