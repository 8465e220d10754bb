#include "rules/judgement/route_mix.h"

namespace belay::rules {
namespace {

/// So many requests of the baseline's average stand beside those that a route has.
constexpr double kOfAverage = 1;

double rate_of(const PairCounts::Of& counts) {
  return counts.total == 0 ? 0
                           : static_cast<double>(counts.bad) / static_cast<double>(counts.total);
}

}  // namespace

void RouteMix::count(std::int64_t second, std::uint32_t route, Role role, std::uint32_t requests,
                     std::uint32_t failed) {
  if (route >= routes_.size()) routes_.resize(route + 1);
  std::vector<Second>& seconds = routes_[route];
  if (seconds.empty()) seconds.resize(kSeconds);
  Second& of = seconds[static_cast<std::size_t>(second) % kSeconds];
  if (of.at < second) of = Second{.at = second};
  if (of.at != second) return;
  of.requests[static_cast<std::size_t>(role)] += requests;
  of.failed[static_cast<std::size_t>(role)] += failed;
}

PairCounts::Of RouteMix::sum(const std::vector<Second>& seconds, Role role, std::int64_t begin,
                             std::int64_t end) {
  PairCounts::Of sum;
  if (seconds.empty()) return sum;
  for (std::int64_t at = begin; at < end; ++at) {
    const Second& of = seconds[static_cast<std::size_t>(at) % kSeconds];
    if (of.at != at) continue;
    sum.total += of.requests[static_cast<std::size_t>(role)];
    sum.bad += of.failed[static_cast<std::size_t>(role)];
  }
  return sum;
}

double RouteMix::baseline_as_candidate(const Span& span) const {
  const auto of_baseline = [&](const std::vector<Second>& seconds) {
    return sum(seconds, Role::baseline, span.end - span.baseline, span.end);
  };
  PairCounts::Of all;
  for (const std::vector<Second>& seconds : routes_) {
    const PairCounts::Of one = of_baseline(seconds);
    all.bad += one.bad;
    all.total += one.total;
  }
  double requests = 0;
  double failed = 0;
  for (const std::vector<Second>& seconds : routes_) {
    const PairCounts::Of own = sum(seconds, Role::candidate, span.end - span.candidate, span.end);
    if (own.total == 0) continue;
    const PairCounts::Of beside = of_baseline(seconds);
    const double rate = (static_cast<double>(beside.bad) + kOfAverage * rate_of(all)) /
                        (static_cast<double>(beside.total) + kOfAverage);
    requests += static_cast<double>(own.total);
    failed += static_cast<double>(own.total) * rate;
  }
  return requests > 0 && all.total > 0 ? failed / requests : 0;
}

}  // namespace belay::rules
