#include "tests/style/house_checks.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "tests/style/text.h"

namespace belay::style {
namespace {

constexpr std::array<std::string_view, 7> kDirs = {"base",    "net",   "rules", "exporters",
                                                   "monitor", "tests", "bench"};

std::string_view top_dir(std::string_view path) {
  const std::size_t slash = path.find('/');
  return slash == std::string_view::npos ? "" : path.substr(0, slash);
}

bool is_ours(std::string_view dir) {
  return std::find(kDirs.begin(), kDirs.end(), dir) != kDirs.end();
}

bool may_see(std::string_view from, std::string_view to) {
  if (from == "base") return to == "base";
  if (from == "net") return is_any_of(to, {"base", "net"});
  if (from == "rules") return is_any_of(to, {"base", "rules"});
  if (from == "exporters") return is_any_of(to, {"base", "net", "rules", "exporters"});
  if (from == "monitor") return !is_any_of(to, {"tests", "bench"});
  return true;
}

bool is_pure(std::string_view path) { return is_under(path, "base") || is_under(path, "rules"); }

bool is_impure_header(std::string_view header) {
  return is_any_of(header,
                   {"barrier", "condition_variable", "ctime", "filesystem", "fstream", "future",
                    "iostream", "latch", "mutex", "print", "random", "semaphore", "stop_token",
                    "shared_mutex", "syncstream", "thread", "time.h", "unistd.h", "stdio.h"});
}

/// Names that read a clock, or reach outside, whatever header brings them.
constexpr std::array kImpureNames = {"system_clock",  "steady_clock", "high_resolution_clock",
                                     "utc_clock",     "file_clock",   "random_device",
                                     "cout",          "cerr",         "clog",
                                     "stdin",         "this_thread",  "gettimeofday",
                                     "clock_gettime", "jthread"};

/// Functions that do so. <cstdio> is there for snprintf.
constexpr std::array kImpureCalls = {"printf", "fprintf", "vfprintf", "puts",   "fputs", "putchar",
                                     "fputc",  "fwrite",  "fopen",    "fread",  "fgets", "scanf",
                                     "getenv", "rand",    "srand",    "system", "time",  "clock"};

}  // namespace

Findings check_arrows(const File& file) {
  Findings findings;
  const std::string_view from = top_dir(file.path);
  if (!is_cpp(file.path) || !is_ours(from)) return findings;
  for (const Include& include : includes_of(code_only(file.content))) {
    const std::string_view to = top_dir(include.target);
    if (!include.quoted) {
      if (is_ours(to)) {
        findings.push_back({file.path, include.line, "own headers are quoted: " + include.target});
      }
    } else if (!is_ours(to)) {
      findings.push_back(
          {file.path, include.line, "own headers are named from the root: " + include.target});
    } else if (!may_see(from, to)) {
      findings.push_back(
          {file.path, include.line,
           std::string(from) + "/ must not see " + std::string(to) + "/: " + include.target});
    }
  }
  return findings;
}

Findings check_purity(const File& file) {
  Findings findings;
  if (!is_cpp(file.path) || !is_pure(file.path)) return findings;
  const std::string code = code_only(file.content);
  for (const Include& include : includes_of(code)) {
    if (!include.quoted && is_impure_header(include.target)) {
      findings.push_back({file.path, include.line, "pure code includes <" + include.target + ">"});
    }
  }
  for (const std::string_view name : kImpureNames) {
    for (const std::size_t line : lines_with_word(code, name)) {
      findings.push_back({file.path, line, "pure code names " + std::string(name)});
    }
  }
  if (file.path == "base/check.cc") return findings;
  for (const std::string_view name : kImpureCalls) {
    for (const std::size_t line : lines_with_word(code, name, true)) {
      findings.push_back({file.path, line, "pure code calls " + std::string(name) + "()"});
    }
  }
  return findings;
}

Findings check_third_party_in_pure_code(const File& file) {
  Findings findings;
  if (!is_cpp(file.path) || !is_pure(file.path)) return findings;
  const bool re2_allowed = is_under(file.path, "rules");
  for (const Include& include : includes_of(code_only(file.content))) {
    // Standard headers have neither a folder nor an ending.
    const bool standard = include.target.find_first_of("/.") == std::string::npos;
    if (include.quoted || standard) continue;
    if (re2_allowed && include.target.starts_with("re2/")) continue;
    findings.push_back({file.path, include.line, "pure code includes <" + include.target + ">"});
  }
  return findings;
}

Findings check_forbidden_libraries(const File& file) {
  Findings findings;
  if (!is_cpp(file.path)) return findings;
  const bool peer = is_under(file.path, "tests") || file.path.starts_with("monitor/demo");
  for (const Include& include : includes_of(code_only(file.content))) {
    if (include.target == "httplib.h" && !peer) {
      findings.push_back({file.path, include.line, "httplib is for the demo and for tests"});
    }
    if (include.target == "prometheus/exposer.h") {
      findings.push_back({file.path, include.line, "two half-open connections block the Exposer"});
    }
  }
  return findings;
}

}  // namespace belay::style
