#pragma once

#include <string>
#include <string_view>

namespace belay::exporters {

/// Any text as a code span of Markdown, fit for a cell of a table: sanitized, cut, and nothing in
/// it can end the span or the cell. In a code span there are no links, images, mentions, headings
/// and no HTML. "-" for an empty text.
std::string code_span(std::string_view text, std::size_t bytes_max = 500);

}  // namespace belay::exporters
