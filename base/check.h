#pragma once

#include <source_location>
#include <string_view>

namespace belay {

/// Ends the process after naming the broken condition and its place on standard error. On in
/// release builds too: a daemon that is wrong about itself must not act, and the journal resumes
/// what was open.
[[noreturn]] void check_failed(std::string_view condition, std::string_view message,
                               std::source_location where = std::source_location::current());

}  // namespace belay

/// States what only a bug of ours can break. The world's faults are a Result, never a check.
#define BELAY_CHECK(condition, message)           \
  do {                                            \
    if (!(condition)) [[unlikely]]                \
      ::belay::check_failed(#condition, message); \
  } while (false)
