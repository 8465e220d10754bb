#pragma once

#include <chrono>
#include <cstdint>

#include "base/time.h"

namespace belay::rules {

/// What every sliding window of the engine means by "over W".
///
/// Time is cut into buckets of a resolution r. An event lies in bucket b = floor(at / r) of its own
/// time. At engine time `now` the window covers the buckets with
///     floor(now / r) - W / r  <  b  <=  floor(now / r),      W rounded up to a multiple of r.
/// So the bucket of `now` itself is in, while it fills, and a window spans between W - r and W. A
/// late event lands in its own bucket while that is inside; later it is refused. An event of at
/// most `kFutureMax` ahead of `now` is kept, and counts from the moment its bucket is reached.
inline constexpr Duration kFutureMax = std::chrono::seconds{5};
inline constexpr Duration kWindowMin = std::chrono::seconds{5};
inline constexpr Duration kWindowMax = std::chrono::hours{24};

/// Width of the buckets: 1 s for windows of up to 5 min, 10 s up to 1 h, 60 s beyond.
enum class Resolution : std::uint8_t { second, ten_seconds, minute };

/// A moment as the index of its bucket in each resolution. Divides once, for all windows that the
/// moment is used with: make one for `now` in each step and one for each event.
class TimeBuckets {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a moment is what every window takes.
  constexpr TimeBuckets(Instant at)
      : second_(std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count()),
        ten_seconds_(floor_divide(second_, 10)),
        minute_(floor_divide(second_, 60)) {}

  [[nodiscard]] constexpr std::int64_t in(Resolution resolution) const {
    switch (resolution) {
      case Resolution::second:
        return second_;
      case Resolution::ten_seconds:
        return ten_seconds_;
      case Resolution::minute:
        return minute_;
    }
    return second_;
  }

 private:
  static constexpr std::int64_t floor_divide(std::int64_t value, std::int64_t by) {
    return value >= 0 ? value / by : (value - by + 1) / by;
  }
  std::int64_t second_;
  std::int64_t ten_seconds_;
  std::int64_t minute_;
};

/// How a window of a given length is cut into buckets. Lengths are taken into
/// kWindowMin..kWindowMax.
struct WindowShape {
  Resolution resolution = Resolution::second;
  std::uint32_t buckets = 0;  ///< Covered ones: W / r.
  std::uint32_t ahead = 0;    ///< Further ones, for events ahead of now.

  explicit WindowShape(Duration length);
  [[nodiscard]] Duration width() const;   ///< Of one bucket.
  [[nodiscard]] Duration length() const;  ///< W, rounded up.
};

/// Where in a ring of `buckets + ahead` cells each bucket of a window lies. Holds no cells itself.
class RingPosition {
 public:
  RingPosition(WindowShape shape, const TimeBuckets& now)
      : now_(now.in(shape.resolution)), shape_(shape), current_(shape.buckets - 1) {}

  [[nodiscard]] std::uint32_t cells() const { return shape_.buckets + shape_.ahead; }
  [[nodiscard]] const WindowShape& shape() const { return shape_; }
  [[nodiscard]] std::int64_t now() const { return now_; }

  /// How far the bucket of `at` lies ahead of the current one (negative: behind).
  [[nodiscard]] std::int64_t distance(const TimeBuckets& at) const {
    return at.in(shape_.resolution) - now_;
  }
  /// Whether a bucket at this distance has a cell.
  [[nodiscard]] bool holds(std::int64_t distance) const {
    return distance > -static_cast<std::int64_t>(shape_.buckets) &&
           distance <= static_cast<std::int64_t>(shape_.ahead);
  }
  /// The cell of a bucket that holds() is true for.
  [[nodiscard]] std::uint32_t cell(std::int64_t distance) const {
    const std::int64_t size = cells();
    std::int64_t index = static_cast<std::int64_t>(current_) + distance;
    index += index < 0 ? size : 0;
    index -= index >= size ? size : 0;
    return static_cast<std::uint32_t>(index);
  }
  /// Moves on to `now`, bucket by bucket: `leave(cell)` is called for each bucket that falls out
  /// (its cell must be empty afterwards) and `enter(cell)` for each that becomes current. A jump
  /// past everything visits each cell once. An earlier `now` changes nothing.
  template <typename Leave, typename Enter>
  void advance(const TimeBuckets& now, Leave leave, Enter enter) {
    const std::int64_t target = now.in(shape_.resolution);
    if (target - now_ > static_cast<std::int64_t>(cells())) {
      now_ = target - static_cast<std::int64_t>(cells());
      // What was ahead is passed over too: it enters and leaves within the steps that follow.
    }
    while (now_ < target) {
      leave(cell(1 - static_cast<std::int64_t>(shape_.buckets)));
      ++now_;
      current_ = current_ + 1 == cells() ? 0 : current_ + 1;
      enter(cell(0));
    }
  }

 private:
  std::int64_t now_;
  WindowShape shape_;
  std::uint32_t current_;
};

}  // namespace belay::rules
