#include "tests/style/text_checks.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

#include "tests/style/text.h"

namespace belay::style {
namespace {

constexpr std::size_t kLinesMax = 400;

bool is_recorded(std::string_view path) { return is_under(path, "tests/data"); }

// Each is spelled in two parts, or this file would break its own rule.
constexpr std::array<std::string_view, 8> kRegistries = {
    "registry.npm"
    "js.org",
    "npm"
    "js.com",
    "deb.debian"
    ".org",
    "security.debian"
    ".org",
    "pypi"
    ".org",
    "files.python"
    "hosted",
    "crates"
    ".io",
    "proxy.go"
    "lang.org"};
constexpr std::array<std::string_view, 2> kMachineRoots = {
    "/wo"
    "rk/",
    "/ro"
    "ot/"};

/// True where a path cannot begin: in the middle of a longer path, or of an address.
bool continues_path(char before) {
  return std::isalnum(static_cast<unsigned char>(before)) != 0 ||
         std::string_view("._-~/}*)>").find(before) != std::string_view::npos;
}

}  // namespace

Findings check_length(const File& file) {
  const std::string_view kind = extension(file.path);
  if (is_recorded(file.path) || !is_any_of(kind, {"h", "cc", "mjs", "js", "css", "py", "sh"})) {
    return {};
  }
  const auto lines =
      static_cast<std::size_t>(std::count(file.content.begin(), file.content.end(), '\n'));
  if (lines <= kLinesMax) return {};
  return {{file.path, 0, std::to_string(lines) + " lines, over " + std::to_string(kLinesMax)}};
}

Findings check_file_name(const File& file) {
  if (is_recorded(file.path)) return {};
  std::string name(file_name(file.path));
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '.' || c == '-'; }, '_');
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find('_', at), name.size());
    const std::string_view word = std::string_view(name).substr(at, end - at);
    if (is_any_of(word, {"manager", "managers", "helper", "helpers", "util", "utils"})) {
      return {{file.path, 0, "a file name must not say \"" + std::string(word) + "\""}};
    }
    at = end + 1;
  }
  return {};
}

Findings check_no_registry_hosts(const File& file) {
  Findings findings;
  for (const std::string_view host : kRegistries) {
    const std::size_t at = file.content.find(host);
    if (at == std::string::npos) continue;
    findings.push_back({file.path, line_at(file.content, at), "names the host of a registry"});
  }
  return findings;
}

Findings check_no_machine_paths(const File& file) {
  Findings findings;
  for (const std::string_view root : kMachineRoots) {
    for (std::size_t at = file.content.find(root); at != std::string::npos;
         at = file.content.find(root, at + 1)) {
      if (at > 0 && continues_path(file.content[at - 1])) continue;
      findings.push_back({file.path, line_at(file.content, at), "names a path of one machine"});
    }
  }
  return findings;
}

}  // namespace belay::style
