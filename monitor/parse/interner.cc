#include "monitor/parse/interner.h"

#include <utility>

namespace belay::monitor {
namespace {
constexpr std::string_view kOther = "other";
}

Interner::Interner(rules::SourceId source, std::size_t texts_max)
    : source_(source), texts_max_(texts_max) {}

rules::TextId Interner::id(std::string_view text) {
  if (text.empty()) return rules::kNoText;
  if (const auto known = ids_.find(text); known != ids_.end()) return known->second;
  if (ids_.size() >= texts_max_ && text != kOther) {
    ++overflowed_;
    return id(kOther);
  }
  const auto id = static_cast<rules::TextId>(ids_.size() + 1);  // 0 is kNoText.
  ids_.emplace(text, id);
  defined_.push_back({.source = source_, .id = id, .text = std::string(text)});
  return id;
}

std::vector<rules::TextDefined> Interner::take_defined() { return std::exchange(defined_, {}); }

bool Interner::has_defined() const { return !defined_.empty(); }

std::uint64_t Interner::overflowed() const { return overflowed_; }

}  // namespace belay::monitor
