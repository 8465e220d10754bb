#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace belay::net {

/// Of one segment of a path or one part of a URL (RFC 3986): all but the unreserved characters.
std::string percent_encoded(std::string_view text);
/// Any bytes may come of it. Nothing for a '%' without two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace belay::net
