#include "rules/judgement/misnamed_requests.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/sanitize.h"
#include "rules/language/units.h"

namespace belay::rules {

namespace {

using Sums = RecentFailures::Sums;

/// A neighbour that is well fails less.
constexpr std::uint64_t kUnwellOneOf = 10;
/// Twice the share of the other version's is plainly more.
constexpr std::uint64_t kPlainlyMore = 2;
/// Fewer failures of the other version show no share.
constexpr std::uint64_t kFailedOfOtherMin = 10;

/// What mostly fails is no neighbour of before, but the error handler of both.
bool are_as_often(const Sums& asked, const Sums& other) {
  return other.failed >= kFailedOfOtherMin && 2 * other.failed < other.requests &&
         kPlainlyMore * other.failed * asked.requests >= asked.failed * other.requests;
}

bool are_unwell(const Sums& sums, double usual) {
  return 2 * sums.failed >= sums.requests && (usual <= 0 || !are_about_usual(sums.failed, usual));
}

}  // namespace

void MisnamedRequests::begin(Instant since) {
  since_ = since;
  of_asked_ = of_other_ = nameless_ = of_others_ = {};
}

FailuresSeen& MisnamedRequests::seen_of(NameId version) {
  if (version == kNoName) return nameless_;
  if (version == versions_.asked) return of_asked_;
  return version == versions_.other ? of_other_ : of_others_;
}

void MisnamedRequests::add(NameId version, Instant at, std::uint64_t requests, bool are_failing) {
  if (at >= since_) seen_of(version).add(at, requests, are_failing);
}

std::uint64_t MisnamedRequests::unwell(bool are_recent, Instant until) const {
  constexpr Duration kRecently = std::chrono::seconds{RecentFailures::kSecondsMax};
  const Duration since = std::max(until - since_, Duration::zero());
  const double over = seconds(are_recent ? std::min(since, kRecently) : since);
  const auto sums_of = [&](const FailuresSeen& seen) {
    return are_recent ? seen.recent.last(until) : seen.sums;
  };
  std::uint64_t failed = 0;
  const Sums asked = sums_of(of_asked_);
  const bool was_so = versions_.was_other_well && are_as_often(asked, sums_of(of_other_));
  if (asked.failed * kUnwellOneOf >= asked.requests && !was_so) failed += asked.failed;
  if (const Sums nameless = sums_of(nameless_); are_unwell(nameless, usual_.nameless * over))
    failed += nameless.failed;
  if (const Sums others = sums_of(of_others_); are_unwell(others, usual_.named * over))
    failed += others.failed;
  return failed;
}

std::optional<std::string> MisnamedRequests::doubt(const std::string& name,
                                                   const StrayFailures::Counted& counted,
                                                   double allowed, Instant now) const {
  for (const bool are_recent : {false, true}) {
    const std::uint64_t failed = unwell(are_recent, are_recent ? counted.as_of : now);
    if (failed < kStrayFailuresMin) continue;
    const std::uint64_t own = are_recent ? counted.lately : counted.in_step;
    const double share = static_cast<double>(failed) / static_cast<double>(failed + own);
    if (share <= allowed) continue;
    return std::to_string(failed) +
           " failed requests name a service that belay.yaml does not know: nobody knows whose they "
           "are, and if they were " +
           sanitize(name) + "'s, " + decimal_text(std::round(share * 1000) / 10) +
           "% of its requests would have failed; give that service's name to the `aliases` of this "
           "one, or to a service of its own";
  }
  return std::nullopt;
}

}  // namespace belay::rules
