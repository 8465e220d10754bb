#include "rules/windows/value_window.h"

#include <algorithm>
#include <cmath>

namespace belay::rules {

ValueWindow::ValueWindow(Duration length, const TimeBuckets& now)
    : ring_(WindowShape(length), now), cells_(ring_.cells()) {}

bool ValueWindow::add(const TimeBuckets& now, Instant at, std::uint32_t count, double sum,
                      double max) {
  advance(now);
  const std::int64_t distance = ring_.distance(at);
  if (!ring_.holds(distance) || !std::isfinite(sum) || !std::isfinite(max)) return false;
  if (count == 0) return true;
  Cell& cell = cells_[ring_.cell(distance)];
  cell.max = cell.count == 0 ? max : std::max(cell.max, max);
  if (cell.count == 0 || at >= cell.last_at) {
    cell.last = sum / count;
    cell.last_at = at;
  }
  cell.count += count;
  cell.sum += sum;
  totals_.reset();
  return true;
}

void ValueWindow::slide(const TimeBuckets& now) {
  ring_.advance(
      now, [this](std::uint32_t cell) { cells_[cell] = {}; }, [](std::uint32_t /*cell*/) {});
  totals_.reset();
}

const ValueWindow::Totals& ValueWindow::totals() const {
  if (totals_) return *totals_;
  Totals totals;
  // Oldest first: the same events give the same sum, wherever the ring happens to begin.
  for (std::int64_t distance = 1 - std::int64_t{ring_.shape().buckets}; distance <= 0; ++distance) {
    const Cell& cell = cells_[ring_.cell(distance)];
    if (cell.count == 0) continue;
    totals.max = totals.count == 0 ? cell.max : std::max(totals.max, cell.max);
    totals.last = cell.last;
    totals.sum += cell.sum;
    totals.count += cell.count;
  }
  return totals_.emplace(totals);
}

std::uint64_t ValueWindow::count() const { return totals().count; }
double ValueWindow::sum() const { return totals().sum; }

std::optional<double> ValueWindow::mean() const {
  if (count() == 0) return std::nullopt;
  return sum() / static_cast<double>(count());
}

std::optional<double> ValueWindow::max() const {
  if (count() == 0) return std::nullopt;
  return totals().max;
}

std::optional<double> ValueWindow::last() const {
  if (count() == 0) return std::nullopt;
  return totals().last;
}

}  // namespace belay::rules
