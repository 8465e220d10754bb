#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

/// Paths as they are written in belay.yaml: a relative one begins at the directory that the file
/// lies in, wherever Belay was started (docs/adr/0011-paths-begin-at-the-file.md).
namespace belay::monitor {

/// Absolute, unless our own working directory was removed; then as good as `file` stands.
std::filesystem::path directory_of_file(const std::string& file);

/// Where `state` lies, whoever asks and whenever. An Error: it is relative, and the file is named
/// through a link, its own or that of a directory. It would be another one by another name or when
/// the link is put elsewhere, as deployments do, and what was done and disarmed be forgotten.
Result<std::filesystem::path> state_path(const std::string& file, const std::string& written);

/// "./" is left out; ".." stays, as only the file system knows where a link leads.
std::filesystem::path path_in(const std::filesystem::path& directory, const std::string& written);

}  // namespace belay::monitor
