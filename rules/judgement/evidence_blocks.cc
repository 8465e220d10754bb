#include "rules/judgement/evidence_blocks.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace belay::rules {
namespace {

constexpr std::size_t kCandidate = static_cast<std::size_t>(Role::candidate);
constexpr std::size_t kBaseline = static_cast<std::size_t>(Role::baseline);
constexpr double kLogTen = 2.302585092994046;
/// Of equal wealth, but for rounding.
constexpr double kSameWealth = 1e-9;

double rate(const PairCounts::Of& of) {
  return of.total == 0 ? 0 : static_cast<double>(of.bad) / static_cast<double>(of.total);
}

/// Into how many pieces a block is cut, so that it moves the odds by about ten at most.
std::uint32_t pieces_of(double candidate, double baseline, const EvidenceBlocks::Shape& shape,
                        std::int64_t length) {
  if (candidate == 0 || baseline == 0) return 1;
  const double weighed = shape.rho * candidate;
  const double allowed = weighed / (weighed + baseline);
  const double most = std::min<double>(shape.seconds, static_cast<double>(length));
  const double wanted = std::ceil(kLogTen / -std::log(allowed) - 1e-12);
  const double cut = std::clamp(wanted, 1.0, most);
  return static_cast<std::uint32_t>(
      std::min(cut, std::max(1.0, std::floor(std::min(candidate, baseline) / 4))));
}

}  // namespace

const char* name_of(Compared compared) {
  switch (compared) {
    case Compared::errors:
      return "errors";
    case Compared::slow_p50:
      return "slow_p50";
    case Compared::slow_p90:
      return "slow_p90";
    case Compared::slow_p99:
      return "slow_p99";
  }
  return "errors";
}

double PairCounts::excess(double rho) const {
  if ((*this)[Role::candidate].total == 0) return 0;
  return rate((*this)[Role::candidate]) - rho * rate((*this)[Role::baseline]);
}

EvidenceBlocks::EvidenceBlocks(Shape shape, std::int64_t first_second)
    : shape_(shape),
      bet_(shape.rho),
      begin_(first_second),
      next_(first_second),
      evidence_since_(first_second) {}

EvidenceBlocks::Entry& EvidenceBlocks::entry_of(std::int64_t second, std::uint32_t route) {
  if (route >= last_of_route_.size()) {
    last_of_route_.resize(route + 1, kNone);
    by_route_.resize(route + 1);
  }
  const std::int64_t kept = begin_ + (second - begin_) / granule_ * granule_;
  std::uint32_t& last = last_of_route_[route];
  if (last != kNone && entries_[last].second == kept) return entries_[last];
  if (entries_.size() >= kEntriesMax) coarsen();
  last = static_cast<std::uint32_t>(entries_.size());
  return entries_.emplace_back(Entry{.second = kept, .route = route});
}

void EvidenceBlocks::coarsen() {
  while (entries_.size() > kEntriesMax / 2 && granule_ < next_ - begin_) {
    granule_ *= 2;
    for (Entry& entry : entries_)
      entry.second = begin_ + (entry.second - begin_) / granule_ * granule_;
    std::sort(entries_.begin(), entries_.end(), [](const Entry& left, const Entry& right) {
      return left.second != right.second ? left.second < right.second : left.route < right.route;
    });
    std::size_t kept = 0;
    for (std::size_t i = 1; i < entries_.size(); ++i) {
      Entry& into = entries_[kept];
      const Entry& from = entries_[i];
      if (into.second != from.second || into.route != from.route) {
        entries_[++kept] = from;
        continue;
      }
      for (std::size_t role = 0; role < kRoles; ++role) {
        into.total[role] += from.total[role];
        into.bad[role] += from.bad[role];
      }
    }
    entries_.resize(kept + 1);
  }
  std::fill(last_of_route_.begin(), last_of_route_.end(), kNone);
}

void EvidenceBlocks::count(std::int64_t second, std::uint32_t route, Role role, std::uint32_t total,
                           std::uint32_t bad) {
  second = std::clamp(second, begin_, next_ + kAheadMax);
  const auto of = static_cast<std::size_t>(role);
  Entry& entry = entry_of(second, route);
  entry.total[of] += total;
  entry.bad[of] += bad;
  if (second < next_)
    in_block_[of] += total;
  else
    ahead_[static_cast<std::size_t>(second & kAheadMax)][of] += total;
  evidence_[role].total += total;
  evidence_[role].bad += bad;
  by_route_[route][role].total += total;
  by_route_[route][role].bad += bad;
}

void EvidenceBlocks::push_second() {
  std::array<std::uint64_t, kRoles>& arrived = ahead_[static_cast<std::size_t>(next_ & kAheadMax)];
  for (std::size_t role = 0; role < kRoles; ++role) in_block_[role] += arrived[role];
  arrived = {};
  ++next_;
}

void EvidenceBlocks::advance(std::int64_t second) {
  while (next_ < second) {
    push_second();
    const bool is_long = next_ - begin_ >= static_cast<std::int64_t>(shape_.seconds);
    if (is_long && in_block_[kCandidate] > 0 && in_block_[kBaseline] > 0) close();
  }
}

void EvidenceBlocks::begin_step() {
  close();
  bet_.begin_step();
}

void EvidenceBlocks::close() {
  if (next_ == begin_) return;
  const std::uint32_t pieces =
      pieces_of(static_cast<double>(in_block_[kCandidate]),
                static_cast<double>(in_block_[kBaseline]), shape_, next_ - begin_);
  vote_on(pieces);
  const auto is_over = [this](const Entry& entry) { return entry.second < next_; };
  std::erase_if(entries_, is_over);
  std::fill(last_of_route_.begin(), last_of_route_.end(), kNone);
  begin_ = next_;
  granule_ = 1;
  in_block_ = {};
  if (bet_.log_wealth() <= lowest_ + kSameWealth) restart_evidence();
}

void EvidenceBlocks::vote_on(std::uint32_t pieces) {
  const std::size_t routes = last_of_route_.size();
  const std::int64_t length = next_ - begin_;
  pieces_.assign(pieces * routes, PairCounts{});
  bool is_bad = false;
  for (const Entry& entry : entries_) {
    if (entry.second >= next_) continue;
    // Piece v has the seconds [length * v / pieces, length * (v + 1) / pieces).
    const std::int64_t piece = ((entry.second - begin_ + 1) * pieces + length - 1) / length - 1;
    PairCounts& sum = pieces_[static_cast<std::size_t>(piece) * routes + entry.route];
    for (std::size_t role = 0; role < kRoles; ++role) {
      sum.roles[role].total += entry.total[role];
      sum.roles[role].bad += entry.bad[role];
    }
    is_bad = is_bad || entry.bad[kCandidate] > 0;
  }
  bad_blocks_ += is_bad ? 1 : 0;
  for (std::uint32_t piece = 0; piece < pieces; ++piece) bet(pieces_.data() + piece * routes);
}

void EvidenceBlocks::bet(const PairCounts* routes) {
  double bad = 0;
  double bad_of_candidate = 0;
  double allowed = 0;
  double excess = 0;
  double compared = 0;
  for (std::size_t route = 0; route < last_of_route_.size(); ++route) {
    const PairCounts::Of& candidate = routes[route][Role::candidate];
    const PairCounts::Of& baseline = routes[route][Role::baseline];
    const auto n = static_cast<double>(candidate.total);
    const auto m = static_cast<double>(baseline.total);
    const auto k = static_cast<double>(candidate.bad);
    const auto others = static_cast<double>(baseline.bad);
    if (k + others > 0) {
      bad += k + others;
      bad_of_candidate += k;
      if (n > 0) allowed += (k + others) * (shape_.rho * n / (shape_.rho * n + m));
    }
    if (n > 0 && m > 0) {
      excess += k - shape_.rho * n * others / m;
      compared += n;
    }
  }
  if (bad == 0) return;
  Vote vote;
  allowed /= bad;
  if (allowed > 0 && allowed < 1)
    vote.share = Vote::Share{.seen = bad_of_candidate / bad, .allowed = allowed};
  if (compared > 0) vote.difference = excess / compared;
  if (!vote.share && !vote.difference) return;
  bet_.vote(vote);
  ++votes_;
}

void EvidenceBlocks::add_evidence(const Entry& entry) {
  for (std::size_t role = 0; role < kRoles; ++role) {
    for (PairCounts* counts : {&evidence_, &by_route_[entry.route]}) {
      counts->roles[role].total += entry.total[role];
      counts->roles[role].bad += entry.bad[role];
    }
  }
}

void EvidenceBlocks::restart_evidence() {
  lowest_ = std::min(lowest_, bet_.log_wealth());
  evidence_ = {};
  std::fill(by_route_.begin(), by_route_.end(), PairCounts{});
  bad_blocks_ = 0;
  evidence_since_ = next_;
  for (const Entry& entry : entries_) add_evidence(entry);
}

}  // namespace belay::rules
