#include "base/sanitize.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>

namespace belay {
namespace {

struct Decoded {
  char32_t character;
  std::size_t bytes;
};

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

/// The character at the front; nothing if the bytes are not well-formed UTF-8 (Unicode 15, table
/// 3-7).
std::optional<Decoded> decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return Decoded{lead, 1};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return std::nullopt;
  char32_t character = lead & (0xFFU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return std::nullopt;
    character = (character << 6) | (byte(i) & 0x3FU);
  }
  const bool overlong = (bytes == 3 && character < 0x800) || (bytes == 4 && character < 0x10000);
  const bool surrogate = character >= 0xD800 && character <= 0xDFFF;
  if (overlong || surrogate || character > 0x10FFFF) return std::nullopt;
  return Decoded{character, bytes};
}

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

std::string shown(Decoded decoded, std::string_view bytes) {
  const char32_t c = decoded.character;
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
    const auto decoded = decode(text);
    const std::size_t bytes = decoded ? decoded->bytes : 1;
    const std::string piece =
        decoded ? shown(*decoded, text.substr(0, bytes)) : std::string(kReplacement);
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
