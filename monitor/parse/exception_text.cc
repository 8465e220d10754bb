#include "monitor/parse/exception_text.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/sanitize.h"

namespace belay::monitor {
namespace {

using nlohmann::json;

constexpr std::size_t kTextBytesMax = 160;
/// Most of it is a stack.
constexpr std::size_t kObjectBytesMax = std::size_t{64} * 1024;

/// Logpush writes its names with a capital.
std::string text_of(const json& object, const char* key, const char* capital) {
  for (const char* name : {key, capital}) {
    const auto found = object.find(name);
    if (found != object.end() && found->is_string()) return found->get<std::string>();
  }
  return {};
}

}  // namespace

std::string exception_text(std::string_view object) {
  if (object.size() > kObjectBytesMax) return {};
  const json read = json::parse(object, nullptr, /*allow_exceptions=*/false);
  if (!read.is_object()) return {};
  const std::string name = text_of(read, "name", "Name");
  std::string message = text_of(read, "message", "Message");
  message.resize(std::min(message.size(), message.find_first_of("\r\n")));
  if (name.empty() || message.empty()) return sanitize(name + message, kTextBytesMax);
  return sanitize(name + ": " + message, kTextBytesMax);
}

}  // namespace belay::monitor
