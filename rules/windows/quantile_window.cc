#include "rules/windows/quantile_window.h"

#include <limits>

namespace belay::rules {

QuantileWindow::QuantileWindow(Duration length, const TimeBuckets& now)
    : ring_(WindowShape(length), now), log_(ring_.cells()) {}

bool QuantileWindow::add(const TimeBuckets& now, const TimeBuckets& at, BucketId value,
                         std::uint32_t count) {
  advance(now);
  const std::int64_t distance = ring_.distance(at);
  if (!ring_.holds(distance) || count > kCountMax) return false;
  if (held_ + count > std::numeric_limits<std::uint32_t>::max()) return false;
  if (count == 0) return true;
  held_ += count;
  if (distance <= 0) histogram_.insert(value, count);
  log_.append(static_cast<std::size_t>(distance + ring_.shape().buckets - 1), value, count);
  return true;
}

void QuantileWindow::slide(const TimeBuckets& now) {
  if (held_ != 0) log_.settle(ring_.shape().buckets - 1);
  ring_.advance(
      now, [this](std::uint32_t /*cell*/) { leave(); },
      [this](std::uint32_t /*cell*/) { enter(); });
  if (held_ != 0) return;
  // What a burst took is given back once it is over.
  log_.clear();
  histogram_ = Histogram();
}

/// The oldest time bucket is over.
void QuantileWindow::leave() {
  log_.for_each(0, [this](BucketId value, std::uint32_t count) {
    histogram_.remove(value, count);
    held_ -= count;
  });
  log_.drop_first();
}

/// A time bucket becomes the current one.
void QuantileWindow::enter() {
  log_.for_each(ring_.shape().buckets - 1,
                [this](BucketId value, std::uint32_t count) { histogram_.insert(value, count); });
}

}  // namespace belay::rules
