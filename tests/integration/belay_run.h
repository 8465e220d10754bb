#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace belay::test {

/// What one run of the real binary came to.
struct BelayRun {
  int code = -1;     ///< 128 + the signal that ended it; -1: it did not end in time.
  std::string text;  ///< Standard output and standard error.
};

/// Runs `belay` to its end, in `directory` if that is not empty.
BelayRun run_belay(const std::vector<std::string>& arguments,
                   const std::filesystem::path& directory = {},
                   const std::vector<std::string>& environment = {},
                   std::chrono::seconds at_most = std::chrono::seconds{60});

}  // namespace belay::test
