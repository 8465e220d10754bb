#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace belay {

struct Utf8Character {
  char32_t code = 0;
  std::size_t bytes = 0;
};

/// The character at the front of `text`, which is not empty; nothing if the bytes there are not
/// well-formed UTF-8 (Unicode 15, table 3-7).
std::optional<Utf8Character> decode_utf8(std::string_view text);

/// All of `text` is well-formed.
bool is_utf8(std::string_view text);

}  // namespace belay
