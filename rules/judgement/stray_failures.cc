#include "rules/judgement/stray_failures.h"

#include <algorithm>
#include <cmath>

#include "base/sanitize.h"
#include "rules/language/units.h"

namespace belay::rules {
namespace {

/// What came before goes up and down by itself: more than twice as many, and by more than three
/// standard deviations, are no chance.
constexpr double kPlainlyMore = 2;
constexpr double kDeviations = 3;
/// One or two are a hiccup.
constexpr std::uint64_t kFailuresMin = 3;

}  // namespace

void StrayFailures::begin(std::optional<double> usual, Duration warm_up) {
  usual_ = usual;
  warm_up_ = warm_up;
  since_ += warm_up;
}

void StrayFailures::begin_step(Instant at) {
  since_ = at + warm_up_;
  requests_ = failed_ = 0;
}

bool StrayFailures::are_usual(Instant now) const {
  if (!usual_) return 2 * failed_ < requests_;
  const double usual = *usual_ * seconds(std::max(now - since_, Duration::zero()));
  return static_cast<double>(failed_) <= kPlainlyMore * usual + kDeviations * std::sqrt(usual + 1);
}

std::optional<std::string> StrayFailures::doubt(const std::string& candidate, std::uint64_t counted,
                                                double allowed, Instant now) const {
  if (failed_ < kFailuresMin || are_usual(now)) return std::nullopt;
  const auto failed = static_cast<double>(failed_);
  const double share = failed / (failed + static_cast<double>(counted));
  if (share <= allowed) return std::nullopt;
  return std::to_string(failed_) +
         " failed requests name neither version: nobody knows whose they are, and if they were " +
         sanitize(candidate) + "'s, " + decimal_text(std::round(share * 1000) / 10) +
         "% of its requests would have failed";
}

}  // namespace belay::rules
