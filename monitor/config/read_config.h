#pragma once

#include <optional>
#include <string>
#include <vector>

#include "monitor/config/config.h"
#include "monitor/config/strict_yaml.h"
#include "rules/language/located.h"

namespace belay::monitor {

/// A configuration, or everything that is wrong with it: errors and warnings of belay.yaml and of
/// the rule files that it names, in the order of the files.
struct ReadConfig {
  std::optional<Config> config;  ///< Absent if there is any error.
  std::vector<rules::Located> faults;
};

/// Reads `path` and the rule files it names. Touches nothing else: no network, no state.
ReadConfig read_config(const std::string& path, const Interpolation& interpolation);

/// The same for a text; relative paths are those of `path`'s directory.
ReadConfig parse_config(const std::string& path, std::string text,
                        const Interpolation& interpolation);

}  // namespace belay::monitor
