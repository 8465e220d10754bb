#include "rules/judgement/misnamed_requests.h"

#include <cmath>
#include <utility>

#include "base/sanitize.h"
#include "rules/language/units.h"

namespace belay::rules {
namespace {

/// One or two are a hiccup.
constexpr std::uint64_t kFailuresMin = 3;

}  // namespace

void MisnamedRequests::begin(Instant since) {
  since_ = since;
  sums_ = {};
  recent_.clear();
}

void MisnamedRequests::add(NameId version, Instant at, std::uint64_t requests, bool are_failing) {
  const bool is_of_other = version != kNoName && version == versions_.other;
  const bool is_of_neither = version == kNoName || version != versions_.asked;
  if (is_of_other || at < since_ || (is_of_neither && versions_.is_neither_usual)) return;
  sums_.requests += requests;
  if (are_failing) sums_.failed += requests;
  recent_.add(at, requests, are_failing);
}

std::optional<std::string> MisnamedRequests::doubt(const std::string& name,
                                                   const StrayFailures::Counted& counted,
                                                   double allowed) const {
  const std::pair<RecentFailures::Sums, std::uint64_t> spans[] = {
      {sums_, counted.in_step}, {recent_.last(counted.as_of), counted.lately}};
  for (const auto& [sums, own] : spans) {
    if (sums.failed < kFailuresMin || 2 * sums.failed < sums.requests) continue;
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
