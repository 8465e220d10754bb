#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace belay {

/// The candidate that `word` most likely was meant to be (an edit distance of at most a third of
/// its length), for "did you mean". Ties go to the earlier candidate; nothing if none is near.
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> candidates);

}  // namespace belay
