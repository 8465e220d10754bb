#include "tests/style/build_checks.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/style/text.h"

namespace belay::style {
namespace {

constexpr std::string_view kList = "CMakeLists.txt";

/// The words of a CMake file, comments left out.
std::set<std::string, std::less<>> words_of(std::string_view cmake) {
  std::set<std::string, std::less<>> words;
  std::string word;
  bool comment = false;
  for (const char c : cmake) {
    if (c == '#') comment = true;
    if (!comment && std::string_view(" \t\r\n()\"").find(c) == std::string_view::npos) {
      word += c;
      continue;
    }
    if (!word.empty()) words.insert(std::move(word));
    word.clear();
    if (c == '\n') comment = false;
  }
  if (!word.empty()) words.insert(std::move(word));
  return words;
}

/// By directory ("" is the root), the words of its CMakeLists.txt.
using Lists = std::map<std::string, std::set<std::string, std::less<>>, std::less<>>;

std::string_view parent(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? "" : path.substr(0, slash);
}

Lists lists_of(const std::vector<File>& tree) {
  Lists lists;
  for (const File& file : tree) {
    if (file_name(file.path) == kList)
      lists[std::string(parent(file.path))] = words_of(file.content);
  }
  return lists;
}

/// Whether a list above `path` names it, relative to where that list is.
bool is_named(const Lists& lists, std::string_view path) {
  std::string_view dir = path;
  while (!dir.empty()) {
    dir = parent(dir);
    const auto list = lists.find(dir);
    if (list == lists.end()) continue;
    if (list->second.contains(path.substr(dir.empty() ? 0 : dir.size() + 1))) return true;
  }
  return false;
}

}  // namespace

Findings check_every_source_is_built(const std::vector<File>& tree) {
  const Lists lists = lists_of(tree);
  Findings findings;
  for (const File& file : tree) {
    if (extension(file.path) == "cc" && !is_named(lists, file.path)) {
      findings.push_back({file.path, 0, "no CMakeLists.txt names this file"});
    }
  }
  return findings;
}

Findings check_every_list_is_added(const std::vector<File>& tree) {
  const Lists lists = lists_of(tree);
  Findings findings;
  for (const auto& [dir, words] : lists) {
    if (!dir.empty() && !is_named(lists, dir)) {
      findings.push_back({dir + "/CMakeLists.txt", 0, "no CMakeLists.txt above adds this one"});
    }
  }
  return findings;
}

namespace {

/// "Suite, Name" as a TEST() has it, of "Suite.Name"; empty if it is not the name of a test.
std::string declared(std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == 0 || dot == std::string_view::npos || name[0] < 'A' || name[0] > 'Z') return {};
  const std::string_view test = name.substr(dot + 1);
  const bool is_all = test == "*";
  if (!is_all && (test.empty() || test[0] < 'A' || test[0] > 'Z')) return {};
  return "(" + std::string(name.substr(0, dot)) + ", " + (is_all ? "" : std::string(test) + ")");
}

}  // namespace

Findings check_named_tests_exist(const std::vector<File>& tree) {
  Findings findings;
  for (const File& table : tree) {
    if (table.path != "tests/README.md") continue;
    const std::string_view text = table.content;
    for (std::size_t open = text.find('`'); open != std::string_view::npos;) {
      const std::size_t close = text.find('`', open + 1);
      if (close == std::string_view::npos) break;
      const std::string_view name = text.substr(open + 1, close - open - 1);
      const std::string wanted = declared(name);
      const bool is_there =
          wanted.empty() || std::any_of(tree.begin(), tree.end(), [&](const File& file) {
            return extension(file.path) == "cc" && is_under(file.path, "tests") &&
                   file.content.find(wanted) != std::string::npos;
          });
      if (!is_there)
        findings.push_back({table.path, line_at(text, open), "no test " + std::string(name)});
      open = text.find('`', close + 1);
    }
  }
  return findings;
}

}  // namespace belay::style
