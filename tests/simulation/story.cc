#include "tests/simulation/story.h"

#include <algorithm>

namespace belay::simulation {

void Story::note(const std::string& what) {
  lines_.push_back(format_utc(time_.now()).substr(11, 12) + " " + what);
}

void Story::demand(bool holds, const char* promise, const std::string& what) {
  if (holds) return;
  note("BROKEN " + std::string(promise) + ": " + what);
  // The first time tells; what follows from it is in the story.
  const bool is_known = std::any_of(broken_.begin(), broken_.end(), [&](const std::string& one) {
    return one.starts_with(promise);
  });
  if (!is_known) broken_.push_back(std::string(promise) + ": " + what);
}

}  // namespace belay::simulation
