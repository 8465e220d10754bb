#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace belay::monitor {

/// Up to 15 digits: so many are exact as a double.
struct PlainNumber {
  static constexpr std::size_t kDigitsMax = 15;
  std::uint64_t value = 0;
  std::size_t digits = 0;  ///< 0: none stands there; kDigitsMax + 1: there may be more.
};

namespace plain_number_detail {

inline std::uint64_t load(const char* at) {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, at, sizeof bytes);
  return bytes;
}

/// How many digits the eight bytes begin with.
inline std::size_t leading_digits(std::uint64_t bytes) {
  const std::uint64_t values = bytes ^ 0x3030303030303030U;
  const std::uint64_t others = (values | (values + 0x7676767676767676U)) & 0x8080808080808080U;
  return static_cast<std::size_t>(std::countr_zero(others)) / 8;
}

/// The number that the first `digits` bytes are, 1 to 8 of them.
inline std::uint64_t value_of(std::uint64_t bytes, std::size_t digits) {
  // The last digit goes to the top, zeroes come in below; then pairs, fours and eights are joined.
  std::uint64_t value = (bytes << (64 - 8 * digits)) & 0x0F0F0F0F0F0F0F0FU;
  value = (value * (10 * 0x100 + 1) >> 8U) & 0x00FF00FF00FF00FFU;
  value = (value * (100 * 0x10000 + 1) >> 16U) & 0x0000FFFF0000FFFFU;
  return value * (10'000 * std::uint64_t{0x1'0000'0000} + 1) >> 32U;
}

}  // namespace plain_number_detail

/// The digits at `at`, which has 16 readable bytes, without a step for each of them: how many there
/// are differs from document to document, and no branch could be predicted by it.
inline PlainNumber plain_number(const char* at) {
  using plain_number_detail::leading_digits;
  using plain_number_detail::value_of;
  const std::uint64_t first = plain_number_detail::load(at);
  const std::size_t digits = leading_digits(first);
  if (digits == 0) return {};
  if (digits < 8) return {.value = value_of(first, digits), .digits = digits};
  static constexpr std::uint64_t kPowers[] = {1,       10,        100,        1'000,      10'000,
                                              100'000, 1'000'000, 10'000'000, 100'000'000};
  const std::uint64_t second = plain_number_detail::load(at + 8);
  const std::size_t more = leading_digits(second);
  const std::uint64_t rest = more == 0 ? 0 : value_of(second, more);
  return {.value = value_of(first, 8) * kPowers[more] + rest, .digits = 8 + more};
}

}  // namespace belay::monitor
