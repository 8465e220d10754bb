#include "rules/windows/count_window.h"

namespace belay::rules {

CountWindow::CountWindow(Duration length, const TimeBuckets& now)
    : ring_(WindowShape(length), now), cells_(ring_.cells()) {}

std::uint64_t CountWindow::sum_of(Duration over, Duration behind) const {
  const Duration width = ring_.shape().width();
  const auto buckets = [width](Duration span) { return (span + width - Duration{1}) / width; };
  const std::int64_t newest = -buckets(behind);
  std::uint64_t sum = 0;
  for (std::int64_t at = newest; at > newest - buckets(over) && ring_.holds(at); --at)
    sum += cells_[ring_.cell(at)];
  return sum;
}

void CountWindow::slide(const TimeBuckets& now) {
  ring_.advance(
      now,
      [this](std::uint32_t cell) {
        sum_ -= cells_[cell];
        cells_[cell] = 0;
      },
      [this](std::uint32_t cell) { sum_ += cells_[cell]; });
}

}  // namespace belay::rules
