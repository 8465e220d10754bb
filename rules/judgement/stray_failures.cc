#include "rules/judgement/stray_failures.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/sanitize.h"
#include "rules/language/units.h"

namespace belay::rules {
namespace {

/// More than twice as many, and by more than three standard deviations, are no chance.
constexpr double kPlainlyMore = 2;
constexpr double kDeviations = 3;
}  // namespace

bool are_about_usual(std::uint64_t failed, double usual) {
  return static_cast<double>(failed) <= kPlainlyMore * usual + kDeviations * std::sqrt(usual + 1);
}

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
  for (Kind* kind : {&nameless_, &named_}) kind->seen = {};
}

bool StrayFailures::are_usual(const Kind& kind, const Sums& sums, Duration over) {
  if (!kind.usual) return 2 * sums.failed < sums.requests;
  return are_about_usual(sums.failed, *kind.usual * seconds(std::max(over, Duration::zero())));
}

std::uint64_t StrayFailures::unusual(bool are_recent, Instant until) const {
  constexpr Duration kRecently = std::chrono::seconds{RecentFailures::kSecondsMax};
  const Duration over = are_recent ? std::min(until - since_, kRecently) : until - since_;
  std::uint64_t failed = 0;
  for (const Kind* kind : {&nameless_, &named_}) {
    const Sums sums = are_recent ? kind->seen.recent.last(until) : kind->seen.sums;
    if (sums.failed >= kStrayFailuresMin && !are_usual(*kind, sums, over)) failed += sums.failed;
  }
  return failed;
}

std::optional<std::string> StrayFailures::doubt(const std::string& candidate,
                                                const Counted& counted, double allowed,
                                                Instant now) const {
  std::uint64_t strays = unusual(false, now);
  std::uint64_t own = counted.in_step;
  const auto share_of = [&] {
    const auto failed = static_cast<double>(strays);
    return strays == 0 ? 0 : failed / (failed + static_cast<double>(own));
  };
  std::string when;
  if (share_of() <= allowed) {
    strays = unusual(true, counted.as_of);
    own = counted.lately;
    when = "in the last 2m, ";
  }
  const double share = share_of();
  if (share <= allowed) return std::nullopt;
  return when + std::to_string(strays) +
         " failed requests name neither version: nobody knows whose they are, and if they were " +
         sanitize(candidate) + "'s, " + decimal_text(std::round(share * 1000) / 10) +
         "% of its requests would have failed";
}

}  // namespace belay::rules
