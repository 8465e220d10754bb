#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include <simdjson.h>

#include "monitor/parse/document_reader.h"
#include "monitor/parse/framer.h"

/// Reading members of JSON objects with simdjson On-Demand, in whatever order they come. For
/// document_reader.cc alone: whoever includes this includes all of simdjson. A value of the wrong
/// type (null, most often) counts as absent.
namespace belay::monitor::json {

namespace ondemand = simdjson::ondemand;
using simdjson::error_code;

static_assert(kDocumentPadding >= simdjson::SIMDJSON_PADDING);

/// A member's name as it stands in the document. Names that we look for need no escapes.
class Key {
 public:
  explicit Key(const char* text) : text_(text) {}
  [[nodiscard]] char front() const { return *text_; }
  /// Reads at most the name and its quote: the padding allows it.
  template <std::size_t kSize>
  [[nodiscard]] bool is(const char (&name)[kSize]) const {
    static_assert(kSize <= kDocumentPadding);
    return std::memcmp(text_, name, kSize - 1) == 0 && text_[kSize - 1] == '"';
  }
  [[nodiscard]] bool is(std::string_view name) const {
    return std::strncmp(text_, name.data(), name.size()) == 0 && text_[name.size()] == '"';
  }

 private:
  const char* text_;
};

/// Calls `visit` for each member.
template <typename Visit>
error_code each_member(ondemand::object object, Visit&& visit) {
  for (auto member : object) {
    if (member.error() != simdjson::SUCCESS) return member.error();
    ondemand::field field = member.value_unsafe();
    const error_code error = visit(Key(field.key().raw()), field.value());
    if (error != simdjson::SUCCESS) return error;
  }
  return simdjson::SUCCESS;
}

template <typename Visit>
error_code each_member(ondemand::value value, Visit&& visit) {
  ondemand::object object;
  const error_code error = value.get_object().get(object);
  if (error == simdjson::INCORRECT_TYPE) return simdjson::SUCCESS;
  return error != simdjson::SUCCESS ? error : each_member(object, std::forward<Visit>(visit));
}

template <typename Visit>
error_code each_element(ondemand::value value, Visit&& visit) {
  ondemand::array array;
  const error_code error = value.get_array().get(array);
  if (error == simdjson::INCORRECT_TYPE) return simdjson::SUCCESS;
  if (error != simdjson::SUCCESS) return error;
  for (auto element : array) {
    if (element.error() != simdjson::SUCCESS) return element.error();
    const error_code visited = visit(element.value_unsafe());
    if (visited != simdjson::SUCCESS) return visited;
  }
  return simdjson::SUCCESS;
}

inline char first_char(ondemand::value& value) {
  const std::string_view token = value.raw_json_token();
  return token.empty() ? '\0' : token.front();
}

inline bool is_null(ondemand::value& value) { return first_char(value) == 'n'; }

/// A string: where it lies if it has no escapes. Anything else leaves `text` as it is.
inline error_code read(ondemand::value value, std::string_view& text) {
  std::string_view token = value.raw_json_token();
  if (token.empty() || token.front() != '"') return simdjson::SUCCESS;
  while (token.back() != '"') token.remove_suffix(1);
  if (token.size() < 2) return simdjson::STRING_ERROR;
  const std::string_view inside = token.substr(1, token.size() - 2);
  if (inside.find('\\') != std::string_view::npos) return value.get_string().get(text);
  text = inside;
  return simdjson::SUCCESS;
}

inline error_code read(ondemand::value value, Number& number) {
  if (is_null(value)) return simdjson::SUCCESS;
  std::uint64_t whole = 0;
  if (value.get_uint64().get(whole) == simdjson::SUCCESS) {
    number = {static_cast<double>(whole), Number::State::present};
  } else if (value.get_double().get(number.value) == simdjson::SUCCESS) {
    number.state = Number::State::present;
  } else {
    number.state = Number::State::bad;
  }
  return simdjson::SUCCESS;
}

/// An object as it stands in the document. Anything else leaves `text` as it is.
inline error_code read_raw(ondemand::value value, std::string_view& text) {
  ondemand::object object;
  const error_code error = value.get_object().get(object);
  if (error == simdjson::INCORRECT_TYPE) return simdjson::SUCCESS;
  if (error != simdjson::SUCCESS) return error;
  if (const error_code read = object.raw_json().get(text); read != simdjson::SUCCESS) return read;
  // It reaches to what comes next.
  text = text.substr(0, text.rfind('}') + 1);
  return simdjson::SUCCESS;
}

/// As text.find(word, from), which stops at every quote on its way to a word that begins with one.
inline std::size_t find_word(std::string_view text, std::string_view word, std::size_t from) {
  const void* found = memmem(text.data() + from, text.size() - from, word.data(), word.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

/// The value of a header, looked up in the text of the headers' object: cheaper than walking it.
/// No string can hold the quoted name followed by a colon, for its quotes would be escaped.
inline std::string_view header_in(std::string_view json, std::string_view quoted_name) {
  for (std::size_t at = find_word(json, quoted_name, 0); at != std::string_view::npos;
       at = find_word(json, quoted_name, at + 1)) {
    std::size_t open = json.find_first_not_of(" \t\r\n", at + quoted_name.size());
    if (open == std::string_view::npos || json[open] != ':') continue;
    open = json.find_first_not_of(" \t\r\n", open + 1);
    if (open == std::string_view::npos || json[open] != '"') continue;
    const std::size_t close = json.find('"', open + 1);
    if (close == std::string_view::npos) continue;
    const std::string_view content = json.substr(open + 1, close - open - 1);
    if (content.find('\\') != std::string_view::npos) continue;
    return content;
  }
  return {};
}

}  // namespace belay::monitor::json
