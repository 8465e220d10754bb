#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/time.h"

/// The fields of a JSON object that we wrote ourselves, read back without exceptions: what is
/// missing, or of another type, is as if it had not been written.
namespace belay::exporters {

/// Discarded (is_discarded()) if the text is not JSON.
inline nlohmann::json parsed(const std::string& text) {
  return nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
}

inline std::string text_in(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

template <typename Number>
Number number_in(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<Number>() : Number{};
}

inline bool is_set_in(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

/// The elements of an array; none if there is no such array.
inline const nlohmann::json& array_in(const nlohmann::json& object, const char* key) {
  static const nlohmann::json kNone = nlohmann::json::array();
  const auto found = object.find(key);
  return found != object.end() && found->is_array() ? *found : kNone;
}

/// The texts of an array; nothing if there is none.
inline std::optional<std::vector<std::string>> texts_in(const nlohmann::json& object,
                                                        const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) return std::nullopt;
  std::vector<std::string> texts;
  for (const nlohmann::json& text : *found)
    if (text.is_string()) texts.push_back(text.get<std::string>());
  return texts;
}

/// Of a field "…_ms": milliseconds since the Unix epoch.
inline std::optional<Instant> instant_in(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer()) return std::nullopt;
  return from_unix_ms(found->get<std::int64_t>());
}

}  // namespace belay::exporters
