#include "net/http_syntax.h"

#include <algorithm>
#include <charconv>

namespace belay::net {
namespace {

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

bool is_token(std::string_view text) {
  static constexpr std::string_view kOther = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || kOther.find(c) != std::string_view::npos;
  });
}

bool is_header_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::optional<std::chrono::seconds> parse_retry_after(std::string_view text) {
  constexpr long kSecondsMax = 86'400;
  long seconds = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, seconds);
  const bool is_too_large = parsed.ec == std::errc::result_out_of_range && !text.starts_with('-');
  if ((parsed.ec != std::errc{} && !is_too_large) || parsed.ptr != end || seconds < 0) {
    return std::nullopt;
  }
  return std::chrono::seconds{is_too_large ? kSecondsMax : std::min(seconds, kSecondsMax)};
}

}  // namespace belay::net
