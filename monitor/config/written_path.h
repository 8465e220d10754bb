#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

/// Paths as they are written in belay.yaml: a relative one begins at the directory that the file
/// lies in, wherever Belay was started (docs/adr/0011-paths-begin-at-the-file.md).
namespace belay::monitor {

/// Absolute, unless our own working directory was removed; then as good as `file` stands.
std::filesystem::path directory_of_file(const std::string& file);

/// Where `state` lies. It is one, by whichever link belay.yaml is named: it begins where the file
/// itself is. An Error: beside the link there is one that an older Belay has made, and none there.
Result<std::filesystem::path> state_path(const std::string& file, const std::string& written);

/// "./" is left out; ".." stays, as only the file system knows where a link leads.
std::filesystem::path path_in(const std::filesystem::path& directory, const std::string& written);

}  // namespace belay::monitor
