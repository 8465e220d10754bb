#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace belay::rules {

/// Room for one normalised route.
using RouteBuffer = std::array<char, 160>;
/// Segments that are kept; what follows them becomes one "*".
inline constexpr std::size_t kRouteDepthMax = 8;

/// Makes few routes of many URLs: "https://a.test/users/123?x=1#y" -> "/users/:id".
///
/// Takes a URL or a path. Drops scheme, authority, query, fragment, empty segments and a trailing
/// slash. A segment becomes ":id" if it is
///   - a number or a date (digits, with "-", ".", ",", ":", "+", "T" or "Z" between them),
///   - a UUID or another hexadecimal string of 8 digits or more, at least one of them 0-9,
///   - a string of 16 or more in which letters and digits alternate as in a token (ULID, nanoid,
///   base62),
///   - anything with five digits in a row ("order-12345"), or with an "@",
///   - "REDACTED", which Cloudflare writes for what it takes for an id,
///   - longer than 64 bytes.
/// Words stay, "v1" and "caf%C3%A9" among them, as does a file's extension behind an id
/// ("/:id.png"). Beyond kRouteDepthMax segments, or what the buffer holds, everything becomes one
/// "*". Without a path, "/".
///
/// Any bytes are allowed; bytes that stay are as they were. One pass, no allocation. Idempotent.
/// The result lies in `buffer`.
std::string_view normalise_route(std::string_view url, RouteBuffer& buffer);

}  // namespace belay::rules
