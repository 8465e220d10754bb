#include "rules/judgement/few_failures.h"

#include "rules/judgement/guarded_rules.h"

namespace belay::rules {
namespace {

/// Of default/errors: with fewer within its window it knows nothing.
constexpr std::uint64_t kErrorsSamplesMin = 20;
/// Of fewer requests so many failures, or half of them, are no sign of health.
constexpr std::uint64_t kFailuresMin = 3;
/// So much more than what is allowed is plainly too much.
constexpr double kPlainlyMore = 2;
/// None of n shows, at 95 %, that at most 3/n fail.
constexpr double kRuleOfThree = 3;

}  // namespace

void FewFailures::begin_step() {
  errors_ = total_at_failure_ = 0;
  errors_when_over_.reset();
}

FewFailures::Sums FewFailures::find(const PairedEvidence& evidence, double allowed) const {
  const std::int64_t window = GuardedRules::window_seconds(GuardedRule::errors);
  if (evidence.last(window, Role::candidate).total >= kErrorsSamplesMin) return {};
  Sums few = newest_;
  if (few.total < kErrorsSamplesMin) {
    few = {.total = evidence.total_in_step(Role::candidate), .errors = errors_};
    // So many without a failure since the last one show that it is over.
    if (static_cast<double>(few.total - total_at_failure_) * allowed >= kRuleOfThree) return {};
  }
  const bool are_many = few.errors >= kFailuresMin || 2 * few.errors >= few.total;
  const bool is_bad = few.errors > 0 && are_many && few.error_rate() > allowed;
  return is_bad ? few : Sums{};
}

/// Begun by plainly too many, it ends when no more fail than may: who is paged is paged once.
void FewFailures::look(const PairedEvidence& evidence, double allowed, bool is_blind) {
  const std::uint64_t errors = evidence.errors_in_step(Role::candidate);
  if (errors != errors_) total_at_failure_ = evidence.total_in_step(Role::candidate);
  errors_ = errors;
  newest_ = evidence.last(PairedEvidence::kSecondsMax, Role::candidate);
  newest_of_baseline_ = evidence.last(PairedEvidence::kSecondsMax, Role::baseline);
  found_ = find(evidence, allowed);
  const bool are_plainly_many =
      found_.total >= kErrorsSamplesMin && found_.error_rate() > kPlainlyMore * allowed;
  // What is over begins anew only by another failure.
  if (!is_plain_ && are_plainly_many && !is_blind && errors != errors_when_over_) {
    is_plain_ = true;
    is_shared_ = newest_of_baseline_.error_rate() >= found_.error_rate() / 2;
  } else if (!hinders() && newest_.error_rate() <= allowed) {
    if (is_plain_) errors_when_over_ = errors;
    is_plain_ = false;
  }
}

bool FewFailures::blames_candidate() const {
  return is_plain_ && hinders() && newest_of_baseline_.total > 0 &&
         newest_of_baseline_.error_rate() < found_.error_rate() / 2;
}

std::string FewFailures::words(const std::string& candidate, const std::string& baseline) const {
  const Sums& few = hinders() ? found_ : newest_;
  std::string words = std::to_string(few.errors) + " of the last " + std::to_string(few.total) +
                      " requests of " + candidate + " failed";
  if (newest_of_baseline_.total > 0)
    words += ", and " + std::to_string(newest_of_baseline_.errors) + " of " +
             std::to_string(newest_of_baseline_.total) + " of " + baseline;
  return words;
}

}  // namespace belay::rules
