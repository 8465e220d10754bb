#pragma once

#include <string>

namespace belay {

/// A word as a shell needs it, for people to copy: whoever wrote it, it stays one word.
std::string shell_quoted(const std::string& word);

}  // namespace belay
