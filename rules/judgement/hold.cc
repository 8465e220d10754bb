#include "rules/judgement/hold.h"

#include <chrono>

namespace belay::rules {
namespace {

constexpr Duration kCheckEvery = std::chrono::seconds{1};

}  // namespace

Hold::Hold(Duration hold_for, std::optional<Duration> within) : hold_for_(hold_for) {
  if (within) recent_.resize(static_cast<std::size_t>(*within / kCheckEvery), false);
}

Hold::Change Hold::fire(Instant at) {
  firing_since_ = at;
  if (!bad_since_) {
    bad_since_ = at;
    running_for_ = Duration::zero();
  }
  clears_after_ = running_for_;
  fine_for_ = Duration::zero();
  was_fine_ = false;
  return Change::fired;
}

Hold::Change Hold::glance(Instant at, Truth truth) {
  if (truth != Truth::bad || !fires_at_once() || is_firing()) return Change::none;
  return fire(at);
}

bool Hold::book(Instant at, bool bad) {
  if (bad && !bad_since_) {
    bad_since_ = at;
    running_for_ = Duration::zero();
  } else if (bad_since_) {
    running_for_ += kCheckEvery;
  }
  if (recent_.empty()) {
    if (bad && was_bad_) bad_for_ += kCheckEvery;
    if (!bad) bad_for_ = Duration::zero();
    was_bad_ = bad;
    return bad && bad_for_ >= hold_for_;
  }
  bad_in_recent_ += (bad ? 1U : 0U);
  bad_in_recent_ -= (recent_[next_] ? 1U : 0U);
  recent_[next_] = bad;
  next_ = (next_ + 1) % recent_.size();
  return bad && kCheckEvery * static_cast<std::int64_t>(bad_in_recent_) >= hold_for_;
}

Hold::Change Hold::check(Instant at, Truth truth) {
  if (truth == Truth::unknown) {
    was_bad_ = false;
    was_fine_ = false;
    return Change::none;
  }
  const bool bad = truth == Truth::bad;
  const bool is_enough = book(at, bad);
  if (is_firing()) {
    // As with bad: a second counts when the checks at both its ends are fine.
    if (was_fine_ && !bad) fine_for_ += kCheckEvery;
    if (bad) fine_for_ = Duration::zero();
    was_fine_ = !bad;
    if (bad || fine_for_ < clears_after_) return Change::none;
    firing_since_.reset();
    bad_since_.reset();
    return Change::cleared;
  }
  if (is_enough) return fire(at);
  const bool is_forgiven = recent_.empty() ? !bad : bad_in_recent_ == 0;
  if (is_forgiven) bad_since_.reset();
  return Change::none;
}

}  // namespace belay::rules
