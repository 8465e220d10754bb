#pragma once

#include <array>
#include <cstdint>

#include "rules/judgement/paired_evidence.h"

namespace belay::rules {

/// Absolute rules on the candidate's requests that a person can check by eye. None acts where the
/// baseline is as bad at the same time. Their risk was measured in simulations, not proven.
enum class GuardedRule : std::uint8_t {
  broken,   ///< 10 s: n >= 20, errors >= 50 %.
  clear,    ///< 10 s: >= 30 errors, >= 10 %.
  errors,   ///< 30 s: n >= 20, more errors than the user allows.
  latency,  ///< 60 s: n >= 50, p95 above what the user allows.
};
inline constexpr std::size_t kGuardedRules = 4;
/// Shares of errors at which the first two are bad.
inline constexpr double kBrokenShare = 0.5;
inline constexpr double kClearShare = 0.1;

class GuardedRules {
 public:
  /// The user's: share of errors (the limit of latency is the evidence's, slow_above()).
  explicit GuardedRules(double error_rate_max) : error_rate_max_(error_rate_max) {}

  /// The service had this rate of errors before the rollout, and that was bad. Until the candidate
  /// was fine for five minutes, what is less than twice as bad counts as bad before, where no
  /// baseline is beside it.
  void was_bad_before(double error_rate) { error_rate_before_ = error_rate; }
  [[nodiscard]] double error_rate_before() const { return error_rate_before_; }
  /// What default/errors lets pass: its limit, or the excuse.
  [[nodiscard]] double error_rate_allowed() const;

  /// At each whole second, once.
  void check(const PairedEvidence& evidence);

  enum class Verdict : std::uint8_t {
    none,
    rollback,  ///< The candidate is bad, and the baseline is not (or there is none to ask).
    alone,     ///< Bad for long enough, but without a baseline this one only pauses.
    shared,    ///< Both are bad.
  };
  [[nodiscard]] Verdict verdict(GuardedRule rule, const PairedEvidence& evidence) const;
  /// Whether the candidate is bad by it at this second.
  [[nodiscard]] bool is_bad(GuardedRule rule) const { return held(rule).is_bad; }

  static std::int64_t window_seconds(GuardedRule rule);
  /// For how long it must be bad, without a baseline to ask, before it acts.
  static Duration alone_for(GuardedRule rule);
  /// The window of `latency`, and how long it must be bad.
  static Duration latency_takes() {
    return std::chrono::seconds{window_seconds(GuardedRule::latency)} +
           alone_for(GuardedRule::latency);
  }

 private:
  enum class Truth : std::uint8_t { unknown, fine, bad };
  enum class Baseline : std::uint8_t {
    none,    ///< No requests to compare with.
    before,  ///< None either, and the service was as bad before.
    better,  ///< Clearly.
    as_bad,
    between,  ///< Neither.
  };
  /// How many checks in a row something held; what is unknown neither counts nor breaks.
  struct Clock {
    bool is_bad = false;
    std::uint32_t blamed = 0;   ///< Bad, and the baseline better.
    std::uint32_t alone = 0;    ///< Bad, and no baseline as bad.
    std::uint32_t shared = 0;   ///< Bad, and the baseline as well.
    std::uint32_t fine = 0;     ///< And known to be, since it was bad last.
    std::uint32_t not_bad = 0;  ///< Fine, or nobody knows.
    bool is_shared = false;

    void check(Truth truth, Baseline baseline, std::uint32_t holds);
  };
  [[nodiscard]] const Clock& held(GuardedRule rule) const {
    return clocks_[static_cast<std::size_t>(rule)];
  }
  [[nodiscard]] Truth truth(GuardedRule rule, const PairedEvidence& evidence) const;
  [[nodiscard]] Baseline baseline(GuardedRule rule, const PairedEvidence& evidence) const;

  double error_rate_max_;
  double error_rate_before_ = 0;  // 0: it was not bad.
  std::array<Clock, kGuardedRules> clocks_{};
};

}  // namespace belay::rules
