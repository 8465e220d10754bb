#include "rules/rollout/baseline.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include "base/sanitize.h"
#include "base/suggest.h"
#include "rules/rollout/drain.h"

namespace belay::rules {
namespace {

/// What was there before the candidate shows in so much: a quiet service needs more slices.
constexpr std::size_t kSlicesMin = 3;
constexpr std::uint64_t kRequestsEnough = 20;

bool was_seen(const std::string& version, const Service& service) {
  const auto& probes = service.evidence.probes;
  return std::ranges::count(service.version_names(), version) > 0 ||
         std::any_of(probes.begin(), probes.end(), [&](const auto& probe) {
           const auto found = probe.second.by_version.find(version);
           return found != probe.second.by_version.end() && found->second.passed_total > 0;
         });
}

}  // namespace

std::string beware_of_unseen(const std::string& baseline, const std::string& candidate,
                             const std::optional<Deployment>& live, const Service& service,
                             bool also_alone) {
  const bool is_live = live && std::ranges::any_of(live->versions, [&](const auto& share) {
                         return share.version == baseline && share.percent > 0;
                       });
  if (baseline.empty() || is_live || was_seen(baseline, service)) return {};
  const TrafficSlice recent = service.recent_requests();
  const TrafficSlice others = beside(recent, candidate);
  std::string seen;
  std::vector<std::string_view> names;
  for (const VersionRequests& one : others) {
    if (one.requests == 0) continue;
    seen += (seen.empty() ? "" : ", ") + sanitize(one.version);
    names.push_back(one.version);
  }
  const std::string beware =
      "beware: Belay has seen nothing of " + sanitize(baseline) + ", the logs name ";
  if (seen.empty() && also_alone &&
      std::ranges::count(recent, candidate, &VersionRequests::version) > 0)
    return beware + sanitize(candidate) + " alone";
  if (seen.empty()) return {};
  const std::optional<std::string_view> meant = nearest(baseline, names);
  return beware + seen + (meant ? " (did you mean " + sanitize(*meant) + "?)" : std::string());
}

std::string beware_of_larger(const std::string& baseline, const std::string& candidate,
                             const Service& service) {
  const TrafficSlice others = served_beside(candidate, service);
  const VersionRequests* most = most_requests(others);
  if (baseline.empty() || most == nullptr) return {};
  const auto own = std::ranges::find(others, baseline, &VersionRequests::version);
  const std::uint64_t requests = own == others.end() ? 0 : own->requests;
  if (2 * requests >= most->requests || requests == 0) return {};
  return "beware: " + sanitize(most->version) + " had " + std::to_string(most->requests) +
         " requests in the last 2m, " + sanitize(baseline) + " " + std::to_string(requests) +
         ": a rollback gives all of them to " + sanitize(baseline);
}

TrafficSlice served_beside(const std::string& candidate, const Service& service) {
  constexpr Duration kLately = std::chrono::minutes{2};
  constexpr std::uint64_t kRequestsMin = 20;
  TrafficSlice others = beside(service.recent_requests(kLately, Duration::zero()), candidate);
  const VersionRequests* most = most_requests(others);
  return most != nullptr && most->requests >= kRequestsMin ? std::move(others) : TrafficSlice();
}

std::string largest_other(const Deployment& live, const std::string& candidate) {
  const Deployment::Share* largest = nullptr;
  for (const Deployment::Share& share : live.versions) {
    if (share.version == candidate || share.version.empty() || share.percent <= 0) continue;
    if (largest == nullptr || share.percent > largest->percent) largest = &share;
  }
  return largest == nullptr ? std::string() : largest->version;
}

TrafficSlice beside(TrafficSlice requests, const std::string& candidate) {
  std::erase_if(requests, [&](const VersionRequests& one) {
    return one.version.empty() || one.version == candidate;
  });
  return requests;
}

std::uint64_t sum_of(const TrafficSlice& requests) {
  std::uint64_t sum = 0;
  for (const VersionRequests& one : requests) sum += one.requests;
  return sum;
}

const VersionRequests* most_requests(const TrafficSlice& requests) {
  const VersionRequests* most = nullptr;
  for (const VersionRequests& one : requests)
    if (one.requests > 0 && (most == nullptr || one.requests > most->requests)) most = &one;
  return most;
}

bool has_most(const std::string& version, const std::string& candidate,
              const TrafficSlice& requests) {
  const TrafficSlice others = beside(requests, candidate);
  const auto own = std::ranges::find(others, version, &VersionRequests::version);
  return own != others.end() && own->requests > 0 && 2 * own->requests >= sum_of(others);
}

Baseline choose_baseline(const std::string& candidate, const std::string& asked,
                         const std::optional<Deployment>& live,
                         const std::vector<VersionRequests>& recent, const KnownVersions& known) {
  if (!asked.empty() && asked != candidate) return {asked, Baseline::From::asked, {}};
  if (!asked.empty()) return {};
  Baseline chosen;
  const auto may_be = [&](const std::string& version) {
    if (version.empty() || version == candidate || version == kOtherVersions) return false;
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
    return one.requests == 0 || (one.version != kOtherVersions && !may_be(one.version));
  });
  // Where that has most of the traffic, what is beside it is a straggler.
  if (known.replaced_by == kOtherVersions) return chosen;
  if (may_be(known.replaced_by)) {
    chosen.version = known.replaced_by;
    chosen.from = Baseline::From::replaced;
  } else if (may_be(known.good)) {
    chosen.version = known.good;
    chosen.from = known.was_put_back ? Baseline::From::put_back : Baseline::From::promoted;
  } else if (const VersionRequests* most = most_requests(others);
             most != nullptr && most->version != kOtherVersions) {
    chosen.version = most->version;
    chosen.from = Baseline::From::traffic;
  }
  return chosen;
}

std::vector<TrafficSlice> traffic_since(const Service& service, Instant since, Instant now) {
  std::vector<TrafficSlice> slices;
  const Instant newest = std::chrono::floor<RequestBucket>(now);
  for (Duration ago{}; ago < kRecent && newest - ago >= since; ago += RequestBucket{1})
    slices.push_back(service.recent_requests(RequestBucket{1}, ago));
  return slices;
}

std::string replacement_of(const std::string& good, const std::vector<TrafficSlice>& since,
                           const std::function<bool(const std::string&)>& may_be,
                           std::uint64_t clearly) {
  std::map<std::string, std::uint64_t> counted;
  std::uint64_t all = 0;
  std::size_t taken = 0;
  for (TrafficSlice slice : since) {
    std::erase_if(slice, [](const VersionRequests& one) { return one.version.empty(); });
    const std::uint64_t named = sum_of(slice);
    std::erase_if(slice, [&](const VersionRequests& one) {
      return one.version != good && !may_be(one.version);
    });
    const std::uint64_t kept = sum_of(slice);
    if (kept == 0 || kept * 2 < named) continue;
    for (const VersionRequests& one : slice) counted[one.version] += one.requests;
    all += kept;
    if (++taken >= kSlicesMin && all >= kRequestsEnough) break;
  }
  if (all < kTrafficRequestsMin || counted[good] * clearly >= all) return {};
  return std::max_element(
             counted.begin(), counted.end(),
             [](const auto& left, const auto& right) { return left.second < right.second; })
      ->first;
}

std::string_view words_of(Baseline::From from) {
  switch (from) {
    case Baseline::From::live:
      return "the largest other share of what is live";
    case Baseline::From::promoted:
      return "it was promoted last";
    case Baseline::From::put_back:
      return "a rollback put it back last";
    case Baseline::From::replaced:
      return "it has taken the traffic of what was promoted or put back last";
    case Baseline::From::traffic:
      return "most requests in the last ten minutes";
    case Baseline::From::asked:
    case Baseline::From::nobody:
      break;
  }
  return "";
}

}  // namespace belay::rules
