#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace belay::test {

/// The command line that runs the real wrangler of tests/npm in `home`, with nothing of our own
/// environment, against the API at `base_url` and nothing else: its metrics, error reports and
/// update check are off.
std::vector<std::string> wrangler_command(const std::filesystem::path& home,
                                          const std::string& base_url,
                                          const std::vector<std::string>& arguments);

/// Runs it to its end, which must be a success; its standard output.
std::string run_wrangler(const std::filesystem::path& home, const std::string& base_url,
                         const std::vector<std::string>& arguments);

/// How many processes run whose environment names `home`.
int processes_in(const std::filesystem::path& home);

}  // namespace belay::test
