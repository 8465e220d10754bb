#include "rules/windows/time_buckets.h"

#include <algorithm>

namespace belay::rules {
namespace {

std::chrono::seconds width_of(Resolution resolution) {
  switch (resolution) {
    case Resolution::second:
      return std::chrono::seconds{1};
    case Resolution::ten_seconds:
      return std::chrono::seconds{10};
    case Resolution::minute:
      return std::chrono::seconds{60};
  }
  return std::chrono::seconds{1};
}

std::uint32_t divide_up(Duration length, Duration width) {
  return static_cast<std::uint32_t>((length + width - Duration{1}) / width);
}

}  // namespace

WindowShape::WindowShape(Duration length) {
  length = std::clamp(length, kWindowMin, kWindowMax);
  if (length <= std::chrono::minutes{5})
    resolution = Resolution::second;
  else if (length <= std::chrono::hours{1})
    resolution = Resolution::ten_seconds;
  else
    resolution = Resolution::minute;
  buckets = divide_up(length, width());
  ahead = divide_up(kFutureMax, width());
}

Duration WindowShape::width() const { return width_of(resolution); }
Duration WindowShape::length() const { return width() * buckets; }

}  // namespace belay::rules
