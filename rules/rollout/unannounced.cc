#include "rules/rollout/unannounced.h"

#include <algorithm>

namespace belay::rules {

std::vector<Deployment::Share> Unannounced::take_due(const Deployment& live, Instant now) {
  std::vector<Deployment::Share> due;
  std::erase_if(since_, [&](const auto& one) {
    const auto share =
        std::find_if(live.versions.begin(), live.versions.end(),
                     [&](const auto& at) { return at.version == one.first && at.percent > 0; });
    const bool is_live = share != live.versions.end();
    const bool is_due = is_live && now - one.second >= kGrace;
    if (is_due) due.push_back(*share);
    return is_due || !is_live;
  });
  return due;
}

}  // namespace belay::rules
