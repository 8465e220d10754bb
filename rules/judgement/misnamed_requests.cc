#include "rules/judgement/misnamed_requests.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/sanitize.h"
#include "rules/language/units.h"

namespace belay::rules {

void MisnamedRequests::begin(Instant since) {
  since_ = since;
  nameless_ = rest_ = {};
}

void MisnamedRequests::add(NameId version, Instant at, std::uint64_t requests, bool are_failing) {
  const bool is_of_other = version != kNoName && version == versions_.other;
  if (is_of_other || at < since_) return;
  (version == kNoName ? nameless_ : rest_).add(at, requests, are_failing);
}

std::optional<std::string> MisnamedRequests::doubt(const std::string& name,
                                                   const StrayFailures::Counted& counted,
                                                   double allowed) const {
  constexpr Duration kRecently = std::chrono::seconds{RecentFailures::kSecondsMax};
  const Duration since = std::max(counted.as_of - since_, Duration::zero());
  for (const bool is_recent : {false, true}) {
    const auto sums_of = [&](const FailuresSeen& seen) {
      return is_recent ? seen.recent.last(counted.as_of) : seen.sums;
    };
    RecentFailures::Sums sums = sums_of(rest_);
    const RecentFailures::Sums nameless = sums_of(nameless_);
    const double usual = usual_ * seconds(is_recent ? std::min(since, kRecently) : since);
    // None is usual where none was.
    if (usual <= 0 || !are_about_usual(nameless.failed, usual)) {
      sums.failed += nameless.failed;
      sums.requests += nameless.requests;
    }
    const std::uint64_t own = is_recent ? counted.lately : counted.in_step;
    if (sums.failed < kStrayFailuresMin || 2 * sums.failed < sums.requests) continue;
    const auto failed = static_cast<double>(sums.failed);
    const double share = failed / (failed + static_cast<double>(own));
    if (share <= allowed) continue;
    return std::to_string(sums.failed) +
           " failed requests name a service that belay.yaml does not know: nobody knows whose they "
           "are, and if they were " +
           sanitize(name) + "'s, " + decimal_text(std::round(share * 1000) / 10) +
           "% of its requests would have failed; give that service's name to the `aliases` of this "
           "one, or to a service of its own";
  }
  return std::nullopt;
}

}  // namespace belay::rules
