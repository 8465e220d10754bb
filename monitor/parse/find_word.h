#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <bit>
#include <cstddef>
#include <string_view>

#include "monitor/parse/framer.h"

namespace belay::monitor {

/// The first `word` that begins in [from, to) of `text`; npos if there is none. The word has 2 to
/// 32 bytes; `text` has kDocumentPadding readable bytes behind it, which are not part of anything.
/// For short ways: memmem prepares for long ones.
inline std::size_t find_word(std::string_view text, std::string_view word, std::size_t from,
                             std::size_t to) {
  if (text.size() < word.size()) return std::string_view::npos;
  if (to > text.size() - word.size() + 1) to = text.size() - word.size() + 1;
#if defined(__SSE2__)
  static_assert(kDocumentPadding >= 16 + 32);
  // Two bytes of the word are rare enough together to compare the rest only where both are; its
  // ends, such as quotes, are not.
  const std::size_t first = word.size() / 2;
  const std::size_t second = word.size() - 2;
  const __m128i first_byte = _mm_set1_epi8(word[first]);
  const __m128i second_byte = _mm_set1_epi8(word[second]);
  for (; from < to; from += 16) {
    const char* at = text.data() + from;
    const __m128i firsts = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + first));
    const __m128i seconds = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + second));
    const __m128i both =
        _mm_and_si128(_mm_cmpeq_epi8(firsts, first_byte), _mm_cmpeq_epi8(seconds, second_byte));
    for (auto hits = static_cast<unsigned>(_mm_movemask_epi8(both)); hits != 0; hits &= hits - 1) {
      const std::size_t place = from + static_cast<std::size_t>(std::countr_zero(hits));
      if (place >= to) break;
      if (text.substr(place, word.size()) == word) return place;
    }
  }
  return std::string_view::npos;
#else
  const std::size_t place = text.find(word, from);
  return place < to ? place : std::string_view::npos;
#endif
}

}  // namespace belay::monitor
