#include "rules/judgement/rollout_numbers.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/sanitize.h"
#include "rules/judgement/candidate_comparison.h"
#include "rules/judgement/names.h"
#include "rules/judgement/paired_evidence.h"

namespace belay::rules {
namespace {

constexpr double kAlphaShown = 0.01;
constexpr std::size_t kTopMax = 3;
/// Beyond this an odd is told as "more than".
constexpr double kOddsMax = 1e12;

double share(std::uint64_t part, std::uint64_t all) {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}

/// Of these bad requests the candidate may have had so many at most, were it `rho` times worse.
double allowed(const PairCounts& counts, double rho) {
  const double weighed = rho * static_cast<double>(counts[Role::candidate].total);
  const double all = weighed + static_cast<double>(counts[Role::baseline].total);
  return all == 0 ? 0 : weighed / all;
}

/// The share that the statistic allows: each route by its own traffic and its own bad requests.
double allowed_share(const EvidenceBlocks& blocks, double rho) {
  double bad = 0;
  double weighed = 0;
  for (const PairCounts& route : blocks.evidence_by_route()) {
    const auto of_route =
        static_cast<double>(route[Role::candidate].bad + route[Role::baseline].bad);
    bad += of_route;
    weighed += of_route * allowed(route, rho);
  }
  return bad == 0 ? allowed(blocks.evidence(), rho) : weighed / bad;
}

void keep_top(std::vector<TopFailure>& failures) {
  std::sort(failures.begin(), failures.end(), [](const TopFailure& left, const TopFailure& right) {
    return left.bad != right.bad ? left.bad > right.bad : left.name < right.name;
  });
  if (failures.size() > kTopMax) failures.resize(kTopMax);
}

}  // namespace

RolloutNumbers numbers_of(const CandidateComparison& comparison, Instant now) {
  RolloutNumbers numbers;
  numbers.compared = comparison.dominant();
  const EvidenceBlocks& blocks = comparison.blocks(numbers.compared);
  numbers.counts = blocks.evidence();
  numbers.window = now - Instant{std::chrono::seconds{blocks.evidence_since()}};
  const ComparisonSpec& spec = comparison.spec();
  numbers.margin = numbers.compared == Compared::errors ? spec.rho_errors : spec.rho_latency;
  numbers.excess = blocks.excess();
  const PairCounts::Of& candidate = numbers.counts[Role::candidate];
  const PairCounts::Of& baseline = numbers.counts[Role::baseline];
  numbers.traffic = share(candidate.total, candidate.total + baseline.total);
  numbers.share = share(candidate.bad, candidate.bad + baseline.bad);
  numbers.allowed = allowed_share(blocks, numbers.margin);
  numbers.interval = rate_interval(candidate.bad, candidate.total, kAlphaShown);
  const double limit = 1 / spec.alpha;
  const double weight = comparison.weight(numbers.compared);
  // Where only all of them together are enough, it is all of them that are told.
  const bool is_by_itself = blocks.log_wealth() + std::log(weight) >= std::log(limit) ||
                            comparison.log_odds() < std::log(limit);
  const double log_odds = is_by_itself ? blocks.log_wealth() : comparison.log_odds();
  numbers.odds = std::min(std::exp(std::min(log_odds, 700.0)), kOddsMax);
  numbers.odds_limit = is_by_itself ? limit / weight : limit;
  return numbers;
}

void fill_top(RolloutNumbers& numbers, const EvidenceBlocks& blocks, const PairedEvidence& evidence,
              const NameTable& names) {
  numbers.since_start = evidence.since_start();
  const std::vector<PairCounts>& routes = blocks.evidence_by_route();
  for (std::uint32_t route = 0; route < routes.size(); ++route) {
    const PairCounts::Of& counts = routes[route][Role::candidate];
    if (counts.bad == 0) continue;
    const NameId name = evidence.route_name(route);
    const std::string text = name == kOtherRoute ? "other" : names.text(name);
    numbers.routes.push_back({.name = text.empty() ? "no route" : sanitize(text),
                              .bad = counts.bad,
                              .total = counts.total});
  }
  keep_top(numbers.routes);
  if (numbers.compared != Compared::errors) return;
  for (const PairedEvidence::Failure& failure : evidence.failures()) {
    std::string name = sanitize(names.text(failure.outcome));
    if (failure.status >= 500 || name.empty())
      name = std::to_string(failure.status) + (name.empty() || name == "ok" ? "" : " " + name);
    numbers.reasons.push_back({.name = std::move(name), .bad = failure.count});
  }
  keep_top(numbers.reasons);
  for (const PairedEvidence::Exception& exception : evidence.exceptions())
    numbers.exceptions.push_back({.name = sanitize(exception.what), .bad = exception.count});
  keep_top(numbers.exceptions);
}

RolloutNumbers numbers_of(const PairedEvidence& evidence, Instant now, const NameTable& names) {
  RolloutNumbers numbers = numbers_of(evidence.comparison(), now);
  fill_top(numbers, evidence.comparison().blocks(numbers.compared), evidence, names);
  return numbers;
}

}  // namespace belay::rules
