#include "monitor/parse/interner.h"

#include <utility>

namespace belay::monitor {
namespace {
constexpr std::string_view kOther = "other";
}

Interner::Interner(rules::SourceId source, std::size_t texts_max)
    : source_(source),
      budgets_{{{.left = texts_max},
                {.left = kVersionsMax},
                {.left = kServicesMax},
                {.left = kWordsMax}}} {}

rules::TextId Interner::id(std::string_view text, TextUse use) {
  if (text.empty()) return rules::kNoText;
  if (const auto known = ids_.find(text); known != ids_.end()) return known->second;
  if (text == kOther) return define(text);
  Budget& budget = budgets_[static_cast<std::size_t>(use)];
  if (budget.left == 0) {
    ++budget.overflowed;
    return id(kOther, use);
  }
  --budget.left;
  return define(text);
}

rules::TextId Interner::define(std::string_view text) {
  const auto id = static_cast<rules::TextId>(ids_.size() + 1);  // 0 is kNoText.
  ids_.emplace(text, id);
  defined_.push_back({.source = source_, .id = id, .text = std::string(text)});
  return id;
}

std::vector<rules::TextDefined> Interner::take_defined() { return std::exchange(defined_, {}); }

bool Interner::has_defined() const { return !defined_.empty(); }

std::uint64_t Interner::overflowed(TextUse use) const {
  return budgets_[static_cast<std::size_t>(use)].overflowed;
}

}  // namespace belay::monitor
