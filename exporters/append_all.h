#pragma once

#include <string_view>

namespace belay::exporters {

/// Writes all of `text` to the open `file`, in pieces if need be; 0, or the errno of what failed.
/// What was written is gone from `text`.
int append_all(int file, std::string_view& text);

}  // namespace belay::exporters
