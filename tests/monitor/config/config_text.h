#pragma once

#include <string>
#include <vector>

#include "monitor/config/read_config.h"

/// Configurations as tests write them: `${…}` comes from a few made-up variables.
namespace belay::test {

monitor::ReadConfig read(const std::string& text);

/// "LINE: error: message" of everything that was found.
std::vector<std::string> faults_of(const monitor::ReadConfig& read);

/// The configuration, which must be without errors.
monitor::Config good(const std::string& text);

}  // namespace belay::test
