#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/support/child_process.h"

namespace belay::test {

/// Whether strace can trace a process here. A test that cannot shows nothing: where CI is set it
/// fails with this, elsewhere it says so and must end.
inline bool may_trace() {
  ChildProcess probe({.argv = {"strace", "-f", "-o", "/dev/null", "true"}});
  if (probe.wait(std::chrono::seconds{20}) == 0) return true;
  EXPECT_EQ(std::getenv("CI"), nullptr) << "strace cannot trace a process here, so this shows "
                                           "nothing: install strace and let the job "
                                           "trace (docker run --cap-add SYS_PTRACE)";
  std::printf("processes may not be traced here: nothing is shown\n");
  return false;
}

}  // namespace belay::test
