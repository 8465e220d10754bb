#include "rules/judgement/names.h"

namespace belay::rules {

NameTable::NameTable() { texts_.emplace_back(); }

NameId NameTable::id(std::string_view text) {
  if (text.empty()) return kNoName;
  if (const auto known = ids_.find(text); known != ids_.end()) return known->second;
  const auto id = static_cast<NameId>(texts_.size());
  texts_.emplace_back(text);
  ids_.emplace(texts_.back(), id);
  return id;
}

}  // namespace belay::rules
