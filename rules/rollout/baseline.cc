#include "rules/rollout/baseline.h"

#include <utility>

namespace belay::rules {

std::string largest_other(const Deployment& live, const std::string& candidate) {
  const Deployment::Share* largest = nullptr;
  for (const Deployment::Share& share : live.versions) {
    if (share.version == candidate || share.version.empty() || share.percent <= 0) continue;
    if (largest == nullptr || share.percent > largest->percent) largest = &share;
  }
  return largest == nullptr ? std::string() : largest->version;
}

Baseline choose_baseline(const std::string& candidate, const std::string& asked,
                         const std::optional<Deployment>& live,
                         const std::vector<VersionRequests>& recent) {
  if (!asked.empty() && asked != candidate) return {asked, Baseline::From::asked};
  if (!asked.empty()) return {};
  if (live)
    if (std::string other = largest_other(*live, candidate); !other.empty())
      return {std::move(other), Baseline::From::live};
  const VersionRequests* most = nullptr;
  for (const VersionRequests& one : recent) {
    if (one.version == candidate || one.version.empty() || one.requests == 0) continue;
    if (most == nullptr || one.requests > most->requests) most = &one;
  }
  if (most == nullptr) return {};
  return {most->version, Baseline::From::traffic};
}

std::string_view words_of(Baseline::From from) {
  switch (from) {
    case Baseline::From::live:
      return "the largest other share of what is live";
    case Baseline::From::traffic:
      return "most requests in the last ten minutes";
    case Baseline::From::asked:
    case Baseline::From::nobody:
      break;
  }
  return "";
}

}  // namespace belay::rules
