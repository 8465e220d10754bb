#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <ratio>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "rules/event.h"
#include "rules/service.h"
#include "rules/snapshot.h"

namespace belay::rules {

/// What a candidate is compared with and a rollback goes back to, and who said so.
struct Baseline {
  enum class From : std::uint8_t {
    asked,     ///< Whoever began the rollout.
    live,      ///< It has the largest other share of the platform's live deployment.
    promoted,  ///< It was promoted last,
    put_back,  ///< or a rollback put it back last.
    replaced,  ///< It has taken the traffic of what was.
    traffic,   ///< It had the most requests within the last ten minutes.
    nobody,    ///< There is none: comparisons are unknown, absolute rules still judge.
  };
  std::string version;  ///< Empty: none. Never the candidate.
  From from = From::nobody;
  std::vector<std::string> passed_over;  ///< What would else have been it, and why it is not.
};

/// What Belay itself knows of versions. By default: nothing.
struct KnownVersions {
  /// Promoted or put back last; empty: none.
  std::string good;
  bool was_put_back = false;
  std::string replaced_by;  ///< replacement_of() `good`; empty: none.
  /// Why a version is nothing to go back to; nothing if it may be. Null: all may be.
  std::function<std::optional<std::string>(const std::string&)> why_not = nullptr;
};

/// DESIGN.md 2, "A rollout, and a gate". `live`: none if the platform has not said what is live.
/// `recent`: what may be taken by its traffic; of those with as many requests the first.
///
/// What the platform says comes first; then what was promoted or put back last, or what has taken
/// its traffic since; then, where there is no such version, what has most requests.
Baseline choose_baseline(const std::string& candidate, const std::string& asked,
                         const std::optional<Deployment>& live,
                         const std::vector<VersionRequests>& recent,
                         const KnownVersions& known = {});

/// What a source calls all versions beyond those that it can keep apart (monitor/parse/interner.h):
/// none that can be compared with, or gone back to.
inline constexpr std::string_view kOtherVersions = "other";

/// As Service counts its requests.
using RequestBucket = std::chrono::duration<std::int64_t, std::ratio<10>>;
/// What came of each version within one.
using TrafficSlice = std::vector<VersionRequests>;

/// What names a version, and not the candidate.
TrafficSlice beside(TrafficSlice requests, const std::string& candidate);
/// Of the last two minutes, if one of them has 20 requests: fewer are stragglers. Else empty.
TrafficSlice served_beside(const std::string& candidate, const Service& service);
std::uint64_t sum_of(const TrafficSlice& requests);
/// The first of those with most; null if there is no request.
const VersionRequests* most_requests(const TrafficSlice& requests);

/// Whether the version has at least half of what the candidate has not.
bool has_most(const std::string& version, const std::string& candidate,
              const TrafficSlice& requests);

/// The slices that began after `since`, newest first; those of ten minutes at most.
std::vector<TrafficSlice> traffic_since(const Service& service, Instant since, Instant now);

/// What someone has replaced has less than a tenth of its traffic left.
inline constexpr std::uint64_t kClearly = 10;
/// The version that clearly has what `good` had, to whom someone has given it without us: as the
/// last before the candidate it had most requests, and `good` less than one in `clearly` of them.
/// Empty: nobody, or nobody knows. `since`: traffic_since() it was promoted or put back. Slices
/// that are mostly of a version that may not be one are passed over: the candidate has come by
/// then.
std::string replacement_of(const std::string& good, const std::vector<TrafficSlice>& since,
                           const std::function<bool(const std::string&)>& may_be,
                           std::uint64_t clearly = kClearly);

/// Of a baseline of which no log and no probe has shown anything since Belay began, and which is
/// not `live` (none: nobody knows what is), while the logs name others than the candidate: "beware:
/// Belay has seen nothing of vv1, the logs name v1 (did you mean v1?)". Else empty. It may be a
/// typo, or just have no traffic. `also_alone`: also where they name the candidate alone, which may
/// have all of the traffic.
std::string beware_of_unseen(const std::string& baseline, const std::string& candidate,
                             const std::optional<Deployment>& live, const Service& service,
                             bool also_alone = false);

/// Of a baseline that has had less than half the requests of another version in the last two
/// minutes, the candidate aside: "beware: v6 had 340 requests in the last 2m, v8 60: a rollback
/// gives all of them to v8". Else empty.
std::string beware_of_larger(const std::string& baseline, const std::string& candidate,
                             const Service& service);

/// "the largest other share of what is live", "most requests in the last ten minutes", ...; empty
/// for what was asked for and for none.
std::string_view words_of(Baseline::From from);

/// Of what is live, the version with the largest share besides this one; empty if there is none.
std::string largest_other(const Deployment& live, const std::string& candidate);

}  // namespace belay::rules
