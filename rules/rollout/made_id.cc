#include "rules/rollout/made_id.h"

#include <array>
#include <cstddef>

namespace belay::rules {
namespace {

std::uint64_t mix(std::uint64_t bits) {
  bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebU;
  return bits ^ (bits >> 31U);
}

std::uint64_t hash(std::uint64_t seed, std::string_view text) {
  std::uint64_t bits = seed ^ (text.size() * 0x9e3779b97f4a7c15U);
  for (const char byte : text) bits = mix(bits ^ static_cast<unsigned char>(byte));
  return mix(bits);
}

std::uint64_t hash(std::uint64_t seed, std::int64_t number) {
  return mix(mix(seed) ^ static_cast<std::uint64_t>(number));
}

/// 128 bits in a UUID's shape (version 8: made by ourselves).
std::string uuid_of(std::uint64_t high, std::uint64_t low) {
  constexpr std::string_view kHex = "0123456789abcdef";
  high = (high & ~std::uint64_t{0xF000}) | 0x8000U;
  low = (low & 0x3FFFFFFFFFFFFFFFU) | 0x8000000000000000U;
  std::string text;
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) text += '-';
    const std::uint64_t half = i < 16 ? high : low;
    text += kHex[(half >> static_cast<unsigned>(60 - 4 * (i % 16))) & 0xFU];
  }
  return text;
}

}  // namespace

std::string made_id(std::initializer_list<std::string_view> texts,
                    std::initializer_list<std::int64_t> numbers) {
  std::array<std::uint64_t, 2> halves{};
  for (std::size_t i = 0; i < halves.size(); ++i) {
    std::uint64_t bits = 0x62656c6179ULL + i;
    for (const std::string_view text : texts) bits = hash(bits, text);
    for (const std::int64_t number : numbers) bits = hash(bits, number);
    halves[i] = bits;
  }
  return uuid_of(halves[0], halves[1]);
}

}  // namespace belay::rules
