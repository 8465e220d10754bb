#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace belay::style {

/// One file of the tree.
struct File {
  std::string path;  ///< Relative to the root, with forward slashes.
  std::string content;
};

/// A broken promise, and where.
struct Finding {
  std::string path;
  std::size_t line = 0;  ///< From 1; 0 is the file as a whole.
  std::string what;
};

using Findings = std::vector<Finding>;

}  // namespace belay::style
