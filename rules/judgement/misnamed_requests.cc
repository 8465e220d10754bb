#include "rules/judgement/misnamed_requests.h"

#include <cmath>

#include "base/sanitize.h"
#include "rules/language/units.h"

namespace belay::rules {
namespace {

/// One or two are a hiccup.
constexpr std::uint64_t kFailuresMin = 3;

}  // namespace

void MisnamedRequests::begin(Instant since) {
  since_ = since;
  by_version_.clear();
}

void MisnamedRequests::add(NameId version, Instant at, std::uint64_t requests, bool are_failing) {
  if (at < since_ || version == kNoName) return;
  if (by_version_.size() >= kVersionsMax && !by_version_.contains(version)) return;
  Seen& seen = by_version_[version];
  seen.requests += requests;
  if (are_failing) seen.failed += requests;
}

std::optional<std::string> MisnamedRequests::doubt(NameId version, const std::string& name,
                                                   std::uint64_t counted, double allowed) const {
  const auto found = by_version_.find(version);
  if (found == by_version_.end()) return std::nullopt;
  const Seen& seen = found->second;
  if (seen.failed < kFailuresMin || 2 * seen.failed < seen.requests) return std::nullopt;
  const auto failed = static_cast<double>(seen.failed);
  const double share = failed / (failed + static_cast<double>(counted));
  if (share <= allowed) return std::nullopt;
  return std::to_string(seen.failed) + " failed requests of " + sanitize(name) +
         " name a service that belay.yaml does not know: nobody knows whose they are, and if they "
         "were this one's, " +
         decimal_text(std::round(share * 1000) / 10) +
         "% of its requests would have failed; give the name to its `aliases`, or to a service of "
         "its own";
}

}  // namespace belay::rules
