#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace belay::monitor {

/// Bytes of a text, from `begin` up to, and without, `end`.
struct TextSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// What of a value, as it is written in a file, may be a secret itself: all but `${NAME}` and
/// `${file:…}`, which only say where it is.
std::vector<TextSpan> literal_parts(std::string_view text, TextSpan value);

/// Puts stars in place of what looks like a secret in a line of configuration that is shown: the
/// user and the query of an address, and values under names like `token`, `password`, `API_KEY`.
/// For lines that nobody could read, or of which nobody knows what they mean.
void mask_likely_secrets(std::string& line);

}  // namespace belay::monitor
