#pragma once

#include "tests/style/finding.h"

/// What C++ of ours must not do, wherever it stands. Pure functions of one file.
namespace belay::style {

/// std::regex crashes on a line of 50 kB; RE2 does not.
Findings check_no_std_regex(const File& file);

/// simdjson's ordered look-up silently depends on the order of the keys.
Findings check_no_ordered_field_lookup(const File& file);

/// Tests own the clock; none may wait for a real one. A child process in .mjs may.
Findings check_no_sleeping_tests(const File& file);

/// A catch with nothing in it (a comment is nothing) swallows an error.
Findings check_no_empty_catch(const File& file);

}  // namespace belay::style
