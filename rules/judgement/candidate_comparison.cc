#include "rules/judgement/candidate_comparison.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace belay::rules {
namespace {

constexpr std::uint32_t kErrorBlockSeconds = 10;
constexpr std::uint32_t kLatencyBlockSeconds = 5;
/// New processes are slow at first: their latencies are not compared.
constexpr std::int64_t kColdStartSeconds = 60;
constexpr std::int64_t kColdStepSeconds = 30;
constexpr std::int64_t kRefreshSeconds = 10;
constexpr double kSuspectOdds = 10;

constexpr std::array kSlow = {Compared::slow_p50, Compared::slow_p90, Compared::slow_p99};

std::int64_t second_of(Instant at) {
  return std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
}

std::array<double, kComparedMetrics> weights_of(WorseThan::What what) {
  switch (what) {
    case WorseThan::What::errors:
      return {1, 0, 0, 0};
    case WorseThan::What::latency:
      return {0, 1.0 / 3, 1.0 / 3, 1.0 / 3};
    case WorseThan::What::both:
      return {1.0 / 2, 1.0 / 6, 1.0 / 6, 1.0 / 6};
  }
  return {1, 0, 0, 0};
}

std::array<EvidenceBlocks, kComparedMetrics> blocks_of(const ComparisonSpec& spec, Instant start) {
  const std::int64_t first = second_of(start);
  const EvidenceBlocks errors({.seconds = kErrorBlockSeconds, .rho = spec.rho_errors}, first);
  const EvidenceBlocks slow({.seconds = kLatencyBlockSeconds, .rho = spec.rho_latency}, first);
  return {errors, slow, slow, slow};
}

}  // namespace

bool PracticalFilter::passes(const EvidenceBlocks& blocks) const {
  return blocks.excess() >= excess_min && blocks.evidence()[Role::candidate].bad >= bad_min &&
         blocks.bad_blocks() >= bad_blocks_min;
}

Standing standing_of(double log_odds, double alpha, bool passes_filter) {
  if (log_odds >= -std::log(alpha) && passes_filter) return Standing::worse;
  return log_odds >= std::log(kSuspectOdds) ? Standing::suspect : Standing::fine;
}

ComparisonSpec ComparisonSpec::of(const WorseThan& sentence, double confidence) {
  ComparisonSpec spec;
  spec.what = sentence.what;
  // As it was meant: 1 - 0.99 is not quite 0.01.
  spec.alpha = std::round((1 - confidence) * 1e9) / 1e9;
  if (sentence.what == WorseThan::What::errors) {
    spec.rho_errors = sentence.rho;
    spec.excess_errors = sentence.filter_points;
  } else if (sentence.what == WorseThan::What::latency) {
    spec.rho_latency = sentence.rho;
    spec.latency_factor = sentence.latency_factor;
    spec.excess_latency = sentence.filter_points;
  }
  return spec;
}

ComparisonSpec ComparisonSpec::of(const RolloutLimits& limits) {
  return {.what = limits.judges_latency ? WorseThan::What::both : WorseThan::What::errors,
          .alpha = limits.alpha};
}

CandidateComparison::CandidateComparison(const ComparisonSpec& spec, Instant start)
    : spec_(spec),
      weights_(weights_of(spec.what)),
      blocks_(blocks_of(spec, start)),
      limits_(spec.latency_factor),
      latency_from_(second_of(start) + kColdStartSeconds),
      refresh_at_(second_of(start) + kRefreshSeconds) {}

void CandidateComparison::count(const PairedCalls& calls) {
  if (weights_.front() > 0)
    blocks_.front().count(calls.second, calls.route, calls.role, calls.count, calls.errors);
  if (calls.latencies.empty() || spec_.what == WorseThan::What::errors) return;
  for (std::size_t i = 0; calls.second >= latency_from_ && i < kSlow.size(); ++i) {
    const std::uint32_t slow_from = limits_.slow_from(calls.route, i, calls.role);
    if (slow_from == SlowLimits::kNever) continue;
    std::uint32_t reported = 0;
    std::uint32_t slow = 0;
    for (const RequestSecond::Bucket& latency : calls.latencies) {
      reported += latency.count;
      slow += latency.bucket >= slow_from ? latency.count : 0;
    }
    blocks_[static_cast<std::size_t>(kSlow[i])].count(calls.second, calls.route, calls.role,
                                                      reported, slow);
  }
  if (calls.role != Role::baseline) return;
  for (const RequestSecond::Bucket& latency : calls.latencies)
    limits_.learn(calls.route, latency.bucket, latency.count);
}

void CandidateComparison::advance(Instant now) {
  const std::int64_t second = second_of(now);
  for (EvidenceBlocks& blocks : blocks_) blocks.advance(second);
  if (second < refresh_at_) return;
  limits_.refresh();
  refresh_at_ = second + kRefreshSeconds - (second - refresh_at_) % kRefreshSeconds;
}

void CandidateComparison::begin_step(Instant at) {
  advance(at);
  for (EvidenceBlocks& blocks : blocks_) blocks.begin_step();
  latency_from_ = std::max(latency_from_, second_of(at) + kColdStepSeconds);
}

double CandidateComparison::log_odds() const {
  std::array<WeightedWealth, kComparedMetrics> parts;
  for (std::size_t i = 0; i < parts.size(); ++i)
    parts[i] = {.log_wealth = blocks_[i].log_wealth(), .weight = weights_[i]};
  return log_mixture(parts);
}

double CandidateComparison::log_odds_of_latency() const {
  std::array<WeightedWealth, kSlow.size()> parts;
  for (std::size_t i = 0; i < parts.size(); ++i)
    parts[i] = {.log_wealth = blocks(kSlow[i]).log_wealth(), .weight = 1.0 / kSlow.size()};
  return log_mixture(parts);
}

Compared CandidateComparison::dominant() const {
  std::size_t dominant = weights_.front() > 0 ? 0 : 1;
  const auto part = [this](std::size_t i) {
    return blocks_[i].log_wealth() + std::log(weights_[i]);
  };
  for (std::size_t i = dominant + 1; i < kComparedMetrics; ++i)
    if (weights_[i] > 0 && part(i) > part(dominant)) dominant = i;
  return static_cast<Compared>(dominant);
}

PracticalFilter CandidateComparison::filter(Compared metric) const {
  if (metric == Compared::errors)
    return {.excess_min = spec_.excess_errors, .bad_min = 3, .bad_blocks_min = 3};
  return {.excess_min = spec_.excess_latency, .bad_min = 5};
}

Standing CandidateComparison::standing() const {
  const Compared metric = dominant();
  return standing_of(log_odds(), spec_.alpha, filter(metric).passes(blocks(metric)));
}

}  // namespace belay::rules
