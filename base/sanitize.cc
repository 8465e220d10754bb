#include "base/sanitize.h"

#include <array>
#include <cstdio>

#include "base/utf8.h"

namespace belay {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

/// Characters that hide or reorder what surrounds them: zero width, bidirectional controls, line
/// and paragraph separators, invisible operators, the byte order mark, tags.
bool deceives(char32_t c) {
  return c == 0xAD || c == 0x61C || c == 0x180E || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
         (c >= 0xE0000 && c <= 0xE007F);
}

std::string escaped(const char* format, unsigned value) {
  std::array<char, 16> out{};
  const int length = std::snprintf(out.data(), out.size(), format, value);
  return {out.data(), static_cast<std::size_t>(length)};
}

std::string shown(char32_t c, std::string_view bytes) {
  if (c == '\n') return "\\n";
  if (c == '\r') return "\\r";
  if (c == '\t') return "\\t";
  if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return escaped("\\x%02X", static_cast<unsigned>(c));
  if (deceives(c)) return escaped("\\u{%04X}", static_cast<unsigned>(c));
  return std::string(bytes);
}

}  // namespace

std::string sanitize(std::string_view text, std::size_t bytes_max) {
  std::string out;
  std::size_t fits = 0;  // Where to cut so that the ellipsis still fits.
  while (!text.empty()) {
    const auto decoded = decode_utf8(text);
    const std::size_t bytes = decoded ? decoded->bytes : 1;
    const std::string piece =
        decoded ? shown(decoded->code, text.substr(0, bytes)) : std::string(kReplacement);
    if (out.size() + kEllipsis.size() <= bytes_max) fits = out.size();
    if (out.size() + piece.size() > bytes_max) {
      out.resize(fits);
      return bytes_max < kEllipsis.size() ? out : out.append(kEllipsis);
    }
    out.append(piece);
    text.remove_prefix(bytes);
  }
  return out;
}

}  // namespace belay
