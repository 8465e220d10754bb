#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace belay::net {

/// A token of RFC 9110 5.6.2: fit for a method or a header's name.
bool is_token(std::string_view text);

/// Fit for a header's value: no CR, LF, NUL or other control character but the tab.
bool is_header_value(std::string_view text);

/// Without the spaces, tabs and line breaks around it.
std::string_view trimmed(std::string_view text);

/// The seconds of a Retry-After, at most a day. Nothing for a date, which none of those we talk to
/// sends, and for what is neither.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view text);

}  // namespace belay::net
