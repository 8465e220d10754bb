#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/time.h"
#include "rules/judgement/verdict.h"

namespace belay::rules {

/// "for D" and "for D of E": turns what is true at each moment into a rule that fires and clears.
///
/// Checks happen at whole seconds, and only they move the clock; a rule without "for" fires at any
/// moment. Unknown stops the clock: it neither counts nor breaks. A rule that fired clears after
/// being fine for as long as it took to fire.
class Hold {
 public:
  enum class Change : std::uint8_t { none, fired, cleared };

  Hold(Duration hold_for, std::optional<Duration> within);

  /// One whole second of engine time; each is given once, in order.
  Change check(Instant at, Truth truth);
  /// A moment between checks: fires what needs no hold.
  Change glance(Instant at, Truth truth);

  [[nodiscard]] bool fires_at_once() const { return hold_for_ == Duration::zero(); }
  [[nodiscard]] bool is_firing() const { return firing_since_.has_value(); }
  [[nodiscard]] std::optional<Instant> bad_since() const { return bad_since_; }
  [[nodiscard]] std::optional<Instant> firing_since() const { return firing_since_; }

 private:
  /// Books one known check; whether that is enough to fire.
  bool book(Instant at, bool bad);
  Change fire(Instant at);

  Duration hold_for_;
  std::vector<bool> recent_;  // Of "for D of E": the last E of known checks.
  std::size_t next_ = 0;
  std::size_t bad_in_recent_ = 0;
  bool was_bad_ = false;  // At the check before, that being the second before.
  bool was_fine_ = false;
  Duration bad_for_{};
  Duration fine_for_{};
  Duration clears_after_{};
  Duration running_for_{};  // Known checks since bad_since_.
  std::optional<Instant> bad_since_;
  std::optional<Instant> firing_since_;
};

}  // namespace belay::rules
