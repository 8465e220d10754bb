#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "monitor/parse/interner.h"
#include "rules/event.h"

namespace belay::monitor {

/// A hash that is quick on short texts. Equal on every machine and in every run.
inline std::uint64_t quick_hash(std::string_view text, std::uint64_t seed = 0) {
  constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15ULL;
  std::uint64_t hash = seed ^ (text.size() * kMultiplier);
  const auto mix = [&hash](std::uint64_t word) {
    hash = (hash ^ word) * kMultiplier;
    hash ^= hash >> 32;
  };
  std::uint64_t word = 0;
  const char* at = text.data();
  std::size_t left = text.size();
  // Whole words with a size known to the compiler: else each is a call of memcpy.
  for (; left >= sizeof word; at += sizeof word, left -= sizeof word) {
    std::memcpy(&word, at, sizeof word);
    mix(word);
  }
  if (left > 0) {
    word = 0;
    std::memcpy(&word, at, left);
    mix(word);
  }
  return hash;
}

/// The ids of the texts seen last, so that most need no look into the interner. What `make` makes
/// of a text (its id, or the id of something made from it) must always be the same.
template <std::size_t kSlots>
class TextCache {
 public:
  template <typename Make>
  rules::TextId id(std::string_view text, Make&& make) {
    static_assert((kSlots & (kSlots - 1)) == 0);
    constexpr std::size_t kTextMax = 512;  // Bounds what a slot holds.
    if (text.empty()) return rules::kNoText;
    if (text.size() > kTextMax) return make(text);
    Slot& slot = slots_[quick_hash(text) & (kSlots - 1)];
    if (slot.text != text) {
      slot.id = make(text);
      slot.text.assign(text);
    }
    return slot.id;
  }

 private:
  struct Slot {
    std::string text;
    rules::TextId id = rules::kNoText;
  };
  std::array<Slot, kSlots> slots_;
};

}  // namespace belay::monitor
