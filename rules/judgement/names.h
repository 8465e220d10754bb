#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "rules/windows/series_store.h"

namespace belay::rules {

/// The engine's own table of texts: what different sources call the same gets the same id.
class NameTable {
 public:
  NameTable();

  /// kNoName for the empty text.
  NameId id(std::string_view text);
  /// Empty for kNoName. The reference stays good as long as the table.
  [[nodiscard]] const std::string& text(NameId id) const { return texts_[id]; }
  [[nodiscard]] std::size_t size() const { return texts_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::deque<std::string> texts_;
  std::unordered_map<std::string, NameId, Hash, std::equal_to<>> ids_;
};

}  // namespace belay::rules
