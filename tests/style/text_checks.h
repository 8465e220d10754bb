#pragma once

#include "tests/style/finding.h"

/// What holds for files of any kind. Pure functions of one file; recorded input (tests/data/) may
/// be as long and be called what it likes.
namespace belay::style {

/// Over 400 lines a file has two subjects.
Findings check_length(const File& file);

/// A name says what is in a file; "util" does not.
Findings check_file_name(const File& file);

/// Package registries are the machine's own setting, never the project's.
Findings check_no_registry_hosts(const File& file);

/// The project stands wherever it is checked out.
Findings check_no_machine_paths(const File& file);

}  // namespace belay::style
