#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace belay::style {

/// One #include line.
struct Include {
  std::string target;   ///< What stands between the quotes or angles.
  bool quoted = false;  ///< "x" rather than <x>.
  std::size_t line = 0;
};

/// C++ with comments and the insides of literals blanked, so that only code is left to search.
/// Lines keep their numbers. The target of an #include is kept.
std::string code_only(std::string_view cpp);

/// The #include lines of C++ that code_only() has gone over.
std::vector<Include> includes_of(std::string_view code);

/// The lines (from 1) on which `word` stands as a whole identifier. With `called`, only where an
/// opening parenthesis follows.
std::vector<std::size_t> lines_with_word(std::string_view code, std::string_view word,
                                         bool called = false);

/// The line (from 1) of the character at `offset`.
std::size_t line_at(std::string_view text, std::size_t offset);

/// The last part of a path, and what comes after its last dot ("" if none).
std::string_view file_name(std::string_view path);
std::string_view extension(std::string_view path);

bool is_cpp(std::string_view path);
bool is_under(std::string_view path, std::string_view dir);
bool is_any_of(std::string_view text, std::initializer_list<std::string_view> choices);

}  // namespace belay::style
