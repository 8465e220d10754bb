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
/// Takes a URL or a path. Drops scheme, authority, query and fragment, a trailing slash and empty
/// segments. A segment becomes ":id" if it is a number, a date, a UUID, a hexadecimal string of 8
/// or more with a digit in it, "REDACTED", has an "@", or is 16 or more letters and digits mixed as
/// a token mixes them; "v1" and words stay, as does a file's extension behind an id ("/:id.png").
/// Segments longer than 64 bytes are
/// ":id" too. Percent signs and bytes beyond ASCII stay as they are. Route and depth are bounded:
/// what does not fit becomes "*". Without a path, "/". Any bytes are allowed; one pass, no
/// allocation.
///
/// The result lies in `buffer`. Idempotent.
std::string_view normalise_route(std::string_view url, RouteBuffer& buffer);

}  // namespace belay::rules
