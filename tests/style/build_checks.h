#pragma once

#include <vector>

#include "tests/style/finding.h"

/// What no single file can show: whether the build reaches everything. Pure functions of the tree.
namespace belay::style {

/// Every .cc is named by a CMakeLists.txt in its directory or above: one that no target builds is
/// only a comment.
Findings check_every_source_is_built(const std::vector<File>& tree);

/// Every CMakeLists.txt is added by one above it, up to the root.
Findings check_every_list_is_added(const std::vector<File>& tree);

/// Every test that tests/README.md names as `Suite.Name` or `Suite.*` is there.
Findings check_named_tests_exist(const std::vector<File>& tree);

}  // namespace belay::style
