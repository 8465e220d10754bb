#pragma once

#include <deque>
#include <optional>

#include "base/time.h"
#include "rules/windows/time_buckets.h"

namespace belay::rules {

/// When a source was alive and gave everything, for "alive for 80 % of `over`". Times are engine
/// time and should come in order; one that lies before the latest sign of life is taken as that
/// moment.
///
/// A source shows that it lives by signs (SourceState{alive}, SourceProgress, its events). The time
/// between two signs is covered if it is at most `silence_max`; so is the time since the last sign,
/// while it is at most that. Longer silence is not covered at all: silence is never taken for
/// health.
class Coverage {
 public:
  /// `silence_max`: three intervals of the source. Nothing is covered before the first sign().
  explicit Coverage(Duration silence_max);

  /// The source lives and gives everything.
  void sign(Instant at);
  /// From now on it does not (down, refused, sampled), until the next sign().
  void interrupt(Instant at);
  /// What came within [from, to) is incomplete, whatever else is known. So is the time between the
  /// last sign before it and its start.
  void gap(Instant from, Instant to);

  /// Which share of (now - window, now] is covered, 0..1.
  [[nodiscard]] double share(Instant now, Duration window) const;
  /// The window reaches back before the first sign of life: not filled yet.
  [[nodiscard]] bool warming(Instant now, Duration window) const;
  /// No sign for longer than silence_max, or none ever.
  [[nodiscard]] bool silent(Instant now) const;

 private:
  struct Interval {
    Instant from{};
    Instant to{};
  };
  /// A source that flaps more often than this within kWindowMax loses its oldest intervals.
  static constexpr std::size_t kIntervalsMax = 1024;

  void close(Instant at);

  Duration silence_max_;
  std::deque<Interval> covered_;  // In order, disjoint.
  std::optional<Instant> first_sign_;
  std::optional<Instant> last_sign_;
  std::optional<Instant> open_from_;  // Where coverage goes on from; none while interrupted.
  Instant latest_{};                  // Sign or interruption.
  Instant gap_until_{};               // Nothing before this is covered by signs yet to come.
};

}  // namespace belay::rules
