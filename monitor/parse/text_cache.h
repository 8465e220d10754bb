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

namespace text_cache_detail {

inline std::uint64_t word_at(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

/// Up to seven bytes as a number, with no call to copy them.
inline std::uint64_t short_word(std::string_view text) {
  std::uint64_t word = 0;
  for (const char c : text) word = word << 8U | static_cast<unsigned char>(c);
  return word;
}

}  // namespace text_cache_detail

/// A hash that is quick on short texts. Equal on every machine and in every run.
inline std::uint64_t quick_hash(std::string_view text, std::uint64_t seed = 0) {
  using text_cache_detail::short_word;
  using text_cache_detail::word_at;
  constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15ULL;
  std::uint64_t hash = seed ^ (text.size() * kMultiplier);
  const auto mix = [&hash](std::uint64_t word) {
    hash = (hash ^ word) * kMultiplier;
    hash ^= hash >> 32;
  };
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  if (text.size() < kWord) {
    mix(short_word(text));
    return hash;
  }
  const char* last = text.data() + text.size() - kWord;
  for (const char* at = text.data(); at < last; at += kWord) mix(word_at(at));
  // The last word lies over the one before it, if they do not come out even.
  mix(word_at(last));
  return hash;
}

/// a == b, without the call that it costs.
inline bool is_same(std::string_view a, std::string_view b) {
  using text_cache_detail::word_at;
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  if (a.size() != b.size()) return false;
  if (a.size() < kWord) return text_cache_detail::short_word(a) == text_cache_detail::short_word(b);
  const std::size_t last = a.size() - kWord;
  std::uint64_t difference = word_at(a.data() + last) ^ word_at(b.data() + last);
  for (std::size_t i = 0; i < last; i += kWord)
    difference |= word_at(a.data() + i) ^ word_at(b.data() + i);
  return difference == 0;
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
    if (!is_same(slot.text, text)) {
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
