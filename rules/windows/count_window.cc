#include "rules/windows/count_window.h"

namespace belay::rules {

CountWindow::CountWindow(Duration length, const TimeBuckets& now)
    : ring_(WindowShape(length), now), cells_(ring_.cells()) {}

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
