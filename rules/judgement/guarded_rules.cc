#include "rules/judgement/guarded_rules.h"

#include <algorithm>
#include <cmath>

namespace belay::rules {
namespace {

constexpr double kQuantile = 0.95;
constexpr double kSlowerThanBaseline = 1.25;
constexpr std::uint64_t kLatenciesOfBaselineMin = 20;
/// In which the baseline is looked for when a rule's own window has none of it.
constexpr std::int64_t kBaselineSeconds = 60;
/// For how long nothing bad is known before a shared cause is over, at least.
constexpr std::uint32_t kClearsAfterMin = 10;
/// Evidence with which the user's rules act sooner.
constexpr double kOddsMin = 30;
constexpr std::uint32_t kBadBlocksMin = 3;

/// So many fine checks in a row are no luck of a service that always has some errors.
constexpr std::uint32_t kFineAgain = 300;
/// Twice as bad as before is no longer the same.
constexpr double kWorseThanBefore = 2;

struct Shape {
  std::int64_t window;      // Seconds.
  std::uint32_t holds;      // Seconds until it acts, by the baseline.
  std::uint32_t alone;      // Until it acts without a baseline.
  double baseline_bad_min;  // Bad events that the baseline would have shown at that rate.
};
constexpr std::array<Shape, kGuardedRules> kShapes = {
    {{10, 5, 30, 3}, {10, 5, 0, 15}, {30, 30, 90, 5}, {60, 30, 30, 0}}};

const Shape& shape_of(GuardedRule rule) { return kShapes[static_cast<std::size_t>(rule)]; }

/// A first bad check, and another one for each second that it lasts.
bool has_held(std::uint32_t checks, std::uint32_t seconds) { return checks > seconds; }

}  // namespace

std::int64_t GuardedRules::window_seconds(GuardedRule rule) { return shape_of(rule).window; }

Duration GuardedRules::alone_for(GuardedRule rule) {
  return std::chrono::seconds{shape_of(rule).alone};
}

void GuardedRules::Clock::check(Truth truth, Baseline beside, std::uint32_t holds) {
  is_bad = truth == Truth::bad;
  not_bad = is_bad ? 0 : not_bad + 1;
  fine = is_bad ? 0 : fine + (truth == Truth::fine ? 1 : 0);
  if (not_bad > std::max(holds, kClearsAfterMin)) is_shared = false;
  if (truth == Truth::fine) blamed = alone = shared = 0;
  if (!is_bad) return;
  switch (beside) {
    case Baseline::none:
      ++alone;
      break;
    case Baseline::before:
      blamed = alone = 0;
      break;
    case Baseline::better:
      ++blamed;
      ++alone;
      shared = 0;
      is_shared = false;
      break;
    case Baseline::as_bad:
      ++shared;
      blamed = alone = 0;
      break;
    case Baseline::between:
      blamed = shared = 0;
      break;
  }
  is_shared = is_shared || has_held(shared, holds);
}

double GuardedRules::error_rate_allowed() const {
  return std::max(error_rate_max_, kWorseThanBefore * error_rate_before_);
}

GuardedRules::Truth GuardedRules::truth(GuardedRule rule, const PairedEvidence& evidence) const {
  const PairedEvidence::Sums sums = evidence.last(shape_of(rule).window, Role::candidate);
  const auto judged = [](bool is_known, bool is_bad) {
    if (!is_known) return Truth::unknown;
    return is_bad ? Truth::bad : Truth::fine;
  };
  switch (rule) {
    case GuardedRule::broken:
      return judged(sums.total >= 20, sums.error_rate() >= kBrokenShare);
    case GuardedRule::clear:
      return judged(sums.total > 0, sums.errors >= 30 && sums.error_rate() >= kClearShare);
    case GuardedRule::errors:
      return judged(sums.total >= 20, sums.error_rate() > error_rate_max_);
    case GuardedRule::latency:
      return judged(sums.reported >= 50, quantile_exceeds(kQuantile, sums.reported, sums.slow));
  }
  return Truth::unknown;
}

GuardedRules::Baseline GuardedRules::baseline(GuardedRule rule,
                                              const PairedEvidence& evidence) const {
  const std::int64_t window = shape_of(rule).window;
  const PairedEvidence::Sums candidate = evidence.last(window, Role::candidate);
  PairedEvidence::Sums beside = evidence.last(window, Role::baseline);
  if (rule == GuardedRule::latency) {
    if (beside.reported < kLatenciesOfBaselineMin) return Baseline::none;
    const std::optional<double> p95 = evidence.p95_us(Role::baseline);
    const std::optional<double> own = evidence.p95_us(Role::candidate);
    // Where the log is too late for one of them, nothing shows which is better.
    if (!p95 || !own) return Baseline::between;
    if (*own >= kSlowerThanBaseline * *p95) return Baseline::better;
    return quantile_exceeds(kQuantile, beside.reported, beside.slow) ? Baseline::as_bad
                                                                     : Baseline::between;
  }
  const std::int64_t looks = beside.total == 0 ? kBaselineSeconds : window;
  if (beside.total == 0) beside = evidence.last(looks, Role::baseline);
  const double rate = candidate.error_rate();
  if (beside.total == 0)
    return rate < kWorseThanBefore * error_rate_before_ ? Baseline::before : Baseline::none;
  // Few of a small baseline's requests may be people's: what is served to them says how it is.
  const double rate_beside =
      std::max(beside.error_rate(), evidence.baseline_as_candidate(window, looks));
  if (rate_beside >= rate / 2) return Baseline::as_bad;
  const bool is_clear = rule != GuardedRule::clear || rate_beside <= rate / 3;
  return is_clear ? Baseline::better : Baseline::between;
}

void GuardedRules::check(const PairedEvidence& evidence) {
  for (std::size_t i = 0; i < kGuardedRules; ++i) {
    const auto rule = static_cast<GuardedRule>(i);
    const Truth is = truth(rule, evidence);
    const bool is_fine_again =
        rule == GuardedRule::errors && is == Truth::fine && clocks_[i].fine >= kFineAgain;
    if (is_fine_again) error_rate_before_ = 0;
    clocks_[i].check(is, is == Truth::bad ? baseline(rule, evidence) : Baseline::none,
                     kShapes[i].holds);
  }
}

GuardedRules::Verdict GuardedRules::verdict(GuardedRule rule,
                                            const PairedEvidence& evidence) const {
  const Clock& clock = held(rule);
  const Shape& shape = shape_of(rule);
  if (clock.is_shared) return Verdict::shared;
  if (!clock.is_bad) return Verdict::none;
  const CandidateComparison& comparison = evidence.comparison();
  const double log_odds_min = std::log(kOddsMin);
  if (rule == GuardedRule::latency) {
    if (has_held(clock.blamed, shape.holds) && comparison.log_odds_of_latency() >= log_odds_min)
      return Verdict::rollback;
    return clock.blamed == 0 && has_held(clock.alone, shape.alone) ? Verdict::alone : Verdict::none;
  }
  const double rate = evidence.last(shape.window, Role::candidate).error_rate();
  const auto beside = static_cast<double>(evidence.last(shape.window, Role::baseline).total);
  const bool is_usable = beside * rate >= shape.baseline_bad_min;
  bool is_blamed = is_usable && has_held(clock.blamed, shape.holds);
  if (rule == GuardedRule::errors) {
    const EvidenceBlocks& errors = comparison.blocks(Compared::errors);
    const bool has_odds =
        errors.log_wealth() >= log_odds_min && errors.bad_blocks() >= kBadBlocksMin;
    is_blamed = (has_odds && has_held(clock.blamed, shape.holds)) ||
                (is_usable && has_held(clock.blamed, shape.alone));
  }
  const bool is_alone =
      !is_usable && rule != GuardedRule::clear && has_held(clock.alone, shape.alone);
  return is_blamed || is_alone ? Verdict::rollback : Verdict::none;
}

}  // namespace belay::rules
