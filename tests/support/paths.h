#pragma once

#include <filesystem>
#include <string_view>

namespace belay::test {

/// The root of the source tree this test was built from.
std::filesystem::path source_dir();

/// A file or folder under tests/data, named relative to it.
std::filesystem::path data_path(std::string_view name);

/// The `belay` executable of the same build.
std::filesystem::path belay_binary();

}  // namespace belay::test
