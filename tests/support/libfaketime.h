#pragma once

#include <filesystem>
#include <string>

namespace belay::test {

/// The library that moves the clocks of the program it is preloaded into.
inline std::string libfaketime() {
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib")) {
    const auto library = entry.path() / "faketime" / "libfaketimeMT.so.1";
    if (std::filesystem::exists(library)) return library.string();
  }
  return "libfaketimeMT.so.1";
}

}  // namespace belay::test
