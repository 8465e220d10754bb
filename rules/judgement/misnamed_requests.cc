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
  requests_ = failed_ = 0;
}

void MisnamedRequests::add(NameId version, Instant at, std::uint64_t requests, bool are_failing) {
  if (version != version_ || version == kNoName || at < since_) return;
  requests_ += requests;
  if (are_failing) failed_ += requests;
}

std::optional<std::string> MisnamedRequests::doubt(const std::string& name, std::uint64_t counted,
                                                   double allowed) const {
  if (failed_ < kFailuresMin || 2 * failed_ < requests_) return std::nullopt;
  const auto failed = static_cast<double>(failed_);
  const double share = failed / (failed + static_cast<double>(counted));
  if (share <= allowed) return std::nullopt;
  return std::to_string(failed_) + " failed requests of " + sanitize(name) +
         " name a service that belay.yaml does not know: nobody knows whose they are, and if they "
         "were this one's, " +
         decimal_text(std::round(share * 1000) / 10) +
         "% of its requests would have failed; give the name to its `aliases`, or to a service of "
         "its own";
}

}  // namespace belay::rules
