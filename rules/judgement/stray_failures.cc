#include "rules/judgement/stray_failures.h"

#include <cmath>

#include "base/sanitize.h"
#include "rules/language/units.h"

namespace belay::rules {
namespace {

/// What came before goes up and down by itself: more than twice as many, and by more than three
/// standard deviations, are no chance.
constexpr double kPlainlyMore = 2;
constexpr double kDeviations = 3;

}  // namespace

std::optional<std::string> StrayFailures::doubt(const std::string& candidate, std::uint64_t counted,
                                                double allowed, Instant now) const {
  const auto stray = static_cast<double>(in_step_);
  const double usual = usual_ * seconds(now - since_);
  if (stray <= kPlainlyMore * usual + kDeviations * std::sqrt(usual + 1)) return std::nullopt;
  const double share = stray / (stray + static_cast<double>(counted));
  if (share <= allowed) return std::nullopt;
  return std::to_string(in_step_) +
         " failed requests name neither version: nobody knows whose they are, and if they were " +
         sanitize(candidate) + "'s, " + decimal_text(std::round(share * 1000) / 10) +
         "% of its requests would have failed";
}

}  // namespace belay::rules
