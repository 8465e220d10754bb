#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/config/rule_test.h"
#include "monitor/config/strict_yaml.h"
#include "rules/language/located.h"
#include "rules/language/rule.h"

namespace belay::monitor {

/// A rule file: `rules:` and the `tests:` beside them, in YAML (RULES.md). No interpolation: a
/// sentence is what stands in the file.
struct RuleFile {
  std::string name;                ///< As messages show it.
  std::vector<rules::Rule> rules;  ///< Those without an error; names are unique.
  std::vector<RuleTest> tests;     ///< Those without an error.
  std::vector<rules::Located>
      faults;  ///< In the order of the file. With an error in it: refuse all.

  bool is_absent = false;  ///< Nothing could be read: the one fault has no place in it.

  [[nodiscard]] bool failed() const { return rules::has_error(faults); }
};

/// Never throws; everything wrong is in `faults`.
RuleFile parse_rule_file(std::string name, std::string text);

/// `reference` is a shipped pack ("packs/rollout") or a path ending in .yaml or .yml, relative to
/// `directory`. A file that cannot be read is a fault.
RuleFile load_rule_file(const std::string& reference, const std::filesystem::path& directory);

/// A rule file that is compiled into the binary.
struct Pack {
  std::string_view name;  ///< "packs/rollout"
  std::string_view text;
};
/// Sorted by name.
std::span<const Pack> shipped_packs();

}  // namespace belay::monitor
