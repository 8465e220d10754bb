#include "tests/deploy/toml_lines.h"

#include <sstream>
#include <string_view>

#include <gtest/gtest.h>

namespace belay::test {
namespace {

std::string trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(kBlank) + 1 - first));
}

std::string value_of(const std::string& text) {
  if (!text.starts_with('"')) return trimmed(std::string_view(text).substr(0, text.find('#')));
  return text.substr(1, text.find('"', 1) - 1);
}

}  // namespace

std::map<std::string, std::string> toml_lines(const std::string& text) {
  std::map<std::string, std::string> lines;
  std::string section;
  std::istringstream in(text);
  for (std::string raw; std::getline(in, raw);) {
    const std::string line = trimmed(raw);
    if (line.empty() || line.starts_with('#')) continue;
    if (line.starts_with('[')) {
      const std::size_t first = line.find_first_not_of('[');
      section = line.substr(first, line.find(']') - first) + ".";
      continue;
    }
    const std::size_t equals = line.find('=');
    EXPECT_NE(equals, std::string::npos) << line;
    if (equals == std::string::npos) continue;
    const std::string key = section + trimmed(std::string_view(line).substr(0, equals));
    const std::string value = value_of(trimmed(std::string_view(line).substr(equals + 1)));
    EXPECT_TRUE(lines.emplace(key, value).second) << key << " is there twice";
  }
  return lines;
}

}  // namespace belay::test
