#pragma once

#include <string>
#include <string_view>

namespace belay::monitor {

/// "TypeError: x is not a function": name and first line of the message of an exception, given as
/// its JSON, fit for people (sanitized, 160 bytes at most). Empty if it has neither, or is larger
/// than any exception needs to be.
std::string exception_text(std::string_view object);

}  // namespace belay::monitor
