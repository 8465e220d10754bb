#include "monitor/commands/gate_target.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace belay::monitor {

using Share = rules::Deployment::Share;

GateTarget gate_target(Platform* platform, const std::string& candidate,
                       const std::string& baseline) {
  GateTarget target{.candidate = candidate, .baseline = baseline};
  if (platform == nullptr) return target;
  const auto read = platform->live({});
  if (!read.ok()) {
    target.trouble = read.error().message;
    return target;
  }
  const std::vector<Share>& live = read->versions;
  if (live.empty()) return target;
  std::vector<std::string> shown;
  for (const Share& share : live) {
    shown.push_back(fmt::format("{} at {:g}%", share.version, share.percent));
  }
  target.live = fmt::format("{}", fmt::join(shown, ", "));
  const bool has_traffic = std::ranges::any_of(
      live, [&](const Share& share) { return share.version == candidate && share.percent > 0; });
  if (!has_traffic) {
    target.refusal = fmt::format("{} has no traffic, so there is nothing to judge: live is {}",
                                 candidate, target.live);
    return target;
  }
  const auto other = std::ranges::find_if(
      live, [&](const Share& share) { return share.version != candidate && share.percent > 0; });
  if (baseline.empty() && other != live.end()) {
    target.baseline = other->version;
    target.is_baseline_found = true;
  }
  return target;
}

}  // namespace belay::monitor
