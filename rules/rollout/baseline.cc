#include "rules/rollout/baseline.h"

#include <algorithm>
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

namespace {

const VersionRequests* most_requests(const std::vector<VersionRequests>& recent) {
  const VersionRequests* most = nullptr;
  for (const VersionRequests& one : recent)
    if (one.requests > 0 && (most == nullptr || one.requests > most->requests)) most = &one;
  return most;
}

}  // namespace

Baseline choose_baseline(const std::string& candidate, const std::string& asked,
                         const std::optional<Deployment>& live,
                         const std::vector<VersionRequests>& recent, const KnownVersions& known) {
  if (!asked.empty() && asked != candidate) return {asked, Baseline::From::asked, {}};
  if (!asked.empty()) return {};
  Baseline chosen;
  const auto may_be = [&](const std::string& version) {
    if (version.empty() || version == candidate) return false;
    const auto why = known.why_not ? known.why_not(version) : std::nullopt;
    if (!why) return true;
    if (std::find(chosen.passed_over.begin(), chosen.passed_over.end(), *why) ==
        chosen.passed_over.end())
      chosen.passed_over.push_back(*why);
    return false;
  };
  if (live) {
    Deployment others = *live;
    std::erase_if(others.versions, [&](const Deployment::Share& share) {
      return share.percent <= 0 || !may_be(share.version);
    });
    if (std::string other = largest_other(others, candidate); !other.empty()) {
      chosen.version = std::move(other);
      chosen.from = Baseline::From::live;
      return chosen;
    }
  }
  std::vector<VersionRequests> others = recent;
  std::erase_if(others, [&](const VersionRequests& one) {
    return one.requests == 0 || !may_be(one.version);
  });
  const bool is_seen =
      std::any_of(others.begin(), others.end(),
                  [&known](const VersionRequests& one) { return one.version == known.good; });
  if (may_be(known.good) && (known.is_recent || is_seen || others.empty())) {
    chosen.version = known.good;
    chosen.from = known.was_put_back ? Baseline::From::put_back : Baseline::From::promoted;
  } else if (const VersionRequests* most = most_requests(others)) {
    chosen.version = most->version;
    chosen.from = Baseline::From::traffic;
  }
  return chosen;
}

std::string_view words_of(Baseline::From from) {
  switch (from) {
    case Baseline::From::live:
      return "the largest other share of what is live";
    case Baseline::From::promoted:
      return "it was promoted last";
    case Baseline::From::put_back:
      return "a rollback put it back last";
    case Baseline::From::traffic:
      return "most requests in the last ten minutes";
    case Baseline::From::asked:
    case Baseline::From::nobody:
      break;
  }
  return "";
}

}  // namespace belay::rules
