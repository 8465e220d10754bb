#include "monitor/commands/gate_target.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "rules/rollout/baseline.h"

namespace belay::monitor {

using Share = rules::Deployment::Share;

GateTarget gate_target(Platform* platform, const std::string& candidate, const std::string& asked) {
  GateTarget target{.candidate = candidate, .baseline = asked};
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
  const rules::Baseline baseline = rules::choose_baseline(candidate, asked, *read, {});
  target.baseline = baseline.version;
  target.is_baseline_found = baseline.from == rules::Baseline::From::live;
  return target;
}

}  // namespace belay::monitor
