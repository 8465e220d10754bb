#include "exporters/markdown.h"

#include "base/sanitize.h"

namespace belay::exporters {

std::string code_span(std::string_view text, std::size_t bytes_max) {
  const std::string clean = sanitize(text, bytes_max);
  if (clean.find_first_not_of(' ') == std::string::npos) return "-";
  std::string span = "`";
  for (const char c : clean) {
    if (c == '`') {
      span += '\'';
    } else if (c == '|') {
      span += "\xC2\xA6";  // A broken bar: no escape of a real one holds in every reader.
    } else {
      span += c;
    }
  }
  return span + "`";
}

}  // namespace belay::exporters
