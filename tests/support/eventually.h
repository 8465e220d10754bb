#pragma once

#include <chrono>
#include <utility>

#include <poll.h>

namespace belay::test {

/// Waits until `condition()` holds, asking about every two milliseconds. False: it did not within
/// `at_most`, which only a broken test should ever reach. For what has no descriptor or condition
/// variable to wait on.
template <typename Condition>
bool eventually(Condition&& condition,
                std::chrono::milliseconds at_most = std::chrono::seconds{20}) {
  const auto until = std::chrono::steady_clock::now() + at_most;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    ::poll(nullptr, 0, 2);
  }
  return true;
}

}  // namespace belay::test
