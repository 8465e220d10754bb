#pragma once

#include <chrono>
#include <utility>

#include <poll.h>

namespace belay::test {

/// How many times as long as usual a test waits: code that a sanitizer watches is slow. What ctest
/// allows is scaled by cmake/BelayTargets.cmake.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int kSlowness = 5;
#else
inline constexpr int kSlowness = 1;
#endif

/// How long to wait here for what takes at most `usually` where no sanitizer watches.
constexpr std::chrono::milliseconds patience(std::chrono::milliseconds usually) {
  return usually * kSlowness;
}

/// Waits until `condition()` holds, asking about every two milliseconds. False: it did not within
/// patience(at_most), which only a broken test should ever reach. For what has no descriptor or
/// condition variable to wait on.
template <typename Condition>
bool eventually(Condition&& condition,
                std::chrono::milliseconds at_most = std::chrono::seconds{20}) {
  const auto until = std::chrono::steady_clock::now() + patience(at_most);
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    ::poll(nullptr, 0, 2);
  }
  return true;
}

}  // namespace belay::test
