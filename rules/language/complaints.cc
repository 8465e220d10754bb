#include "rules/language/complaints.h"

#include <algorithm>

namespace belay::rules {

void Complaints::add(Diagnostic::Level level, Span at, std::string message,
                     std::string suggestion) {
  if (level == Diagnostic::Level::error) ++errors_;
  all_.push_back({level, at.column, std::max<std::uint32_t>(at.length, 1), std::move(message),
                  std::move(suggestion)});
}

std::vector<Diagnostic> Complaints::take() && {
  std::stable_sort(all_.begin(), all_.end(),
                   [](const Diagnostic& a, const Diagnostic& b) { return a.column < b.column; });
  return std::move(all_);
}

}  // namespace belay::rules
