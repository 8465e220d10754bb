#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace belay::simulation {

/// Chance that a seed gives back, whatever the standard library and the machine (splitmix64).
class Seeded {
 public:
  explicit Seeded(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t bits = state_;
    bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9U;
    bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebU;
    return bits ^ (bits >> 31U);
  }
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }
  /// In [0, 1).
  double unit() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
  bool chance(double probability) { return unit() < probability; }
  Duration between(Duration least, Duration most) {
    return least + Duration{static_cast<std::int64_t>(static_cast<double>((most - least).count()) *
                                                      unit())};
  }
  /// Another stream: what it is asked for disturbs this one no more.
  Seeded fork() { return Seeded(next()); }

 private:
  std::uint64_t state_;
};

}  // namespace belay::simulation
