#include "rules/windows/gauge_window.h"

#include <cmath>

namespace belay::rules {

GaugeWindow::GaugeWindow(Duration length, const TimeBuckets& now)
    : ring_(WindowShape(length), now), cells_(ring_.cells()) {}

bool GaugeWindow::add(const TimeBuckets& now, Instant at, double value) {
  advance(now);
  const TimeBuckets buckets(at);
  const std::int64_t distance = ring_.distance(buckets);
  if (!ring_.holds(distance) || !std::isfinite(value)) return false;
  const Duration width = ring_.shape().width();
  const double t = seconds(at.time_since_epoch() - width * buckets.in(ring_.shape().resolution));
  Cell& cell = cells_[ring_.cell(distance)];
  ++cell.count;
  cell.t += t;
  cell.tt += t * t;
  cell.v += value;
  cell.tv += t * value;
  if (!newest_ || at >= newest_->at) newest_ = {.value = value, .at = at};
  return true;
}

void GaugeWindow::slide(const TimeBuckets& now) {
  ring_.advance(
      now, [this](std::uint32_t cell) { cells_[cell] = {}; }, [](std::uint32_t /*cell*/) {});
}

template <typename Each>
void GaugeWindow::for_each_covered(Each each) const {
  const double width = seconds(ring_.shape().width());
  for (std::int64_t distance = 1 - std::int64_t{ring_.shape().buckets}; distance <= 0; ++distance) {
    const Cell& cell = cells_[ring_.cell(distance)];
    if (cell.count != 0)
      each(cell, static_cast<double>(cell.count), width * static_cast<double>(distance));
  }
}

std::uint64_t GaugeWindow::count() const {
  std::uint64_t count = 0;
  for_each_covered([&count](const Cell& cell, double, double) { count += cell.count; });
  return count;
}

std::optional<double> GaugeWindow::mean() const {
  double n = 0;
  double v = 0;
  for_each_covered([&](const Cell& cell, double count, double) {
    n += count;
    v += cell.v;
  });
  if (n == 0) return std::nullopt;
  return v / n;
}

std::optional<double> GaugeWindow::slope() const {
  double n = 0;
  double t_mean = 0;
  double v_mean = 0;
  for_each_covered([&](const Cell& cell, double count, double start) {
    n += count;
    t_mean += cell.t + count * start;
    v_mean += cell.v;
  });
  if (n < 2) return std::nullopt;
  t_mean /= n;
  v_mean /= n;
  // About the means: sums of squares of times since some epoch would lose the digits that matter.
  double tt = 0;
  double tv = 0;
  for_each_covered([&](const Cell& cell, double count, double start) {
    const double shift = start - t_mean;
    tt += cell.tt + 2 * shift * cell.t + count * shift * shift;
    tv += cell.tv + shift * cell.v - v_mean * (cell.t + count * shift);
  });
  // Less than a millisecond apart is one moment: its slope would be noise.
  if (tt < n * 1e-7) return std::nullopt;
  return tv / tt;
}

}  // namespace belay::rules
