#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace belay::monitor {

/// Where a program is that would be started by this name (looked up in PATH unless it holds a
/// slash); nothing if there is none that we may run.
std::optional<std::filesystem::path> find_program(const std::string& name);

}  // namespace belay::monitor
