#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "rules/windows/histogram.h"

namespace belay::rules {

/// The value buckets that fell into each of a row of places (the time buckets of a window), packed.
/// They come in as 16-bit ids. A place that settles, or is full of them, is sorted: equal ones are
/// counted together, and each is told by its distance from the one before it, in a byte mostly. So
/// memory follows the distinct values of a place and not the events.
class BucketLog {
 public:
  explicit BucketLog(std::size_t places) : places_(places) {}

  /// `count` > 0. The nearer to the last place, the quicker.
  void append(std::size_t place, BucketId value, std::uint32_t count) {
    if (count == 1 && value != kCounted && place >= newest_ && !is_full(at(place))) [[likely]] {
      add_word(place, value);
    } else {
      append_slowly(place, value, count);
    }
  }
  /// Not much more is expected there.
  void settle(std::size_t place);
  /// The first place goes; an empty one follows the last.
  void drop_first();
  /// Forgets all and gives its memory back.
  void clear();

  /// Calls each(value, count); a value may come several times.
  template <typename Each>
  void for_each(std::size_t place, Each each) const {
    const Place& at = this->at(place);
    const std::uint8_t* from = bytes_.data() + begin_of(place);
    const std::uint8_t* loose = from + at.bytes - at.words * kWordBytes;
    for (Sorted sorted{.from = from, .value = origin_}; sorted.from != loose;) {
      const std::uint32_t count = sorted.next();
      each(sorted.value, count);
    }
    for (std::size_t i = 0; i < at.words; ++i) {
      const std::uint16_t word = word_at(loose, i);
      if (word != kCounted) {
        each(word, std::uint32_t{1});
        continue;
      }
      each(word_at(loose, i + 1),
           word_at(loose, i + 2) | std::uint32_t{word_at(loose, i + 3)} << 16U);
      i += kCountedWords - 1;
    }
  }

 private:
  struct Place {
    std::uint32_t bytes = 0;  // Sorted entries, then loose words.
    std::uint16_t words = 0;
  };
  static constexpr std::size_t kWordBytes = sizeof(std::uint16_t);
  /// No value's bucket. What follows is a value and the two halves of how often it occurs.
  static constexpr std::uint16_t kCounted = 0;
  static constexpr std::size_t kCountedWords = 4;
  /// Sorted when about half of it is loose, so that each value is sorted a few times only.
  static constexpr std::uint16_t kWordsMin = 128;
  static constexpr std::uint16_t kWordsMax = 0x8000;
  static bool is_full(const Place& place) {
    return place.words >= kWordsMin &&
           (place.words * 4U >= place.bytes || place.words >= kWordsMax);
  }
  /// Reads sorted entries.
  struct Sorted {
    const std::uint8_t* from = nullptr;
    BucketId value = 0;

    /// Moves on to the next value; says how often it occurs.
    std::uint32_t next();
    std::uint32_t rest();
  };

  static std::uint16_t word_at(const std::uint8_t* words, std::size_t index) {
    std::uint16_t word = 0;
    std::memcpy(&word, words + index * kWordBytes, kWordBytes);
    return word;
  }
  [[nodiscard]] std::size_t index_of(std::size_t place) const {
    const std::size_t index = first_ + place;
    return index < places_.size() ? index : index - places_.size();
  }
  [[nodiscard]] const Place& at(std::size_t place) const { return places_[index_of(place)]; }
  [[nodiscard]] Place& at(std::size_t place) { return places_[index_of(place)]; }
  [[nodiscard]] std::size_t end_of(std::size_t place) const;
  [[nodiscard]] std::size_t begin_of(std::size_t place) const {
    return place == 0 ? begin_ : end_of(place) - at(place).bytes;
  }
  /// Behind all others.
  void add_word(std::size_t place, std::uint16_t word) {
    if (begin_ == bytes_.size()) origin_ = word;
    make_room(kWordBytes);
    const std::size_t end = bytes_.size();
    bytes_.push_back(0);
    bytes_.push_back(0);
    std::memcpy(bytes_.data() + end, &word, kWordBytes);
    newest_ = place;
    at(place).bytes += kWordBytes;
    ++at(place).words;
  }
  void append_slowly(std::size_t place, BucketId value, std::uint32_t count);
  void sort(std::size_t place);
  /// By an eighth, not to twice the size: there is one of these for each series.
  void make_room(std::size_t bytes) {
    const std::size_t needed = bytes_.size() + bytes;
    if (needed > bytes_.capacity()) [[unlikely]]
      bytes_.reserve(needed + needed / 8 + 16);
  }
  void replace(std::size_t begin, std::size_t size, const std::uint8_t* by, std::size_t by_size);

  std::vector<Place> places_;
  std::size_t first_ = 0;            // In places_.
  std::vector<std::uint8_t> bytes_;  // Of all places, in their order.
  std::size_t begin_ = 0;            // What lies before is of places that went.
  std::size_t newest_ = 0;           // No place behind this one has any.
  BucketId origin_ = 0;              // What the first sorted entry of a place is told from.
};

}  // namespace belay::rules
