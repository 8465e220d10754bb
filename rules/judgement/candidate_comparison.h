#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/time.h"
#include "rules/event.h"
#include "rules/judgement/evidence_blocks.h"
#include "rules/judgement/rollout_limits.h"
#include "rules/judgement/slow_limits.h"
#include "rules/language/rule.h"

namespace belay::rules {

/// Requests of one version on one route within one second: one, or many that were counted before.
struct PairedCalls {
  std::int64_t second = 0;  ///< Since the Unix epoch.
  std::uint32_t route = 0;  ///< A small number.
  Role role = Role::candidate;
  std::uint32_t count = 0;
  std::uint32_t errors = 0;
  std::span<const RequestSecond::Bucket> latencies;  ///< Of those that reported one.
};

/// What is needed besides odds, so that a difference matters to anyone. It only ever removes.
struct PracticalFilter {
  double excess_min = 0;  ///< Of the candidate's rate over what it may be, in the evidence window.
  std::uint64_t bad_min = 0;
  std::uint32_t bad_blocks_min = 0;
  [[nodiscard]] bool passes(const EvidenceBlocks& blocks) const;
};

/// fine: nothing speaks against it. suspect: 10 to 1, not to be promoted. worse: beyond the limit.
enum class Standing : std::uint8_t { fine, suspect, worse };
Standing standing_of(double log_odds, double alpha, bool passes_filter);

/// What a `worse than` compares, as numbers.
struct ComparisonSpec {
  WorseThan::What what = WorseThan::What::both;
  double rho_errors = 1.25;
  double rho_latency = 1.10;
  double latency_factor = 1.10;
  double excess_errors = 0.002;
  double excess_latency = 0.005;
  double alpha = 0.01;

  static ComparisonSpec of(const WorseThan& sentence, double confidence);
  /// That of the default judgement.
  static ComparisonSpec of(const RolloutLimits& limits);
  bool operator==(const ComparisonSpec&) const = default;
};

/// Whether the candidate of a rollout is worse than its baseline: errors and slow requests, each
/// with its own wealth, mixed into one number that may be looked at at every moment.
class CandidateComparison {
 public:
  CandidateComparison(const ComparisonSpec& spec, Instant start);

  void count(const PairedCalls& calls);
  /// Everything before `now` has been counted, but for late events. Never goes back.
  void advance(Instant now);
  void begin_step(Instant at);

  [[nodiscard]] const ComparisonSpec& spec() const { return spec_; }
  /// ln of the mixture M.
  [[nodiscard]] double log_odds() const;
  /// ln of the evidence on latency alone (the mean of its three).
  [[nodiscard]] double log_odds_of_latency() const;
  [[nodiscard]] Standing standing() const;
  /// The metric that gives most of the mixture; the filter is its.
  [[nodiscard]] Compared dominant() const;
  [[nodiscard]] double weight(Compared metric) const {
    return weights_[static_cast<std::size_t>(metric)];
  }
  [[nodiscard]] const EvidenceBlocks& blocks(Compared metric) const {
    return blocks_[static_cast<std::size_t>(metric)];
  }
  /// Latencies count from this moment on: cold starts are over.
  [[nodiscard]] Instant latency_from() const {
    return Instant{std::chrono::seconds{latency_from_}};
  }

 private:
  [[nodiscard]] PracticalFilter filter(Compared metric) const;

  ComparisonSpec spec_;
  std::array<double, kComparedMetrics> weights_{};
  std::array<EvidenceBlocks, kComparedMetrics> blocks_;
  SlowLimits limits_;
  std::int64_t latency_from_;
  std::int64_t refresh_at_;
};

}  // namespace belay::rules
