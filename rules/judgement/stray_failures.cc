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

void StrayFailures::begin(const std::optional<Usual>& usual, Duration warm_up) {
  if (usual) {
    nameless_.usual = usual->nameless;
    named_.usual = usual->named;
  }
  warm_up_ = warm_up;
  since_ += warm_up;
}

void StrayFailures::begin_step(Instant at) {
  since_ = at + warm_up_;
  for (Seen* seen : {&nameless_, &named_}) seen->requests = seen->failed = 0;
}

bool StrayFailures::are_usual(const Seen& seen, Instant now) const {
  if (!seen.usual) return 2 * seen.failed < seen.requests;
  const double usual = *seen.usual * seconds(std::max(now - since_, Duration::zero()));
  return static_cast<double>(seen.failed) <=
         kPlainlyMore * usual + kDeviations * std::sqrt(usual + 1);
}

std::optional<std::string> StrayFailures::doubt(const std::string& candidate, std::uint64_t counted,
                                                double allowed, Instant now) const {
  std::uint64_t strays = 0;
  for (const Seen& seen : {nameless_, named_})
    if (seen.failed >= kFailuresMin && !are_usual(seen, now)) strays += seen.failed;
  const auto failed = static_cast<double>(strays);
  const double share = strays == 0 ? 0 : failed / (failed + static_cast<double>(counted));
  if (share <= allowed) return std::nullopt;
  return std::to_string(strays) +
         " failed requests name neither version: nobody knows whose they are, and if they were " +
         sanitize(candidate) + "'s, " + decimal_text(std::round(share * 1000) / 10) +
         "% of its requests would have failed";
}

}  // namespace belay::rules
