#include "rules/windows/coverage.h"

#include <algorithm>

namespace belay::rules {
namespace {

Duration overlap(Instant from, Instant to, Instant begin, Instant end) {
  return std::max(Duration{0}, std::min(to, end) - std::max(from, begin));
}

}  // namespace

Coverage::Coverage(Duration silence_max) : silence_max_(silence_max) {}

void Coverage::sign(Instant at) {
  at = std::max(at, latest_);
  close(at);
  if (!first_sign_) first_sign_ = at;
  last_sign_ = at;
  open_from_ = at;
  latest_ = at;
}

void Coverage::interrupt(Instant at) {
  at = std::max(at, latest_);
  close(at);
  open_from_.reset();
  latest_ = at;
}

void Coverage::close(Instant at) {
  if (!open_from_ || at - *last_sign_ > silence_max_) return;
  const Instant from = std::max(*open_from_, gap_until_);
  if (from >= at) return;
  if (!covered_.empty() && covered_.back().to == from)
    covered_.back().to = at;
  else
    covered_.push_back({.from = from, .to = at});
  while (covered_.front().to < at - kWindowMax || covered_.size() > kIntervalsMax)
    covered_.pop_front();
}

void Coverage::gap(Instant from, Instant to) {
  if (from >= to) return;
  gap_until_ = std::max(gap_until_, to);
  std::deque<Interval> left;
  for (const Interval& interval : covered_) {
    if (interval.from < std::min(from, interval.to))
      left.push_back({.from = interval.from, .to = std::min(from, interval.to)});
    if (interval.to > std::max(to, interval.from))
      left.push_back({.from = std::max(to, interval.from), .to = interval.to});
  }
  covered_.swap(left);
}

double Coverage::share(Instant now, Duration window) const {
  const Instant begin = now - window;
  Duration covered{0};
  if (open_from_ && !silent(now))
    covered += overlap(std::max(*open_from_, gap_until_), now, begin, now);
  for (auto interval = covered_.rbegin(); interval != covered_.rend() && interval->to > begin;
       ++interval)
    covered += overlap(interval->from, interval->to, begin, now);
  return seconds(covered) / seconds(window);
}

bool Coverage::warming(Instant now, Duration window) const {
  return !first_sign_ || *first_sign_ > now - window;
}

bool Coverage::silent(Instant now) const { return !last_sign_ || now - *last_sign_ > silence_max_; }

}  // namespace belay::rules
