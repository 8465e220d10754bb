#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <vector>

#include "monitor/config/strict_yaml.h"

namespace belay::monitor {

/// The one of `values` whose name_of() is written; nothing for one of `other_words`. A fault names
/// them all.
template <typename Enum, std::size_t N>
std::optional<Enum> choice_of(const YamlValue& value, const std::array<Enum, N>& values,
                              std::initializer_list<std::string_view> other_words = {}) {
  std::vector<std::string_view> words;
  for (const Enum one : values) words.push_back(name_of(one));
  words.insert(words.end(), other_words);
  const auto index = value.choice(words);
  return index && *index < N ? std::optional{values[*index]} : std::nullopt;
}

}  // namespace belay::monitor
