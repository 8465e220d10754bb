#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace belay {

/// The one door for hostile text (log lines, exception messages, URLs) before a terminal, a log,
/// Slack or the page. Control characters (C0, DEL, C1) become "\xNN", line breaks "\n", invalid
/// UTF-8 U+FFFD, and characters that reorder or hide text (bidi controls, zero width) are spelled
/// out as "\u{202E}". Cut to `bytes_max` at a character boundary, with "…" to show it. Idempotent.
std::string sanitize(std::string_view text, std::size_t bytes_max = 500);

}  // namespace belay
