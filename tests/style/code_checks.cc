#include "tests/style/code_checks.h"

#include <array>
#include <string>
#include <string_view>

#include "tests/style/text.h"

namespace belay::style {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

/// Where the parenthesis that opens at `open` closes; npos if it never does.
std::size_t closing(std::string_view code, std::size_t open) {
  int depth = 0;
  for (std::size_t at = open; at < code.size(); ++at) {
    if (code[at] == '(') ++depth;
    if (code[at] == ')' && --depth == 0) return at;
  }
  return std::string_view::npos;
}

bool is_empty_catch(std::string_view code, std::size_t at) {
  const std::size_t open = code.find_first_not_of(kSpace, at);
  if (open == std::string_view::npos || code[open] != '(') return false;
  const std::size_t close = closing(code, open);
  if (close == std::string_view::npos) return false;
  const std::size_t brace = code.find_first_not_of(kSpace, close + 1);
  if (brace == std::string_view::npos || code[brace] != '{') return false;
  const std::size_t inside = code.find_first_not_of(kSpace, brace + 1);
  return inside != std::string_view::npos && code[inside] == '}';
}

}  // namespace

Findings check_no_std_regex(const File& file) {
  Findings findings;
  if (!is_cpp(file.path)) return findings;
  for (const Include& include : includes_of(code_only(file.content))) {
    if (include.target == "regex") {
      findings.push_back({file.path, include.line, "use RE2 instead of std::regex"});
    }
  }
  return findings;
}

Findings check_no_ordered_field_lookup(const File& file) {
  Findings findings;
  if (!is_cpp(file.path)) return findings;
  for (const std::size_t line : lines_with_word(code_only(file.content), "find_field", true)) {
    findings.push_back({file.path, line, "use find_field_unordered"});
  }
  return findings;
}

Findings check_no_sleeping_tests(const File& file) {
  constexpr std::array<std::string_view, 6> kSleeps = {"sleep_for", "sleep_until",     "usleep",
                                                       "nanosleep", "clock_nanosleep", "sleep"};
  Findings findings;
  const bool python = extension(file.path) == "py";
  if (!is_under(file.path, "tests") || !(is_cpp(file.path) || python)) return findings;
  const std::string code = python ? file.content : code_only(file.content);
  for (const std::string_view sleep : kSleeps) {
    for (const std::size_t line : lines_with_word(code, sleep, true)) {
      findings.push_back({file.path, line, "a test must not sleep"});
    }
  }
  return findings;
}

Findings check_no_empty_catch(const File& file) {
  constexpr std::string_view kCatch = "catch";
  Findings findings;
  if (!is_cpp(file.path)) return findings;
  const std::string code = code_only(file.content);
  for (std::size_t at = code.find(kCatch); at != std::string::npos;
       at = code.find(kCatch, at + 1)) {
    if (is_empty_catch(code, at + kCatch.size())) {
      findings.push_back({file.path, line_at(code, at), "an empty catch swallows the error"});
    }
  }
  return findings;
}

}  // namespace belay::style
