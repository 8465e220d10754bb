#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace belay::rules {

/// 36 characters in a UUID's shape (version 8), from these texts and numbers and nothing else: the
/// same ones give the same id.
std::string made_id(std::initializer_list<std::string_view> texts,
                    std::initializer_list<std::int64_t> numbers);

}  // namespace belay::rules
