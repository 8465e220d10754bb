#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rules/language/parser.h"

namespace belay::rules {

/// A diagnostic with its place in a file, and the line it is about.
struct Located {
  std::string file;
  std::uint32_t line = 1;   ///< 1-based.
  Diagnostic what;          ///< Its column is that of the file, 1-based, in bytes.
  std::string source_line;  ///< Without its line break; empty: the place is shown without it.
};

/// For people, ending in a line break, hostile bytes made harmless, long lines cut around the
/// place:
///
///     belay.yaml:12:22: error: 5xx rate is a share or a rate per second: write 5% or 5/s
///      12 |     when: 5xx rate > 5 over 1m
///         |                      ^
///         = did you mean "5%"?
std::string render(const Located& located);

/// The same for a sentence that stands alone (`belay explain`): `place` is "argument", "when", ...
std::string render(const Diagnostic& diagnostic, std::string_view sentence, std::string_view place);

/// Something went wrong, warnings apart.
bool has_error(const std::vector<Diagnostic>& diagnostics);
bool has_error(const std::vector<Located>& diagnostics);

}  // namespace belay::rules
